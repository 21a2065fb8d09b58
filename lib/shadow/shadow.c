/* shadow.c - the encoder; shadow_decode.c has the other direction. */
#include "shadow/shadow.h"

#include <assert.h>
#include <endian.h>
#include <string.h>
#include <zlib.h>

#include "shadow/shadow_format.h"
#include "sys/page.h"

/* What is reserved for each, beside the path: every varint at its longest. */
#define MAX_FILE_SIZE (ELFINFO_BUILD_ID_MAX + 64)
#define MAX_EXTENT_SIZE 16

int shadow_init(struct shadow *self, const char *program, const char *profile)
{
	struct shadow shadow = {
		.program = strdup(program),
		.profile = strdup(profile),
		.page_size = (uint32_t)page_bytes(),
	};

	pageset_init(&shadow.files);
	if (!shadow.program || !shadow.profile) {
		shadow_release(&shadow);
		return -ENOMEM;
	}
	*self = shadow;
	return 0;
}

void shadow_release(struct shadow *self)
{
	free(self->program);
	free(self->profile);
	pageset_release(&self->files);
	*self = (struct shadow){ 0 };
}

bool shadow_leaves_out_unanswered(const struct shadow *self, int64_t now_s)
{
	int64_t updated_s = self->stats.updated_s;

	/* A clock that was put back is no reason to leave them out for ever. */
	return now_s >= updated_s && now_s - updated_s < SHADOW_UNANSWERED_S;
}

static bool is_excluded(const struct pageset_file *file, void *context)
{
	return exclusions_match(context, file->path);
}

void shadow_drop_excluded(struct shadow *self, const struct exclusions *excluded)
{
	if (excluded && excluded->n_patterns > 0)
		pageset_remove_if(&self->files, is_excluded, (void *)(uintptr_t)excluded);
}

bool shadow_is_exact(const struct shadow *self)
{
	for (size_t i = 0; i < self->files.n_files; i++) {
		if (self->files.files[i]->n_extents > 0 && !self->files.files[i]->exact)
			return false;
	}
	return true;
}

/* Encoding. Room for the longest encoding is reserved beforehand, so nothing here can fail. */

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t size)
{
	memcpy(at, data, size);
	return at + size;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

/* Differences of either sign as small numbers: 0, -1, 1, -2, 2 ... */
static uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (value < 0 ? ~UINT64_C(0) : 0);
}

static uint8_t *put_extents(uint8_t *at, const struct pageset_file *file)
{
	uint64_t end_page = 0;
	uint32_t time = file->first_use_us;
	uint8_t age = file->age;

	for (size_t i = 0; i < file->n_extents; i++) {
		const struct extent *extent = &file->extents[i];
		const uint64_t marks = (extent->first_use_us != time ? SHADOW_TIME_MARK : 0) |
				       (extent->age != age ? SHADOW_AGE_MARK : 0);

		assert(extent->n_pages > 0 && extent->first_page >= end_page);
		at = put_varint(at, (extent->first_page - end_page) << 2 | marks);
		at = put_varint(at, extent->n_pages - 1);
		if (marks & SHADOW_TIME_MARK)
			at = put_varint(at, zigzag((int64_t)extent->first_use_us - time));
		if (marks & SHADOW_AGE_MARK)
			*at++ = extent->age;
		end_page = extent->first_page + extent->n_pages;
		time = extent->first_use_us;
		age = extent->age;
	}
	return at;
}

static uint8_t *put_file(uint8_t *at, const struct pageset_file *file, const char *previous_path)
{
	const uint64_t mtime = htole64((uint64_t)file->id.mtime_ns);
	const uint16_t use =
		htole16((uint16_t)((file->access & SHADOW_ACCESS_MASK) |
				   (file->is_unanswered ? SHADOW_UNANSWERED_MARK : 0) |
				   (file->operand & PAGESET_OPERAND_MASK) << SHADOW_OPERAND_SHIFT |
				   (file->exact ? SHADOW_EXACT_MARK : 0)));
	size_t n_shared = 0;

	while (previous_path[n_shared] && previous_path[n_shared] == file->path[n_shared])
		n_shared++;

	const size_t suffix_size = strlen(file->path + n_shared);

	at = put_varint(at, n_shared);
	at = put_varint(at, suffix_size);
	at = put_bytes(at, file->path + n_shared, suffix_size);
	at = put_bytes(at, &use, sizeof(use));
	*at++ = file->age;
	at = put_varint(at, file->id.size_bytes);
	at = put_bytes(at, &mtime, sizeof(mtime));
	*at++ = file->id.build_id_size;
	at = put_bytes(at, file->id.build_id, file->id.build_id_size);
	at = put_varint(at, file->first_use_us);
	at = put_varint(at, file->n_extents);
	return put_extents(at, file);
}

/* Checks that a decoder would take self, and finds how much room its encoding needs at most. */
static int measure(const struct shadow *self, size_t *ret_size, size_t *ret_paths_size)
{
	const uint64_t n_extents = pageset_count_extents(&self->files);
	size_t size = sizeof(struct shadow_header) + sizeof(struct shadow_more) + strlen(self->program) +
		      strlen(self->profile) + SHADOW_CRC_SIZE;
	size_t paths_size = 0;

	if (self->is_partial)
		return -EINVAL;
	if (self->files.n_files > SHADOW_MAX_FILES || n_extents > SHADOW_MAX_EXTENTS)
		return -EOVERFLOW;
	if (!shadow_is_path(self->program, strlen(self->program)) || strlen(self->profile) >= PATH_MAX)
		return -EINVAL;
	for (size_t i = 0; i < self->files.n_files; i++) {
		const struct pageset_file *file = self->files.files[i];
		const size_t path_size = strlen(file->path);

		if (!shadow_is_path(file->path, path_size))
			return -EINVAL;
		paths_size += path_size;
		size += path_size + MAX_FILE_SIZE + file->n_extents * MAX_EXTENT_SIZE;
	}
	*ret_size = size;
	*ret_paths_size = paths_size;
	return 0;
}

static uint8_t *put_more(uint8_t *at, const struct history *history)
{
	struct shadow_more more = {
		.first_faults = history->first_faults,
		.n_starts = history->n_starts,
	};

	for (size_t i = 0; i < history->n_starts; i++) {
		const struct history_start *start = &history->starts[i];

		more.starts[i] = (struct shadow_start){
			.time_s = start->time_s,
			.prefetched_bytes = start->prefetched_bytes,
			.wasted_bytes = start->wasted_bytes,
			.missed_bytes = start->missed_bytes,
			.faults = start->faults,
			.flags = start->flags,
		};
	}
	shadow_swap_more(&more);
	return put_bytes(at, &more, sizeof(more));
}

static uint8_t *put_header(uint8_t *at, const struct shadow *self)
{
	struct shadow_header header = {
		.format = SHADOW_FORMAT,
		.header_size = sizeof(header) + sizeof(struct shadow_more),
		.page_size = self->page_size,
		.flags = self->flags,
		.runs = self->stats.runs,
		.trained_runs = self->stats.trained_runs,
		.stable_runs = self->stats.stable_runs,
		.n_files = (uint32_t)self->files.n_files,
		.updated_s = self->stats.updated_s,
		.prefetched_bytes = self->stats.prefetched_bytes,
		.wasted_bytes = self->stats.wasted_bytes,
		.missed_bytes = self->stats.missed_bytes,
		.n_pages = pageset_count_pages(&self->files),
		.n_extents = (uint32_t)pageset_count_extents(&self->files),
		.program_size = (uint16_t)strlen(self->program),
		.profile_size = (uint16_t)strlen(self->profile),
	};

	memcpy(header.magic, SHADOW_MAGIC, sizeof(header.magic));
	shadow_swap_header(&header);
	at = put_bytes(at, &header, sizeof(header));
	at = put_more(at, &self->history);
	at = put_bytes(at, self->program, strlen(self->program));
	return put_bytes(at, self->profile, strlen(self->profile));
}

int shadow_encode(struct shadow *self, void **ret_data, size_t *ret_size)
{
	size_t room;
	size_t paths_size;

	pageset_sort(&self->files);

	int r = measure(self, &room, &paths_size);

	if (r < 0)
		return r;

	cleanup_free uint8_t *data = malloc(room);

	if (!data)
		return -ENOMEM;

	const char *previous_path = "";
	uint8_t *at = put_header(data, self);

	for (size_t i = 0; i < self->files.n_files; i++) {
		at = put_file(at, self->files.files[i], previous_path);
		previous_path = self->files.files[i]->path;
	}

	const uint32_t checksum = htole32((uint32_t)crc32_z(0, data, (size_t)(at - data)));

	at = put_bytes(at, &checksum, SHADOW_CRC_SIZE);

	const size_t size = (size_t)(at - data);

	if (size > SHADOW_MAX_BYTES || paths_size > size * SHADOW_MAX_PATH_GROWTH)
		return -EOVERFLOW;
	*ret_data = take_pointer(data);
	*ret_size = size;
	return 0;
}
