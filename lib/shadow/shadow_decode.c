/* shadow_decode.c - the decoder of shadow.h, which trusts no byte. */
#include "shadow/shadow.h"

#include <endian.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "shadow/shadow_format.h"
#include "sys/page.h"

/* In bytes. A count that the bytes left cannot hold is not believed. */
#define MIN_FILE_SIZE 17  /* every varint one byte, a suffix of one byte, no build-id, no extent */
#define MIN_EXTENT_SIZE 2 /* gap and length */

static int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (value & 1 ? ~UINT64_C(0) : 0));
}

/* Decoding. A reader that has failed reads zeros, and reads no further; whoever goes by what was read
 * in a loop looks at failed. */
struct reader {
	const uint8_t *at;
	const uint8_t *end; /* the checksum */
	bool failed;
};

static size_t bytes_left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static void fail(struct reader *reader)
{
	reader->failed = true;
	reader->at = reader->end;
}

static const void *get_bytes(struct reader *reader, size_t size)
{
	const uint8_t *data = reader->at;

	if (size > bytes_left(reader)) {
		fail(reader);
		return NULL;
	}
	reader->at += size;
	return data;
}

static uint8_t get_byte(struct reader *reader)
{
	const uint8_t *byte = get_bytes(reader, 1);

	return byte ? *byte : 0;
}

/* A varint of at most max. */
static uint64_t get_varint(struct reader *reader, uint64_t max)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		const uint8_t byte = get_byte(reader);
		const uint64_t bits = byte & 0x7f;

		if (bits << shift >> shift != bits)
			break;
		value |= bits << shift;
		if (byte < 0x80) {
			if (value > max)
				break;
			return value;
		}
	}
	fail(reader);
	return 0;
}

static uint32_t get_time(struct reader *reader, uint32_t previous)
{
	const int64_t time = previous + unzigzag(get_varint(reader, UINT64_C(2) * UINT32_MAX));

	if (time < 0 || time > UINT32_MAX)
		fail(reader);
	return (uint32_t)time;
}

static int get_extents(struct reader *reader, struct pageset_file *file, size_t n_extents)
{
	uint64_t end_page = 0;
	struct extent extent = { .first_use_us = file->first_use_us, .age = file->age };

	if (n_extents == 0)
		return 0;
	if (pageset_file_reserve(file, n_extents) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n_extents && !reader->failed; i++) {
		const uint64_t head = get_varint(reader, (BITMAP_MAX_PAGES - 1 - end_page) << 2 | 3);

		extent.first_page = end_page + (head >> 2);
		extent.n_pages = get_varint(reader, BITMAP_MAX_PAGES - 1 - extent.first_page) + 1;
		if (head & SHADOW_TIME_MARK)
			extent.first_use_us = get_time(reader, extent.first_use_us);
		if (head & SHADOW_AGE_MARK)
			extent.age = get_byte(reader);
		end_page = extent.first_page + extent.n_pages;
		if (pageset_file_append(file, extent) < 0)
			return -ENOMEM;
		if (end_page == BITMAP_MAX_PAGES && i + 1 < n_extents)
			fail(reader);
	}
	return reader->failed ? -EBADMSG : 0;
}

/* The path of the file before, or the one being read. */
struct path {
	char text[PATH_MAX];
	size_t size; /* without the terminator */
};

/* Replaces the path before by the next one. */
static void get_path(struct reader *reader, struct path *path)
{
	const size_t n_shared = get_varint(reader, path->size);
	const size_t suffix_size = get_varint(reader, PATH_MAX - 1 - n_shared);
	const char *suffix = get_bytes(reader, suffix_size);
	const size_t rest_size = path->size - n_shared + 1; /* with the terminator, less than any byte */

	if (reader->failed)
		return;
	if (memcmp(suffix, path->text + n_shared, suffix_size < rest_size ? suffix_size : rest_size) <= 0 ||
	    memchr(suffix, '\0', suffix_size))
		return fail(reader);
	memcpy(path->text + n_shared, suffix, suffix_size);
	path->size = n_shared + suffix_size;
	path->text[path->size] = '\0';
	if (path->text[0] != '/')
		fail(reader);
}

static void get_id(struct reader *reader, struct fileid *id)
{
	uint64_t mtime_ns = 0;

	id->size_bytes = get_varint(reader, UINT64_MAX);

	const void *mtime = get_bytes(reader, sizeof(mtime_ns));

	if (mtime)
		memcpy(&mtime_ns, mtime, sizeof(mtime_ns));
	id->mtime_ns = (int64_t)le64toh(mtime_ns);
	id->build_id_size = get_byte(reader);
	if (id->build_id_size > ELFINFO_BUILD_ID_MAX)
		return fail(reader);

	const void *build_id = get_bytes(reader, id->build_id_size);

	if (build_id)
		memcpy(id->build_id, build_id, id->build_id_size);
}

/* What is yet to come, as the header and the size of the shadow say. */
struct rest {
	uint64_t n_extents;
	uint64_t n_path_bytes;
	size_t n_names_passed;
	size_t keeps_one_name_in; /* so many: names are files without pages */
};

static int get_file(struct reader *reader, struct shadow *shadow, struct path *path, struct rest *rest)
{
	struct pageset_file head = { .access = 0 };

	get_path(reader, path);
	if (reader->failed || path->size > rest->n_path_bytes)
		return -EBADMSG;
	rest->n_path_bytes -= path->size;

	const unsigned int low = get_byte(reader);
	const unsigned int use = low | (unsigned int)get_byte(reader) << 8;

	head.access = use & SHADOW_ACCESS_MASK;
	head.is_unanswered = use & SHADOW_UNANSWERED_MARK;
	head.operand = use >> SHADOW_OPERAND_SHIFT & PAGESET_OPERAND_MASK;
	head.exact = use & SHADOW_EXACT_MARK;
	head.age = get_byte(reader);
	get_id(reader, &head.id);
	head.first_use_us = (uint32_t)get_varint(reader, UINT32_MAX);

	const uint64_t n_extents = get_varint(reader, rest->n_extents);

	if (reader->failed || n_extents > bytes_left(reader) / MIN_EXTENT_SIZE)
		return -EBADMSG;
	rest->n_extents -= n_extents;
	if (n_extents == 0 && rest->n_names_passed++ % rest->keeps_one_name_in != 0) {
		shadow->is_partial = true;
		return 0;
	}

	struct pageset_file *file;

	if (pageset_append(&shadow->files, path->text, &file) < 0)
		return -ENOMEM;
	file->access = head.access;
	file->is_unanswered = head.is_unanswered;
	file->operand = head.operand;
	file->exact = head.exact;
	file->age = head.age;
	file->id = head.id;
	file->first_use_us = head.first_use_us;
	return get_extents(reader, file, n_extents);
}

/* Reads the header, as far as it is one that this decoder knows. */
static int get_header(struct reader *reader, size_t size, struct shadow_header *ret_header)
{
	const uint8_t *data = reader->at;
	struct shadow_header header;

	if (size < offsetof(struct shadow_header, header_size) ||
	    memcmp(data, SHADOW_MAGIC, sizeof(header.magic)) != 0)
		return -EBADMSG;
	memcpy(&header, data, offsetof(struct shadow_header, header_size));
	if (le32toh(header.format) > SHADOW_FORMAT)
		return -EPROTONOSUPPORT;
	if (le32toh(header.format) < SHADOW_FORMAT || size < sizeof(header) + SHADOW_CRC_SIZE)
		return -EBADMSG;
	memcpy(&header, data, sizeof(header));
	shadow_swap_header(&header);
	*ret_header = header;
	return 0;
}

/* Reads what was appended to the header, if it is there. */
static int get_history(const struct shadow_header *header, const uint8_t *data, struct history *ret_history)
{
	struct shadow_more more;

	*ret_history = (struct history){ 0 };
	if (header->header_size < sizeof(*header) + sizeof(more))
		return 0;
	memcpy(&more, data + sizeof(*header), sizeof(more));
	shadow_swap_more(&more);
	if (more.n_starts > HISTORY_MAX_STARTS)
		return -EBADMSG;
	ret_history->first_faults = more.first_faults;
	ret_history->n_starts = more.n_starts;
	for (size_t i = 0; i < more.n_starts; i++) {
		const struct shadow_start *start = &more.starts[i];

		ret_history->starts[i] = (struct history_start){
			.time_s = start->time_s,
			.prefetched_bytes = start->prefetched_bytes,
			.wasted_bytes = start->wasted_bytes,
			.missed_bytes = start->missed_bytes,
			.faults = start->faults,
			.flags = start->flags & HISTORY_KNOWN_FLAGS,
		};
	}
	return 0;
}

/* Goes on with what follows the header. */
static int get_names(struct reader *reader, const struct shadow_header *header, struct shadow *shadow)
{
	const uint8_t *data = reader->at;

	if (header->header_size < sizeof(*header) || !get_bytes(reader, header->header_size) ||
	    get_history(header, data, &shadow->history) < 0)
		return -EBADMSG;

	const char *program = get_bytes(reader, header->program_size);
	const char *profile = get_bytes(reader, header->profile_size);

	if (reader->failed || !shadow_is_path(program, header->program_size) ||
	    header->profile_size >= PATH_MAX || memchr(profile, '\0', header->profile_size))
		return -EBADMSG;
	shadow->program = strndup(program, header->program_size);
	shadow->profile = strndup(profile, header->profile_size);
	return shadow->program && shadow->profile ? 0 : -ENOMEM;
}

int shadow_peek_names(const void *data, size_t size, struct shadow *ret_shadow)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	struct reader reader = { .at = data, .end = (const uint8_t *)data + size };
	struct shadow_header header;
	int r = get_header(&reader, size, &header);

	if (r == 0)
		r = get_names(&reader, &header, &shadow);
	if (r < 0)
		return r;
	*ret_shadow = shadow;
	shadow = (struct shadow){ 0 };
	return 0;
}

static void take_header(struct shadow *shadow, const struct shadow_header *header)
{
	shadow->page_size = header->page_size;
	shadow->flags = header->flags & SHADOW_KNOWN_FLAGS;
	shadow->stats = (struct shadow_stats){
		.runs = header->runs,
		.trained_runs = header->trained_runs,
		.stable_runs = header->stable_runs,
		.updated_s = header->updated_s,
		.prefetched_bytes = header->prefetched_bytes,
		.wasted_bytes = header->wasted_bytes,
		.missed_bytes = header->missed_bytes,
	};
}

/* Reads, checks and takes the header and the two names; leaves the reader before the first file. */
static int get_head(struct reader *reader, size_t size, struct shadow_header *ret_header,
		    struct shadow *shadow)
{
	const uint8_t *data = reader->at;
	struct shadow_header header;
	uint32_t checksum;
	int r = get_header(reader, size, &header);

	if (r < 0)
		return r;
	if (size > SHADOW_MAX_BYTES)
		return -EBADMSG;
	reader->end = data + size - SHADOW_CRC_SIZE;
	memcpy(&checksum, reader->end, SHADOW_CRC_SIZE);
	if (le32toh(checksum) != crc32_z(0, data, size - SHADOW_CRC_SIZE))
		return -EBADMSG;
	r = get_names(reader, &header, shadow);
	if (r < 0)
		return r;
	if (header.n_files > SHADOW_MAX_FILES || header.n_files > bytes_left(reader) / MIN_FILE_SIZE ||
	    header.n_extents > SHADOW_MAX_EXTENTS)
		return -EBADMSG;
	if (header.page_size != (uint32_t)page_bytes())
		return -ESTALE;
	*ret_header = header;
	take_header(shadow, &header);
	return 0;
}

int shadow_decode_head(const void *data, size_t size, struct shadow *ret_shadow, uint64_t *ret_n_files,
		       uint64_t *ret_n_pages)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	struct reader reader = { .at = data };
	struct shadow_header header;
	int r = get_head(&reader, size, &header, &shadow);

	if (r < 0)
		return r;
	*ret_shadow = shadow;
	shadow = (struct shadow){ 0 };
	*ret_n_files = header.n_files;
	*ret_n_pages = header.n_pages;
	return 0;
}

enum extent_of_decoding { DECODE_WHOLE, DECODE_PARTIAL };

static int decode(const void *data, size_t size, enum extent_of_decoding how, struct shadow *ret_shadow)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	struct reader reader = { .at = data };
	struct shadow_header header;
	int r = get_head(&reader, size, &header, &shadow);

	if (r < 0)
		return r;
	if (how == DECODE_WHOLE && pageset_reserve(&shadow.files, header.n_files) < 0)
		return -ENOMEM;

	struct path path = { .size = 0 };
	struct rest rest = {
		.n_extents = header.n_extents,
		.n_path_bytes = size * SHADOW_MAX_PATH_GROWTH,
		.keeps_one_name_in = how == DECODE_PARTIAL ? header.n_files / SHADOW_PARTIAL_NAMES + 1 : 1,
	};

	for (size_t i = 0; i < header.n_files; i++) {
		r = get_file(&reader, &shadow, &path, &rest);
		if (r < 0)
			return r;
	}
	if (bytes_left(&reader) > 0 || rest.n_extents > 0 ||
	    pageset_count_pages(&shadow.files) != header.n_pages)
		return -EBADMSG;
	*ret_shadow = shadow;
	shadow = (struct shadow){ 0 };
	return 0;
}

int shadow_decode(const void *data, size_t size, struct shadow *ret_shadow)
{
	return decode(data, size, DECODE_WHOLE, ret_shadow);
}

int shadow_decode_partial(const void *data, size_t size, struct shadow *ret_shadow)
{
	return decode(data, size, DECODE_PARTIAL, ret_shadow);
}
