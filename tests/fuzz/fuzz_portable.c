/*
 * Feeds portable_decode() bytes as they are, and once more with both checksums put right. What decodes must
 * encode to something that decodes to the same.
 */
#include <endian.h>
#include <string.h>
#include <zlib.h>

#include "shadow/portable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void decode(const uint8_t *data, size_t size)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_with(portable_release) struct portable again = { 0 };
	cleanup_free void *encoded = NULL;
	size_t encoded_size = 0;

	if (portable_decode(data, size, &portable) < 0)
		return;
	for (size_t i = 0; i < portable.n_checksums; i++)
		require(portable_find_checksum(&portable, portable.checksums[i].file_index) ==
			&portable.checksums[i]);
	int r = portable_encode(&portable, &encoded, &encoded_size);

	require(r == 0 || r == -EOVERFLOW);
	if (r == 0)
		require(portable_decode(encoded, encoded_size, &again) == 0 &&
			again.n_checksums == portable.n_checksums);
}

static void put_crc(uint8_t *end, const uint8_t *start)
{
	uint32_t crc = htole32((uint32_t)crc32_z(0, start, (size_t)(end - start)));

	memcpy(end, &crc, sizeof(crc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { HEADER_BYTES = 24, SIZE_OFFSET = 16 };
	cleanup_free uint8_t *copy = malloc(size + 1);
	uint64_t shadow_size;

	decode(data, size);
	if (size < HEADER_BYTES + 8)
		return 0;
	require(copy);
	memcpy(copy, data, size);
	memcpy(&shadow_size, data + SIZE_OFFSET, sizeof(shadow_size));
	shadow_size = le64toh(shadow_size);
	if (shadow_size >= 4 && shadow_size <= size - HEADER_BYTES - 4)
		put_crc(copy + HEADER_BYTES + shadow_size - 4, copy + HEADER_BYTES);
	put_crc(copy + size - 4, copy);
	decode(copy, size);
	return 0;
}
