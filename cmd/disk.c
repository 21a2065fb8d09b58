/* disk.c - on what a path lies, for people. */
#include "disk.h"

#include <stdio.h>

struct disk disk_of(const struct mounts *mounts, const char *path)
{
	const struct mount *mount = mounts_find(mounts, path);
	struct disk disk = { .kind = MOUNT_LOCAL, .storage = STORAGE_SOLID_STATE };

	if (!mount)
		return disk;
	snprintf(disk.type, sizeof(disk.type), "%s", mount->type);
	disk.kind = mount->kind;
	disk.storage = storage_of_mount(mount);
	return disk;
}
