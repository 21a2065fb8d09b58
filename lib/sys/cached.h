/*
 * cached.h - can a path be read without waiting for its file system?
 *
 * Who stands before a program's exec must not wait: for a network that is gone, a FUSE server that is
 * stopped, a dead or frozen disk. What the kernel has in memory of a file system on a disk needs none of
 * them. All else is to be asked by somebody for whom nobody waits without a bound.
 */
#ifndef PBRUN_CACHED_H
#define PBRUN_CACHED_H

#include <stdbool.h>

#include "sys/mounts.h"

/* How much of a regular file is to be read. */
enum cached_part {
	CACHED_NAME, /* nothing: that it is there is enough */
	CACHED_ENDS, /* its first and its last page */
	CACHED_ALL,  /* all of it, found out by CACHED_MAX_LOOKS pages at most */
};

#define CACHED_MAX_LOOKS 32

enum cached {
	CACHED_NO,      /* a call on it may wait */
	CACHED_ABSENT,  /* nothing is there, or nothing that may be reached: this is known */
	CACHED_PRESENT, /* it is there, and so much of it is in memory */
};

/* Looks at several paths. To be zeroed before, and released. */
struct cached_looks {
	struct mounts mounts; /* private: read when they are needed */
	bool has_mounts;
};

void cached_looks_release(struct cached_looks *self);

/*
 * Looks at path, which need not exist, by calls that do not wait: openat2(2) with RESOLVE_CACHED, statx(2)
 * with AT_STATX_DONT_SYNC, preadv2(2) with RWF_NOWAIT. What lies on a network, FUSE, or a file system of a
 * type that is not known is CACHED_NO. A kernel before 5.12, or a filter, does not tell what is cached: there
 * all else counts as present. Takes some microseconds.
 */
enum cached cached_look(struct cached_looks *self, const char *path, enum cached_part part);

#endif
