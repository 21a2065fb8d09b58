/* fuzz_squashfs.c - any bytes as an image: what is found in it lies in it. */
#include <string.h>

#include "sys/squashfs.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *data;
	size_t size;
};

static int read_bytes(void *data, size_t size, uint64_t offset_bytes, void *context)
{
	const struct bytes *bytes = context;

	if (offset_bytes > bytes->size || size > bytes->size - offset_bytes)
		return -EBADMSG;
	memcpy(data, bytes->data + offset_bytes, size);
	return 0;
}

static void find(const struct squashfs *image, uint64_t inode)
{
	struct squashfs_file file;
	int r = squashfs_find(image, inode, &file);

	MUST(r == 0 || r == -ENOENT || r == -EBADMSG || r == -ENOMEM);
	if (r < 0)
		return;
	MUST(file.n_blocks <= SQUASHFS_MAX_BLOCKS + 1);
	for (size_t i = 0; i < file.n_blocks; i++)
		MUST(file.blocks[i].offset_bytes <= image->end &&
		     file.blocks[i].size_bytes <= image->end - file.blocks[i].offset_bytes);
	free(file.blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = { data, size };
	struct squashfs image;
	int r = squashfs_open(&image, read_bytes, &bytes);

	MUST(r == 0 || r == -EBADMSG || r == -EOPNOTSUPP);
	if (r < 0)
		return 0;
	for (uint64_t inode = 0; inode < 8; inode++)
		find(&image, inode);
	find(&image, UINT64_MAX);
	squashfs_close(&image);
	return 0;
}
