/*
 * medium.h - on what a file lies: how dear is one more request, and does the order matter?
 *
 * From statfs(2) and /sys/dev/block/MAJOR:MINOR (Documentation/ABI/stable/sysfs-block). A device that says
 * nothing usable, or that is virtual and only says "rotational" because nobody told it otherwise (virtio),
 * counts as solid state.
 */
#ifndef PBRUN_MEDIUM_H
#define PBRUN_MEDIUM_H

#include <sys/types.h>

enum medium {
	MEDIUM_SOLID_STATE,
	MEDIUM_ROTATING, /* each jump costs milliseconds: read in physical order */
	MEDIUM_SLOW,     /* a network filesystem or block device, a memory card: a request costs a lot */
};

/* Of the file or directory at path. */
enum medium medium_of_path(const char *path);

/* Of a block device. root is "", or for tests a directory that holds sys/dev/block/. */
enum medium medium_of_device(const char *root, dev_t device);

#endif
