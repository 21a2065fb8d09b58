/*
 * place.h - where a remembered file lies, and what follows for its prefetch. Told by the path's text and the
 * table of mounts (mounts.h): no call here can wait for a file system.
 */
#ifndef PBRUN_PLACE_H
#define PBRUN_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "prefetch/storage.h"
#include "sys/mounts.h"

enum place_reach {
	PLACE_NEAR,     /* a disk: it answers, or nothing works */
	PLACE_FAR,      /* may not answer: threads of its own, and nobody waits for it */
	PLACE_MEMORY,   /* tmpfs: looked at for changes, never read */
	PLACE_LEFT_OUT, /* the kernel's own file systems, and where a look would mount something */
};

/* What the file system keeps files in. */
enum place_folios { PLACE_SMALL_FOLIOS, PLACE_LARGE_FOLIOS };

struct place {
	enum place_reach reach;
	enum storage storage;
	enum place_folios folios;
	uint32_t mount; /* the same for all on one mount; 0: not known */
};

struct places {
	struct mounts mounts;
	enum storage storages[MOUNTS_MAX]; /* private: by mount, found out when first asked for */
	bool is_known[MOUNTS_MAX];         /* private */
	const struct mount *own;           /* private: the program's, which its exec waits for anyway */
};

/* program is the canonical path of what is to be started. Without a table of mounts all is near but what has
 * a name below /proc, /sys or /dev. */
void places_init(struct places *self, const char *program);
void places_release(struct places *self);

/* self may be NULL: no table. */
struct place place_of(struct places *self, const char *path);

/* Is the path below /proc, /sys or /dev? */
bool place_is_kernel(const char *path);

#endif
