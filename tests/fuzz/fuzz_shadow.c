/*
 * Feeds shadow_decode() bytes as they are, and once more with the checksum put right, which a fuzzer would
 * never hit. What decodes must encode to something that decodes to the same, and must merge.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "shadow/merge.h"
#include "shadow/shadow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void encode_again(struct shadow *shadow)
{
	cleanup_free void *first = NULL;
	cleanup_free void *second = NULL;
	size_t first_size;
	size_t second_size;
	cleanup_with(shadow_release) struct shadow again = { 0 };

	/* The input's prefixes may be shorter than they could be, so the paths may outgrow the limit. */
	int r = shadow_encode(shadow, &first, &first_size);

	require(r == 0 || r == -EOVERFLOW);
	if (r < 0)
		return;
	require(shadow_decode(first, first_size, &again) == 0);
	require(shadow_encode(&again, &second, &second_size) == 0);
	require(first_size == second_size && memcmp(first, second, first_size) == 0);
}

/* A file that an argument named is no news: the next start is given another one. */
static uint64_t count_news(const struct pageset *files)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < files->n_files; i++)
		if (files->files[i]->operand == PAGESET_NO_OPERAND)
			n_pages += pageset_file_pages(files->files[i]);
	return n_pages;
}

static void decode(const uint8_t *data, size_t size)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(shadow_release) struct shadow head = { 0 };
	cleanup_with(shadow_release) struct shadow partial = { 0 };
	uint64_t n_files;
	uint64_t n_pages;
	struct merge_result result;
	int r_head = shadow_decode_head(data, size, &head, &n_files, &n_pages);
	int r = shadow_decode(data, size, &shadow);

	require(shadow_decode_partial(data, size, &partial) == r);
	if (r < 0)
		return;
	require(pageset_count_pages(&partial.files) == pageset_count_pages(&shadow.files));
	require(r_head == 0 && n_files == shadow.files.n_files);
	require(n_pages == pageset_count_pages(&shadow.files));
	encode_again(&shadow);

	/* Merged with itself it knows nothing new. */
	require(merge_train(&head, &shadow.files, &result) == 0);
	require(result.new_pages == count_news(&shadow.files));
	require(merge_train(&head, &shadow.files, &result) == 0);
	require(result.new_pages == 0 && result.dropped_pages == 0);
	require(merge_sample(&head, &shadow.files, &result) == 0);
	require(result.new_pages == 0);
	require(pageset_count_pages(&head.files) == n_pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode(data, size);
	if (size < 4)
		return 0;

	cleanup_free uint8_t *copy = malloc(size);

	require(copy);
	memcpy(copy, data, size);

	const uint32_t checksum = htole32((uint32_t)crc32_z(0, copy, size - 4));

	memcpy(copy + size - 4, &checksum, 4);
	decode(copy, size);
	return 0;
}
