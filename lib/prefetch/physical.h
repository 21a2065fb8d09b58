/*
 * physical.h - where the pages of a plan lie, for media on which the order matters.
 *
 * A rotating disk moves its head: FIEMAP (Documentation/filesystems/fiemap.rst) tells places, without
 * privilege. squashfs packs small files together, into blocks that are unpacked as a whole, and keeps three
 * of these unpacked (Documentation/filesystems/squashfs.rst, CONFIG_SQUASHFS_FRAGMENT_CACHE_SIZE): out of
 * order each is unpacked again and again. mksquashfs(1) packs files in the order of their paths.
 */
#ifndef PBRUN_PHYSICAL_H
#define PBRUN_PHYSICAL_H

#include "prefetch/plan.h"

/*
 * Puts the requests of plan that lie on rotating disks, and those in squashfs, into the order of the medium,
 * on their own places among the others, which stay. Those of which the place is not known (no such file, a
 * filesystem without FIEMAP, a path on which something of mounts would be mounted) come after the others of
 * their kind, in the order they had. mounts may be NULL. 0 or -ENOMEM; then what is not in order yet is as it
 * was.
 */
must_check int physical_sort(struct plan *plan, const struct mounts *mounts);

#endif
