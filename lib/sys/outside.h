/*
 * outside.h - the name that a file has for us, of which another process knows another name: it has another
 * root directory, or its mounts are others (mount_namespaces(7)).
 *
 *     a sandbox has /usr of our file system 254:1 at /elsewhere:
 *         theirs   254:1 /usr /elsewhere       ours   254:1 / /
 *         "/elsewhere/bin/x" is "/usr/bin/x" there, and that is "/usr/bin/x" here
 *
 * Pure, but for what the caller does to tell whether a name is the right one: tables can be out of date, and
 * names be covered by other mounts.
 */
#ifndef PBRUN_OUTSIDE_H
#define PBRUN_OUTSIDE_H

#include <stdbool.h>

#include "sys/mounts.h"

/* How a name was found, and so by what the file is known again. */
enum outside_way {
	OUTSIDE_SAME,  /* it is to be the same object: device and inode */
	OUTSIDE_LAYER, /* a directory that an overlay shows: it has other numbers there */
};

struct outside_search {
	const struct mounts *theirs;
	const char *their_root; /* their root directory, as their mount namespace has it: "/", "/srv/root" */
	const struct mounts *ours;
	/* Is it that file? Paths are shorter than PATH_MAX. */
	bool (*is_it)(const char *path, enum outside_way way, void *context);
	void *context;
};

/*
 * path is absolute and without symbolic links, as /proc/PID/maps and the links in /proc/PID/fd have it: from
 * the root of their mount namespace. Asks is_it() for one name after the other until one is right, which is
 * copied to ret_path (PATH_MAX); first path itself. False: none is.
 */
bool outside_find(const struct outside_search *search, const char *path, char *ret_path);

/* A path without the root directory that it lies below: "/srv/root/bin/x" is "/bin/x" below "/srv/root".
 * NULL: it does not. */
const char *outside_below_root(const char *path, const char *root);

#endif
