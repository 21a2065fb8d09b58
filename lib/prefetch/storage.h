/*
 * storage.h - on what a file lies: how dear is one more request, and does the order matter?
 *
 * From the type of the mount and /sys/dev/block/MAJOR:MINOR (Documentation/ABI/stable/sysfs-block). A device
 * that says nothing usable, or that is virtual and only says "rotational" because nobody told it otherwise
 * (virtio), counts as solid state.
 */
#ifndef PBRUN_STORAGE_H
#define PBRUN_STORAGE_H

#include <sys/types.h>

#include "sys/mounts.h"

enum storage {
	STORAGE_SOLID_STATE,
	STORAGE_ROTATING, /* each jump costs milliseconds: read in physical order */
	STORAGE_PACKED,   /* squashfs: read in the order in which it was packed */
	STORAGE_SLOW,     /* a network filesystem or block device, a memory card: a request costs a lot */
	N_STORAGES,
};

/* Of a mount. Its source may name a block device where the mount has no device of its own (btrfs). */
enum storage storage_of_mount(const struct mount *mount);

/* Of a block device. root is "", or for tests a directory that holds sys/dev/block/. */
enum storage storage_of_device(const char *root, dev_t device);

#endif
