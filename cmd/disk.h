/*
 * disk.h - on what a path lies, for people.
 */
#ifndef PBRUN_DISK_H
#define PBRUN_DISK_H

#include "prefetch/storage.h"

struct disk {
	char type[32]; /* of the file system, as the kernel calls it: "ext4"; "" if it is not known */
	enum mount_kind kind;
	enum storage storage;
};

/* Of the path, which is absolute. Asks no file system. */
struct disk disk_of(const struct mounts *mounts, const char *path);

#endif
