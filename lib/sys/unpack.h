/*
 * unpack.h - what squashfs packs its blocks with: zlib, and four others, whose libraries are loaded when
 * they are needed and not before. No start of a program pays for them, and pbrun can be without.
 */
#ifndef PBRUN_UNPACK_H
#define PBRUN_UNPACK_H

#include <stddef.h>

#include "sys/cleanup.h"

enum unpack_kind { UNPACK_ZLIB, UNPACK_LZO, UNPACK_XZ, UNPACK_LZ4, UNPACK_ZSTD, N_UNPACK_KINDS };

struct unpacker {
	enum unpack_kind kind;
	void *library; /* as dlopen(3) gives it; NULL: none is needed */
	void *function;
};

/* Loads what is needed: liblzo2.so.2, liblzma.so.5, liblz4.so.1, libzstd.so.1. This may wait for the disk.
 * 0, -EOPNOTSUPP: it is not there. To be released. */
must_check int unpacker_init(struct unpacker *self, enum unpack_kind kind);
/* Zeroed, there is nothing to be released. */
void unpacker_release(struct unpacker *self);

/* Unpacks one block, which need not be one: 0 and its size, at most max_size; -EBADMSG. */
must_check int unpacker_run(const struct unpacker *self, const void *packed, size_t packed_size, void *data,
			    size_t max_size, size_t *ret_size);

#endif
