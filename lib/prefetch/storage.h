/*
 * storage.h - on what a file lies: how dear is one more request, and does the order matter?
 *
 * From statfs(2) and /sys/dev/block/MAJOR:MINOR (Documentation/ABI/stable/sysfs-block). A device that says
 * nothing usable, or that is virtual and only says "rotational" because nobody told it otherwise (virtio),
 * counts as solid state.
 */
#ifndef PBRUN_STORAGE_H
#define PBRUN_STORAGE_H

#include <sys/types.h>

enum storage {
	STORAGE_SOLID_STATE,
	STORAGE_ROTATING, /* each jump costs milliseconds: read in physical order */
	STORAGE_SLOW,     /* a network filesystem or block device, a memory card: a request costs a lot */
};

/* Of the file or directory at path. */
enum storage storage_of_path(const char *path);

/* Of a block device. root is "", or for tests a directory that holds sys/dev/block/. */
enum storage storage_of_device(const char *root, dev_t device);

#endif
