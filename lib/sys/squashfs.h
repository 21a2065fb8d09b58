/*
 * squashfs.h - where in an image the data of a file lies (Documentation/filesystems/squashfs.rst,
 * format 4.0): what is mounted from it comes out of the image's own pages.
 *
 * Knows images that have a table by inode number (mksquashfs(1) makes one unless told not to), and are
 * compressed by what unpack.h knows. Nothing in an image is believed.
 */
#ifndef PBRUN_SQUASHFS_H
#define PBRUN_SQUASHFS_H

#include <stddef.h>
#include <stdint.h>

#include "sys/cleanup.h"
#include "sys/unpack.h"

/* A file of more blocks is not looked at. */
#define SQUASHFS_MAX_BLOCKS (1u << 20)

struct squashfs {
	/* Reads size bytes at offset: 0 or -errno, -EBADMSG beyond the end. */
	int (*read)(void *data, size_t size, uint64_t offset_bytes, void *context);
	void *context;
	/* private */
	uint32_t n_inodes;
	uint32_t n_fragments;
	uint32_t block_bytes;
	uint64_t inode_table;
	uint64_t fragment_table;
	uint64_t inode_index;
	uint64_t end;
	struct unpacker unpacker;
};

/* Looks at the image that read() reads. 0, -EBADMSG: it is none; -EOPNOTSUPP: of a kind that is not known
 * here, or the library that unpacks it is missing; what read() says. To be closed. */
must_check int squashfs_open(struct squashfs *self,
			     int (*read)(void *data, size_t size, uint64_t offset_bytes, void *context),
			     void *context);
void squashfs_close(struct squashfs *self);

/* Bytes of the image. */
struct squashfs_range {
	uint64_t offset_bytes;
	uint64_t size_bytes;
};

/* The blocks of a file, in order; the last one may be a part of a block that it has in common with other
 * files. */
struct squashfs_file {
	struct squashfs_range *blocks; /* to be freed; size 0: nothing but zeros */
	size_t n_blocks;
	uint64_t block_bytes; /* so much of the file is in each */
	uint64_t size_bytes;
	struct squashfs_range inode; /* where it is described */
};

/* The regular file of an inode number (st_ino in what is mounted). 0, -ENOENT: there is none, -EBADMSG,
 * -ENOMEM, what read() says. */
must_check int squashfs_find(const struct squashfs *self, uint64_t inode, struct squashfs_file *ret_file);

/* All but the data: names, inodes, tables. */
struct squashfs_range squashfs_metadata(const struct squashfs *self);

#endif
