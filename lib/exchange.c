/* exchange.c - fits a record to the machine that it leaves or comes to. */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sys/io.h"
#include "sys/page.h"

/* The CRC-32 of all of the file. 0 or -errno. */
static int checksum_of(int fd, uint32_t *ret_crc)
{
	enum { CHUNK_BYTES = 1 << 16 };
	uint8_t chunk[CHUNK_BYTES];
	uLong crc = crc32_z(0, NULL, 0);
	uint64_t offset = 0;
	ssize_t n;

	while ((n = io_pread(fd, chunk, sizeof(chunk), offset)) > 0) {
		crc = crc32_z(crc, chunk, (size_t)n);
		offset += (uint64_t)n;
	}
	if (n < 0)
		return (int)n;
	*ret_crc = (uint32_t)crc;
	return 0;
}

static enum exchange_fault fault_of(int error)
{
	if (error == -ENOENT || error == -ENOTDIR || error == -EINVAL)
		return EXCHANGE_MISSING;
	return error == -ESTALE ? EXCHANGE_CHANGED : EXCHANGE_UNREADABLE;
}

/* What a pass over the files of a portable needs. */
struct pass {
	const struct exchange_listener *listener;
	struct exchange_count count;
	uint8_t *is_left_out; /* by index of the file */
	size_t next_index;
};

static int pass_init(struct pass *self, const struct shadow *shadow, const struct exchange_listener *listener)
{
	*self = (struct pass){ .listener = listener };
	self->is_left_out = calloc(shadow->files.n_files + 1, 1);
	return self->is_left_out ? 0 : -ENOMEM;
}

static void pass_release(struct pass *self)
{
	free(self->is_left_out);
}

static void leave_out(struct pass *pass, size_t index, const char *path, int error)
{
	pass->is_left_out[index] = 1;
	pass->count.n_left_out++;
	if (pass->listener && pass->listener->left_out)
		pass->listener->left_out(path, fault_of(error), pass->listener->context);
}

static void take(struct pass *pass, const struct pageset_file *file)
{
	pass->count.n_files++;
	pass->count.n_pages += pageset_file_pages(file);
}

/* pageset_remove_if() asks in the order of the files. */
static bool was_left_out(const struct pageset_file *file, void *context)
{
	struct pass *pass = context;

	(void)file;
	return pass->is_left_out[pass->next_index++];
}

/* Removes what was left out, and gives the checksums of the others their new indices. */
static void drop_left_out(struct portable *portable, struct pass *pass)
{
	size_t n_kept = 0;
	uint32_t n_dropped = 0;
	size_t index = 0;

	for (size_t i = 0; i < portable->n_checksums; i++) {
		struct portable_checksum sum = portable->checksums[i];

		for (; index < sum.file_index; index++)
			n_dropped += pass->is_left_out[index];
		if (pass->is_left_out[sum.file_index])
			continue;
		sum.file_index -= n_dropped;
		portable->checksums[n_kept++] = sum;
	}
	portable->n_checksums = n_kept;
	pass->next_index = 0;
	pageset_remove_if(&portable->shadow.files, was_left_out, pass);
}

/* 0: the file is what was recorded, and has its checksum if it needs one. */
static int pack_file(struct portable *portable, uint32_t index)
{
	const struct pageset_file *file = portable->shadow.files.files[index];
	struct stat st;
	uint32_t crc;
	cleanup_close int fd = fileid_open(file->path, &st);

	if (fd < 0)
		return fd;
	if (!fileid_still_valid(&file->id, fd, &st))
		return -ESTALE;
	if (file->id.build_id_size > 0)
		return 0;
	int r = checksum_of(fd, &crc);

	return r < 0 ? r : portable_add_checksum(portable, index, crc);
}

/* What its user named is no part of the program, and nobody else's business. */
static bool is_operand(const struct pageset_file *file, void *context)
{
	(void)context;
	return file->operand != PAGESET_NO_OPERAND;
}

int exchange_pack(struct shadow *shadow, const struct exchange_listener *listener,
		  struct portable *ret_portable, struct exchange_count *ret_count)
{
	cleanup_with(portable_release) struct portable portable = { .shadow = *shadow };
	cleanup_with(pass_release) struct pass pass = { 0 };

	*shadow = (struct shadow){ 0 };
	/* When the program was started here is nobody's business. */
	portable.shadow.history = (struct history){ 0 };
	pageset_remove_if(&portable.shadow.files, is_operand, NULL);
	int r = pass_init(&pass, &portable.shadow, listener);

	if (r < 0)
		return r;
	pageset_sort(&portable.shadow.files);
	for (size_t i = 0; i < portable.shadow.files.n_files; i++) {
		const struct pageset_file *file = portable.shadow.files.files[i];

		if (file->n_extents == 0) {
			pass.count.n_names++;
			continue;
		}
		r = pack_file(&portable, (uint32_t)i);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			leave_out(&pass, i, file->path, r);
		else
			take(&pass, file);
	}
	drop_left_out(&portable, &pass);
	*ret_count = pass.count;
	*ret_portable = portable;
	portable = (struct portable){ 0 };
	return 0;
}

/* 0: the file here is what other was recorded of, and ret_id is its identity. -ESTALE: it is not. */
static int identify(int fd, const struct fileid *recorded, const struct portable_checksum *sum,
		    struct fileid *ret_id)
{
	struct fileid id;
	int r = fileid_from_fd(fd, &id);
	uint32_t crc = 0;

	if (r < 0)
		return r;
	if (id.size_bytes != recorded->size_bytes)
		return -ESTALE;
	if (sum && recorded->build_id_size == 0) {
		r = checksum_of(fd, &crc);
		if (r == 0 && crc != sum->crc32)
			r = -ESTALE;
	} else if (!fileid_equal(&id, recorded)) {
		r = -ESTALE;
	}
	if (r == 0)
		*ret_id = id;
	return r;
}

static int unpack_file(struct portable *portable, uint32_t index)
{
	struct pageset_file *file = portable->shadow.files.files[index];
	struct stat st;
	cleanup_close int fd = fileid_open(file->path, &st);
	int r = fd < 0 ? fd : identify(fd, &file->id, portable_find_checksum(portable, index), &file->id);

	/* A record may claim more pages than such a file has. */
	if (r == 0)
		pageset_file_cut(file, page_count(file->id.size_bytes));
	return r;
}

int exchange_unpack(struct portable *portable, const struct exchange_listener *listener,
		    struct exchange_count *ret_count)
{
	cleanup_with(pass_release) struct pass pass = { 0 };
	const struct pageset *files = &portable->shadow.files;
	int r = pass_init(&pass, &portable->shadow, listener);

	if (r < 0)
		return r;
	for (size_t i = 0; i < files->n_files; i++) {
		if (files->files[i]->n_extents == 0) {
			pass.count.n_names++;
			continue;
		}
		r = unpack_file(portable, (uint32_t)i);
		if (r < 0)
			leave_out(&pass, i, files->files[i]->path, r);
		else
			take(&pass, files->files[i]);
	}
	drop_left_out(portable, &pass);
	*ret_count = pass.count;
	return 0;
}

/* The pages of both; those of self keep their time, but for the age. */
static int merge_pages(struct pageset_file *file, const struct pageset_file *other)
{
	for (size_t i = 0; i < other->n_extents; i++) {
		const struct extent *extent = &other->extents[i];
		int r = pageset_file_add(file, (struct page_run){ extent->first_page, extent->n_pages },
					 extent->first_use_us);

		if (r < 0 && r != -ERANGE)
			return r;
	}
	file->exact &= other->exact;
	return 0;
}

static int merge_file(struct shadow *self, const struct pageset_file *other)
{
	struct pageset_file *file = pageset_find(&self->files, other->path);
	bool is_new = !file;
	int r = is_new ? pageset_add(&self->files, other->path, other->first_use_us, &file) : 0;

	if (r < 0)
		return r;
	if (is_new) {
		file->id = other->id;
		file->age = other->age;
		file->operand = other->operand;
	} else if (file->n_extents > 0 && other->n_extents > 0 && !fileid_equal(&file->id, &other->id)) {
		return 0;
	} else if (file->n_extents == 0) {
		file->id = other->id;
	}
	if (other->operand == PAGESET_NO_OPERAND)
		file->operand = PAGESET_NO_OPERAND;
	file->access |= other->access;
	file->age = file->age < other->age ? file->age : other->age;
	if (other->first_use_us < file->first_use_us)
		file->first_use_us = other->first_use_us;
	return merge_pages(file, other);
}

static void add_saturated(uint32_t *counter, uint32_t n)
{
	if (__builtin_add_overflow(*counter, n, counter))
		*counter = UINT32_MAX;
}

int exchange_merge(struct shadow *self, const struct shadow *other)
{
	for (size_t i = 0; i < other->files.n_files; i++) {
		int r = merge_file(self, other->files.files[i]);

		if (r < 0)
			return r;
	}
	pageset_sort(&self->files);
	if (self->stats.runs == 0) {
		self->stats = other->stats;
		self->flags = other->flags;
	} else {
		add_saturated(&self->stats.runs, other->stats.runs);
		add_saturated(&self->stats.trained_runs, other->stats.trained_runs);
		self->flags |= other->flags;
	}
	return 0;
}

/* The checksums of a portable by path, as they were when its files were sorted. */
struct known_sums {
	const struct portable *portable;
	struct pageset_file **files; /* in the order of the indices */
	size_t n_files;
};

static int compare_path(const void *path, const void *file)
{
	return strcmp(path, (*(struct pageset_file *const *)file)->path);
}

static const struct portable_checksum *find_sum(const struct known_sums *known, const char *path)
{
	struct pageset_file **found = known->n_files > 0
					      ? bsearch(path, known->files, known->n_files,
							sizeof(struct pageset_file *), compare_path)
					      : NULL;

	return found ? portable_find_checksum(known->portable, (uint32_t)(found - known->files)) : NULL;
}

/* Of one version two machines have different times of change: other takes over that of self. */
static void align_times(const struct portable *self, const struct known_sums *own,
			const struct portable *other, const struct known_sums *others)
{
	for (size_t i = 0; i < other->shadow.files.n_files; i++) {
		struct pageset_file *file = other->shadow.files.files[i];
		const struct pageset_file *same = pageset_find(&self->shadow.files, file->path);
		const struct portable_checksum *a = same ? find_sum(own, file->path) : NULL;
		const struct portable_checksum *b = a ? find_sum(others, file->path) : NULL;

		if (b && a->crc32 == b->crc32 && same->id.size_bytes == file->id.size_bytes)
			file->id.mtime_ns = same->id.mtime_ns;
	}
}

int exchange_merge_portable(struct portable *self, struct portable *other)
{
	cleanup_with(portable_release) struct portable merged = { 0 };
	cleanup_free struct pageset_file **before = NULL;

	pageset_sort(&self->shadow.files);
	pageset_sort(&other->shadow.files);
	size_t n_before = self->shadow.files.n_files;

	before = calloc(n_before + 1, sizeof(struct pageset_file *));
	if (!before)
		return -ENOMEM;
	if (n_before > 0)
		memcpy(before, self->shadow.files.files, n_before * sizeof(struct pageset_file *));
	struct known_sums own = { self, before, n_before };
	struct known_sums others = { other, other->shadow.files.files, other->shadow.files.n_files };

	align_times(self, &own, other, &others);
	int r = exchange_merge(&self->shadow, &other->shadow);

	for (size_t i = 0; r == 0 && i < self->shadow.files.n_files; i++) {
		const char *path = self->shadow.files.files[i]->path;
		const struct portable_checksum *sum = find_sum(&own, path);

		if (!sum)
			sum = find_sum(&others, path);
		if (sum)
			r = portable_add_checksum(&merged, (uint32_t)i, sum->crc32);
	}
	if (r < 0)
		return r;
	free(self->checksums);
	self->checksums = take_pointer(merged.checksums);
	self->n_checksums = merged.n_checksums;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct exchange_range *x = a;
	const struct exchange_range *y = b;

	if (x->first_use_us != y->first_use_us)
		return x->first_use_us < y->first_use_us ? -1 : 1;
	if (x->path != y->path)
		return strcmp(x->path, y->path);
	return (x->offset_bytes > y->offset_bytes) - (x->offset_bytes < y->offset_bytes);
}

int exchange_ranges(const struct shadow *shadow, struct exchange_range **ret_ranges, size_t *ret_n_ranges)
{
	cleanup_free struct exchange_range *ranges =
		calloc((size_t)pageset_count_extents(&shadow->files) + 1, sizeof(*ranges));
	unsigned int shift = page_shift();
	size_t n = 0;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < shadow->files.n_files; i++) {
		const struct pageset_file *file = shadow->files.files[i];

		for (size_t j = 0; j < file->n_extents && !is_operand(file, NULL); j++) {
			uint64_t offset = file->extents[j].first_page << shift;
			uint64_t length = file->extents[j].n_pages << shift;

			if (offset >= file->id.size_bytes)
				continue;
			if (length > file->id.size_bytes - offset)
				length = file->id.size_bytes - offset;
			ranges[n++] = (struct exchange_range){ file->path, offset, length,
							       file->extents[j].first_use_us };
		}
	}
	if (n > 0)
		qsort(ranges, n, sizeof(*ranges), compare_ranges);
	*ret_ranges = take_pointer(ranges);
	*ret_n_ranges = n;
	return 0;
}
