/*
 * shadow_format.h - what the encoder and the decoder of shadow.h share. Private to them; the format is
 * described in docs/shadow-format.md. All numbers little-endian:
 *
 *     shadow  = header more program profile file* crc32
 *     file    = n-shared suffix-size suffix access age size mtime build-id first-use n-extents extent*
 *     extent  = gap-and-marks length [time] [age]
 */
#ifndef PBRUN_SHADOW_FORMAT_H
#define PBRUN_SHADOW_FORMAT_H

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shadow/history.h"

#define SHADOW_CRC_SIZE 4
/* Shared prefixes must not make a small shadow a large one in memory: so many times its own size, the
 * paths may take. */
#define SHADOW_MAX_PATH_GROWTH 32

#define SHADOW_ACCESS_MASK 0x00ff
#define SHADOW_UNANSWERED_MARK 0x0100
#define SHADOW_OPERAND_SHIFT 9 /* five bits */
#define SHADOW_EXACT_MARK 0x8000
#define SHADOW_TIME_MARK 1 /* the time differs from that of the extent before */
#define SHADOW_AGE_MARK 2

#define SHADOW_MAGIC "\x89pbrun\r\n"

struct shadow_header {
	char magic[8];
	uint32_t format;
	uint32_t header_size; /* with what a newer writer appended */
	uint32_t page_size;
	uint32_t flags;
	uint32_t runs;
	uint32_t trained_runs;
	uint32_t stable_runs;
	uint32_t n_files;
	int64_t updated_s;
	uint64_t prefetched_bytes;
	uint64_t wasted_bytes;
	uint64_t missed_bytes;
	uint64_t n_pages;
	uint32_t n_extents;
	uint16_t program_size;
	uint16_t profile_size;
};

static_assert(sizeof(struct shadow_header) == 88, "no padding: the structure is the form on disk");

struct shadow_start {
	int64_t time_s;
	uint64_t prefetched_bytes;
	uint64_t wasted_bytes;
	uint64_t missed_bytes;
	uint32_t faults;
	uint32_t flags;
};

/* What was appended to the header later; a shadow may be without. */
struct shadow_more {
	uint32_t first_faults;
	uint32_t n_starts;
	struct shadow_start starts[HISTORY_MAX_STARTS];
};

static_assert(sizeof(struct shadow_more) == 328, "no padding: the structure is the form on disk");

/* Either way: from the machine's byte order, and to it. */
static inline void shadow_swap_header(struct shadow_header *header)
{
	header->format = le32toh(header->format);
	header->header_size = le32toh(header->header_size);
	header->page_size = le32toh(header->page_size);
	header->flags = le32toh(header->flags);
	header->runs = le32toh(header->runs);
	header->trained_runs = le32toh(header->trained_runs);
	header->stable_runs = le32toh(header->stable_runs);
	header->n_files = le32toh(header->n_files);
	header->updated_s = (int64_t)le64toh((uint64_t)header->updated_s);
	header->prefetched_bytes = le64toh(header->prefetched_bytes);
	header->wasted_bytes = le64toh(header->wasted_bytes);
	header->missed_bytes = le64toh(header->missed_bytes);
	header->n_pages = le64toh(header->n_pages);
	header->n_extents = le32toh(header->n_extents);
	header->program_size = le16toh(header->program_size);
	header->profile_size = le16toh(header->profile_size);
}

static inline void shadow_swap_more(struct shadow_more *more)
{
	more->first_faults = le32toh(more->first_faults);
	more->n_starts = le32toh(more->n_starts);
	for (size_t i = 0; i < HISTORY_MAX_STARTS; i++) {
		struct shadow_start *start = &more->starts[i];

		start->time_s = (int64_t)le64toh((uint64_t)start->time_s);
		start->prefetched_bytes = le64toh(start->prefetched_bytes);
		start->wasted_bytes = le64toh(start->wasted_bytes);
		start->missed_bytes = le64toh(start->missed_bytes);
		start->faults = le32toh(start->faults);
		start->flags = le32toh(start->flags);
	}
}

/* Absolute, shorter than PATH_MAX, without a NUL byte. Not terminated. */
static inline bool shadow_is_path(const char *path, size_t size)
{
	return size > 0 && size < PATH_MAX && path[0] == '/' && !memchr(path, '\0', size);
}

#endif
