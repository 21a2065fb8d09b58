/*
 * traps.h - where to look a path up would mount a file system (autofs(5)): that may take long, asks a server,
 * and is nobody's wish.
 *
 * The text of a path does not tell, since a symbolic link may lead there. Nor does AT_NO_AUTOMOUNT help but
 * for the last name.
 */
#ifndef PBRUN_TRAPS_H
#define PBRUN_TRAPS_H

#include <stdbool.h>

#include "sys/mounts.h"

/* Is there any, but below /proc and /sys, where nothing is looked up? */
bool traps_exist(const struct mounts *mounts);

/*
 * Would a lookup of the absolute path come to one? Goes from one name to the next, by readlink(2), which may
 * wait for their file systems, but never to one. True, too, if that cannot be told (too many links, too
 * long). False at once where none exists.
 */
bool traps_on_way(const struct mounts *mounts, const char *path);

#endif
