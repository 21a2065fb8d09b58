/* traps.c - walks a path, link by link, and stops before what would be mounted. */
#include "sys/traps.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As the kernel has it (path_resolution(7)). */
#define MAX_LINKS 40

static bool is_of_kernel(const struct mount *mount)
{
	return strncmp(mount->point, "/proc/", strlen("/proc/")) == 0 ||
	       strncmp(mount->point, "/sys/", strlen("/sys/")) == 0;
}

bool traps_exist(const struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n_entries; i++)
		if (mounts->entries[i].kind == MOUNT_TRAP && !is_of_kernel(&mounts->entries[i]))
			return true;
	return false;
}

struct walk {
	char done[PATH_MAX]; /* without links, nor a "/" at its end; "": the root directory */
	char rest[PATH_MAX];
	unsigned int n_links;
};

static void leave_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* The last name of done is a link to target. False: that leads too far. */
static bool follow_link(struct walk *walk, const char *target)
{
	char rest[2 * PATH_MAX];

	snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest);
	leave_last(walk->done);
	if (target[0] == '/')
		walk->done[0] = '\0';
	return ++walk->n_links <= MAX_LINKS && memccpy(walk->rest, rest, '\0', sizeof(walk->rest));
}

/* Takes the next name, of size bytes, from rest to done. False: it does not fit. */
static bool take_name(struct walk *walk, const char *name, size_t size)
{
	size_t done = strlen(walk->done);
	bool fits = done + 1 + size < sizeof(walk->done);

	if (size == 2 && memcmp(name, "..", 2) == 0) {
		leave_last(walk->done);
	} else if (fits && !(size == 1 && *name == '.')) {
		walk->done[done] = '/';
		memcpy(walk->done + done + 1, name, size);
		walk->done[done + 1 + size] = '\0';
	}
	memmove(walk->rest, name + size, strlen(name + size) + 1);
	return fits;
}

bool traps_on_way(const struct mounts *mounts, const char *path)
{
	struct walk walk = { 0 };
	char target[PATH_MAX];

	if (!traps_exist(mounts))
		return false;
	if (!memccpy(walk.rest, path, '\0', sizeof(walk.rest)))
		return true;
	for (;;) {
		const char *name = walk.rest + strspn(walk.rest, "/");
		size_t size = strcspn(name, "/");

		if (size == 0)
			return false;
		if (!take_name(&walk, name, size))
			return true;
		const struct mount *mount = mounts_find(mounts, walk.done);

		if (mount && mount->kind == MOUNT_TRAP)
			return true;
		ssize_t n = readlink(walk.done[0] ? walk.done : "/", target, sizeof(target) - 1);

		if (n > 0) {
			target[n] = '\0';
			if (!follow_link(&walk, target))
				return true;
		}
	}
}
