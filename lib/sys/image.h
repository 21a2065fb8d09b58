/*
 * image.h - files inside an image that only a sandbox has mounted: what can be prefetched are the pages of
 * the image.
 *
 * Such a file goes by a name that no path has: "IMAGE//OFFSET:INODE", IMAGE being the path of the image,
 * OFFSET where in it the file system begins.
 */
#ifndef PBRUN_IMAGE_H
#define PBRUN_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/loop.h"
#include "sys/squashfs.h"

struct image {
	int fd;
	uint64_t offset_bytes;
	struct squashfs squashfs;
};

/* Opens the image in that file. 0; what fileid_open() and squashfs_open() say. The structure must stay where
 * it is.
 */
must_check int image_open(struct image *self, const char *path, uint64_t offset_bytes);
void image_close(struct image *self);

/* The name of a file in the image behind a loop device, in ret_name (PATH_MAX). False: it is too long. */
bool image_name(const struct loop *loop, uint64_t inode, char *ret_name);

/* Takes such a name apart: the path of the image is its first size bytes. False: it is none. */
bool image_parse_name(const char *name, size_t *ret_size, uint64_t *ret_offset_bytes, uint64_t *ret_inode);

#endif
