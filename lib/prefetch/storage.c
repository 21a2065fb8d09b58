/* storage.c - what kind of disk a mount lies on, by /sys */
#include "prefetch/storage.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/cleanup.h"

/* Where the device's directory is, "../../devices/pci0000:00/0000:00:01.0/virtio0/block/vda/vda1", tells what
 * kind it is. */
static bool has_part(const char *device_path, const char *const *beginnings)
{
	for (const char *part = device_path; part; part = strchr(part, '/')) {
		part += *part == '/';
		for (size_t i = 0; beginnings[i]; i++)
			if (strncmp(part, beginnings[i], strlen(beginnings[i])) == 0)
				return true;
	}
	return false;
}

/* A partition has no queue, but the disk above it has. */
static bool says_rotational(const char *directory)
{
	static const char *const names[] = { "queue/rotational", "../queue/rotational" };
	char path[PATH_MAX], value = '0';

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);

		cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && read(fd, &value, 1) == 1)
			break;
	}
	return value == '1';
}

enum storage storage_of_device(const char *root, dev_t device)
{
	static const char *const virtual[] = { "virtio", "vbd", "xen", "zram", "ram", "pmem", NULL };
	static const char *const slow[] = { "mmcblk", "nbd", "rbd", "drbd", NULL };
	char directory[PATH_MAX - sizeof("/../queue/rotational")], target[PATH_MAX] = "";
	int length = snprintf(directory, sizeof(directory), "%s/sys/dev/block/%u:%u", root, major(device),
			      minor(device));

	if (length < 0 || (size_t)length >= sizeof(directory) ||
	    readlink(directory, target, sizeof(target) - 1) < 0)
		return STORAGE_SOLID_STATE;
	if (has_part(target, slow))
		return STORAGE_SLOW;
	if (has_part(target, virtual))
		return STORAGE_SOLID_STATE;
	return says_rotational(directory) ? STORAGE_ROTATING : STORAGE_SOLID_STATE;
}

enum storage storage_of_mount(const struct mount *mount)
{
	struct stat st;

	if (mount->kind == MOUNT_FAR)
		return STORAGE_SLOW;
	if (strcmp(mount->type, "squashfs") == 0)
		return STORAGE_PACKED;
	/* /dev is the kernel's own memory: to look there waits for nothing. */
	if (major(mount->device) == 0 && strncmp(mount->source, "/dev/", strlen("/dev/")) == 0 &&
	    stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode))
		return storage_of_device("", st.st_rdev);
	return storage_of_device("", mount->device);
}
