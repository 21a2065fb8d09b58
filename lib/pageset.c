/* pageset.c - files by path in a hash table, and their pages in extents. */
#include "pageset.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void pageset_init(struct pageset *self)
{
	*self = (struct pageset){ 0 };
}

/* Files and their paths are taken from large blocks, and given back all at once: a shadow may have 20,000
 * of them, and is made and thrown away while a program waits. */
struct pageset_block {
	struct pageset_block *next;
	size_t n_used;
	size_t n_bytes;
	_Alignas(max_align_t) unsigned char bytes[];
};

#define BLOCK_BYTES (size_t)(256 * 1024)

static void *take_bytes(struct pageset *self, size_t n_bytes)
{
	struct pageset_block *block = self->blocks;

	n_bytes = (n_bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!block || block->n_bytes - block->n_used < n_bytes) {
		size_t n_here = n_bytes > BLOCK_BYTES ? n_bytes : BLOCK_BYTES;

		block = malloc(sizeof(*block) + n_here);
		if (!block)
			return NULL;
		*block = (struct pageset_block){ .next = self->blocks, .n_bytes = n_here };
		self->blocks = block;
	}
	block->n_used += n_bytes;
	return &block->bytes[block->n_used - n_bytes];
}

void pageset_release(struct pageset *self)
{
	for (size_t i = 0; i < self->n_files; i++)
		pageset_file_clear(self->files[i]);
	while (self->blocks) {
		struct pageset_block *block = self->blocks;

		self->blocks = block->next;
		free(block);
	}
	free(self->files);
	free(self->slots);
	pageset_init(self);
}

/*
 * The hash table is at most half full. There is none as long as all files were appended, in order: most
 * shadows are only read. FNV-1a begins with the table's address, which nobody knows who makes up the paths of
 * a shadow.
 */
static uint64_t hash_path(const struct pageset *self, const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)(uintptr_t)self->slots;

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

/* Where the file with this path is, or where it would be: then the slot is NULL. */
static struct pageset_file **slot_of(const struct pageset *self, const char *path)
{
	size_t i = hash_path(self, path) & (self->n_slots - 1);

	while (self->slots[i] && strcmp(self->slots[i]->path, path) != 0)
		i = (i + 1) & (self->n_slots - 1);
	return &self->slots[i];
}

static void fill_slots(struct pageset *self)
{
	for (size_t i = 0; i < self->n_files; i++)
		*slot_of(self, self->files[i]->path) = self->files[i];
}

/* Makes room in the hash table for so many files. 0 or -ENOMEM. */
static int reserve_slots(struct pageset *self, size_t n_files)
{
	size_t n_slots = self->n_slots ? self->n_slots : 64;

	while (n_slots < 2 * n_files)
		n_slots *= 2;
	if (n_slots == self->n_slots)
		return 0;

	struct pageset_file **slots = calloc(n_slots, sizeof(struct pageset_file *));

	if (!slots)
		return -ENOMEM;
	free(self->slots);
	self->slots = slots;
	self->n_slots = n_slots;
	fill_slots(self);
	return 0;
}

static struct pageset_file *find_sorted(const struct pageset *self, const char *path)
{
	size_t first = 0, end = self->n_files;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		int order = strcmp(path, self->files[middle]->path);

		if (order == 0)
			return self->files[middle];
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return NULL;
}

struct pageset_file *pageset_find(const struct pageset *self, const char *path)
{
	return self->slots ? *slot_of(self, path) : find_sorted(self, path);
}

int pageset_reserve(struct pageset *self, size_t n_files)
{
	if (n_files <= self->allocated_files)
		return 0;

	struct pageset_file **files = reallocarray(self->files, n_files, sizeof(struct pageset_file *));

	if (!files)
		return -ENOMEM;
	self->files = files;
	self->allocated_files = n_files;
	return 0;
}

static struct pageset_file *new_file(struct pageset *self, const char *path, uint32_t first_use_us)
{
	size_t path_size = strlen(path) + 1;
	struct pageset_file *file = take_bytes(self, sizeof(*file) + path_size);

	if (!file)
		return NULL;
	*file = (struct pageset_file){
		.path = memcpy(file + 1, path, path_size),
		.exact = true,
		.first_use_us = first_use_us,
	};
	return file;
}

int pageset_add(struct pageset *self, const char *path, uint32_t first_use_us, struct pageset_file **ret_file)
{
	if (self->n_files == self->allocated_files && pageset_reserve(self, 2 * self->n_files + 16) < 0)
		return -ENOMEM;
	if (reserve_slots(self, self->n_files + 1) < 0)
		return -ENOMEM;

	struct pageset_file **slot = slot_of(self, path);

	if (!*slot) {
		struct pageset_file *file = new_file(self, path, first_use_us);

		if (!file)
			return -ENOMEM;
		*slot = file;
		self->files[self->n_files++] = file;
		self->is_unsorted = true;
	}
	*ret_file = *slot;
	return 0;
}

int pageset_append(struct pageset *self, const char *path, struct pageset_file **ret_file)
{
	struct pageset_file *file;

	assert(!self->slots);
	if (self->n_files == self->allocated_files && pageset_reserve(self, 2 * self->n_files + 16) < 0)
		return -ENOMEM;
	file = new_file(self, path, 0);
	if (!file)
		return -ENOMEM;
	self->files[self->n_files++] = file;
	*ret_file = file;
	return 0;
}

static void forget_pages(struct pageset_file *file)
{
	bitmap_release(&file->pages);
	file->has_pages = false;
}

void pageset_file_clear(struct pageset_file *file)
{
	forget_pages(file);
	bitmap_release(&file->whole);
	free(file->extents);
	file->extents = NULL;
	file->n_extents = 0;
	file->allocated_extents = 0;
}

void pageset_file_take_pages(struct pageset_file *file, struct pageset_file *from)
{
	pageset_file_clear(file);
	file->extents = take_pointer(from->extents);
	file->n_extents = from->n_extents;
	file->allocated_extents = from->allocated_extents;
	pageset_file_clear(from);
}

static int know_pages(struct pageset_file *file)
{
	for (size_t i = 0; !file->has_pages && i < file->n_extents; i++) {
		const struct extent *extent = &file->extents[i];
		int r = bitmap_set_run(&file->pages,
				       (struct page_run){ extent->first_page, extent->n_pages });

		if (r < 0) {
			forget_pages(file);
			return r;
		}
	}
	file->has_pages = true;
	return 0;
}

int pageset_file_reserve(struct pageset_file *file, size_t n_extents)
{
	if (n_extents <= file->allocated_extents)
		return 0;

	struct extent *extents = reallocarray(file->extents, n_extents, sizeof(struct extent));

	if (!extents)
		return -ENOMEM;
	file->extents = extents;
	file->allocated_extents = n_extents;
	return 0;
}

static bool joins(const struct extent *extent, const struct extent *next)
{
	return extent->first_page + extent->n_pages == next->first_page &&
	       extent->first_use_us == next->first_use_us && extent->age == next->age;
}

static int append_or_join(struct pageset_file *file, struct extent extent)
{
	if (file->n_extents > 0 && joins(&file->extents[file->n_extents - 1], &extent)) {
		file->extents[file->n_extents - 1].n_pages += extent.n_pages;
		return 0;
	}
	if (file->n_extents == file->allocated_extents &&
	    pageset_file_reserve(file, 2 * file->n_extents + 4) < 0)
		return -ENOMEM;
	file->extents[file->n_extents++] = extent;
	return 0;
}

int pageset_file_append(struct pageset_file *file, struct extent extent)
{
	if (file->has_pages)
		forget_pages(file);
	return append_or_join(file, extent);
}

int pageset_file_add(struct pageset_file *file, struct page_run run, uint32_t first_use_us)
{
	uint64_t n_new = 0;
	int r = know_pages(file);

	if (r < 0)
		return r;
	if (run.n_pages > BITMAP_MAX_PAGES || run.first_page > BITMAP_MAX_PAGES - run.n_pages)
		return -ERANGE;

	const uint64_t end = run.first_page + run.n_pages;

	for (struct page_run gap; bitmap_next_gap(&file->pages, run.first_page, end, &gap);) {
		const struct extent extent = { gap.first_page, gap.n_pages, first_use_us, 0 };

		if (append_or_join(file, extent) < 0 || bitmap_set_run(&file->pages, gap) < 0) {
			forget_pages(file);
			return -ENOMEM;
		}
		n_new += gap.n_pages;
		run.first_page = gap.first_page + gap.n_pages;
	}
	return n_new < INT_MAX ? (int)n_new : INT_MAX;
}

int pageset_file_add_up_to(struct pageset_file *file, uint64_t first_page, uint64_t end_page,
			   uint32_t first_use_us)
{
	int r = 0;

	if (end_page > first_page)
		r = pageset_file_add(file, (struct page_run){ first_page, end_page - first_page },
				     first_use_us);
	return r == -ENOMEM ? r : 0;
}

bool pageset_file_has(struct pageset_file *file, uint64_t page_index)
{
	if (know_pages(file) == 0)
		return bitmap_has(&file->pages, page_index);
	for (size_t i = 0; i < file->n_extents; i++) {
		if (page_index - file->extents[i].first_page < file->extents[i].n_pages)
			return true;
	}
	return false;
}

void pageset_file_cut(struct pageset_file *file, uint64_t end_page)
{
	size_t n_kept = 0;

	forget_pages(file);
	for (size_t i = 0; i < file->n_extents; i++) {
		struct extent extent = file->extents[i];

		if (extent.first_page >= end_page)
			continue;
		if (extent.n_pages > end_page - extent.first_page)
			extent.n_pages = end_page - extent.first_page;
		file->extents[n_kept++] = extent;
	}
	file->n_extents = n_kept;
}

struct pageset_cursor pageset_cursor_on(const struct pageset_file *file, uint64_t margin_pages)
{
	return (struct pageset_cursor){ file->extents, file->n_extents, margin_pages };
}

const struct extent *pageset_cursor_at(struct pageset_cursor *cursor, uint64_t page, uint64_t *limit)
{
	const uint64_t margin = cursor->margin_pages;

	for (; cursor->n_left > 0; cursor->at++, cursor->n_left--) {
		const uint64_t first_page = cursor->at->first_page;
		const uint64_t first = first_page > margin ? first_page - margin : 0;
		const uint64_t end = first_page + cursor->at->n_pages + margin;

		if (end <= page)
			continue;

		const uint64_t change = first > page ? first : end;

		if (change < *limit)
			*limit = change;
		return first > page ? NULL : cursor->at;
	}
	return NULL;
}

uint64_t pageset_file_pages(const struct pageset_file *file)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < file->n_extents; i++)
		n_pages += file->extents[i].n_pages;
	return n_pages;
}

static int compare_extents(const void *a, const void *b)
{
	const uint64_t first_a = ((const struct extent *)a)->first_page;
	const uint64_t first_b = ((const struct extent *)b)->first_page;

	return (first_a > first_b) - (first_a < first_b);
}

static bool are_extents_sorted(const struct pageset_file *file)
{
	for (size_t i = 1; i < file->n_extents; i++)
		if (file->extents[i].first_page < file->extents[i - 1].first_page)
			return false;
	return true;
}

static void sort_extents(struct pageset_file *file)
{
	size_t n_kept = 0;

	if (file->n_extents == 0)
		return;
	if (!are_extents_sorted(file))
		qsort(file->extents, file->n_extents, sizeof(struct extent), compare_extents);
	for (size_t i = 1; i < file->n_extents; i++) {
		if (joins(&file->extents[n_kept], &file->extents[i]))
			file->extents[n_kept].n_pages += file->extents[i].n_pages;
		else
			file->extents[++n_kept] = file->extents[i];
	}
	file->n_extents = n_kept + 1;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp((*(struct pageset_file *const *)a)->path, (*(struct pageset_file *const *)b)->path);
}

void pageset_sort(struct pageset *self)
{
	for (size_t i = 0; i < self->n_files; i++)
		sort_extents(self->files[i]);
	if (self->is_unsorted)
		qsort(self->files, self->n_files, sizeof(struct pageset_file *), compare_files);
	self->is_unsorted = false;
}

void pageset_remove_if(struct pageset *self, bool (*drop)(const struct pageset_file *, void *), void *context)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < self->n_files; i++) {
		struct pageset_file *file = self->files[i];

		if (drop(file, context))
			pageset_file_clear(file);
		else
			self->files[n_kept++] = file;
	}
	self->n_files = n_kept;
	for (size_t i = 0; i < self->n_slots; i++)
		self->slots[i] = NULL;
	if (self->slots)
		fill_slots(self);
}

uint64_t pageset_count_pages(const struct pageset *self)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < self->n_files; i++)
		n_pages += pageset_file_pages(self->files[i]);
	return n_pages;
}

uint64_t pageset_count_own_pages(const struct pageset *self)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < self->n_files; i++)
		if (self->files[i]->operand == PAGESET_NO_OPERAND)
			n_pages += pageset_file_pages(self->files[i]);
	return n_pages;
}

uint64_t pageset_count_extents(const struct pageset *self)
{
	uint64_t n_extents = 0;

	for (size_t i = 0; i < self->n_files; i++)
		n_extents += self->files[i]->n_extents;
	return n_extents;
}

bool pageset_file_is_code(const struct pageset_file *file)
{
	return file->access & PAGESET_MAPPED && file->id.build_id_size > 0;
}

const char *pageset_file_kind(const struct pageset_file *file)
{
	if (file->n_extents == 0)
		return "metadata";
	return file->access & PAGESET_MAPPED ? "mapped" : "read";
}
