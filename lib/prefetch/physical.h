/*
 * physical.h - where on the disk the pages of a plan lie, for media on which the order matters: FIEMAP
 * (Documentation/filesystems/fiemap.rst), which needs no privilege.
 */
#ifndef PBRUN_PHYSICAL_H
#define PBRUN_PHYSICAL_H

#include "prefetch/plan.h"

/*
 * Puts the requests of plan that lie on rotating disks into the order of the disk, on their own places among
 * the others, which stay. Those of which the place is not known (no such file,
 * a filesystem without FIEMAP) come after the others, in the order they had. 0 or -ENOMEM; then plan is as it
 * was.
 */
must_check int physical_sort(struct plan *plan);

#endif
