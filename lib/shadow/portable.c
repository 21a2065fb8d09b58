/* portable.c - encodes and decodes a shadow together with checksums of files. */
#include "shadow/portable.h"

#include <endian.h>
#include <string.h>
#include <zlib.h>

#include "sys/analyzer.h"

/* A structure that was handed over is not leaked. */
ANALYZER_IGNORES("-Wanalyzer-malloc-leak")

#define MAGIC "\x89pbrec\r\n"

/* All integers little-endian. Behind it: the shadow, the checksums, a CRC-32 of all before. */
struct portable_header {
	char magic[8];
	uint32_t format;
	uint32_t n_checksums;
	uint64_t shadow_size;
};
_Static_assert(sizeof(struct portable_header) == 24, "no padding");

enum { CRC_SIZE = 4 };

void portable_release(struct portable *self)
{
	shadow_release(&self->shadow);
	free(self->checksums);
	*self = (struct portable){ 0 };
}

int portable_add_checksum(struct portable *self, uint32_t file_index, uint32_t crc32)
{
	struct portable_checksum *grown =
		reallocarray(self->checksums, self->n_checksums + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	self->checksums = grown;
	self->checksums[self->n_checksums++] = (struct portable_checksum){ file_index, crc32 };
	return 0;
}

const struct portable_checksum *portable_find_checksum(const struct portable *self, uint32_t file_index)
{
	size_t low = 0;
	size_t high = self->n_checksums;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (self->checksums[middle].file_index == file_index)
			return &self->checksums[middle];
		if (self->checksums[middle].file_index < file_index)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int portable_encode(struct portable *self, void **ret_data, size_t *ret_size)
{
	cleanup_free void *shadow = NULL;
	size_t shadow_size = 0;
	int r = shadow_encode(&self->shadow, &shadow, &shadow_size);

	if (r < 0)
		return r;
	size_t sums_size = self->n_checksums * sizeof(struct portable_checksum);
	size_t size = sizeof(struct portable_header) + shadow_size + sums_size + CRC_SIZE;
	cleanup_free uint8_t *data = malloc(size);
	struct portable_header header = { .format = htole32(PORTABLE_FORMAT),
					  .n_checksums = htole32((uint32_t)self->n_checksums),
					  .shadow_size = htole64(shadow_size) };

	if (!data)
		return -ENOMEM;
	memcpy(header.magic, MAGIC, sizeof(header.magic));
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), shadow, shadow_size);
	uint8_t *at = data + sizeof(header) + shadow_size;

	for (size_t i = 0; i < self->n_checksums; i++) {
		uint32_t pair[2] = { htole32(self->checksums[i].file_index),
				     htole32(self->checksums[i].crc32) };

		memcpy(at, pair, sizeof(pair));
		at += sizeof(pair);
	}
	uint32_t crc = htole32((uint32_t)crc32_z(0, data, size - CRC_SIZE));

	memcpy(at, &crc, CRC_SIZE);
	*ret_data = take_pointer(data);
	*ret_size = size;
	return 0;
}

/* The checksums at data, of which the sizes were checked. 0, -EBADMSG, -ENOMEM. */
static int decode_checksums(struct portable *self, const uint8_t *data, size_t n_checksums)
{
	self->checksums = calloc(n_checksums + 1, sizeof(*self->checksums));
	if (!self->checksums)
		return -ENOMEM;
	for (size_t i = 0; i < n_checksums; i++) {
		uint32_t pair[2];

		memcpy(pair, data + i * sizeof(pair), sizeof(pair));
		struct portable_checksum sum = { le32toh(pair[0]), le32toh(pair[1]) };

		if (sum.file_index >= self->shadow.files.n_files ||
		    (i > 0 && sum.file_index <= self->checksums[i - 1].file_index))
			return -EBADMSG;
		self->checksums[self->n_checksums++] = sum;
	}
	return 0;
}

static bool is_portable(const void *data, size_t size)
{
	return size >= sizeof(struct portable_header) && memcmp(data, MAGIC, sizeof(MAGIC) - 1) == 0;
}

/* Into self, which was zeroed. */
static int decode(struct portable *self, const uint8_t *bytes, size_t size)
{
	struct portable_header header;
	uint32_t crc;

	memcpy(&header, bytes, sizeof(header));
	if (le32toh(header.format) != PORTABLE_FORMAT)
		return le32toh(header.format) > PORTABLE_FORMAT ? -EPROTONOSUPPORT : -EBADMSG;
	uint64_t n_checksums = le32toh(header.n_checksums);
	uint64_t shadow_size = le64toh(header.shadow_size);

	if (size > PORTABLE_MAX_BYTES || n_checksums > SHADOW_MAX_FILES || shadow_size > SHADOW_MAX_BYTES ||
	    size != sizeof(header) + shadow_size + n_checksums * sizeof(self->checksums[0]) + CRC_SIZE)
		return -EBADMSG;
	memcpy(&crc, bytes + size - CRC_SIZE, CRC_SIZE);
	if (le32toh(crc) != (uint32_t)crc32_z(0, bytes, size - CRC_SIZE))
		return -EBADMSG;
	int r = shadow_decode(bytes + sizeof(header), shadow_size, &self->shadow);

	return r < 0 ? r : decode_checksums(self, bytes + sizeof(header) + shadow_size, n_checksums);
}

int portable_decode(const void *data, size_t size, struct portable *ret_portable)
{
	cleanup_with(portable_release) struct portable self = { 0 };
	int r = is_portable(data, size) ? decode(&self, data, size) : shadow_decode(data, size, &self.shadow);

	if (r < 0)
		return r;
	*ret_portable = self;
	self = (struct portable){ 0 };
	return 0;
}
