/* far_store.c - tells by what is cached, and by the mounts, where a directory is. */
#include "far_store.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/mounts.h"

/* A descriptor by which nothing can be read, or -1: it takes more than memory to tell. */
static int open_cached(const char *directory)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_CACHED };

	return (int)syscall(SYS_openat2, AT_FDCWD, directory, &how, sizeof(how));
}

/* Network file systems have no device. */
static bool is_on_device(int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) == 0 && st.stx_dev_major != 0;
}

static bool is_mount_far(const char *directory)
{
	cleanup_with(mounts_release) struct mounts mounts = { 0 };

	if (mounts_read(&mounts) < 0)
		return false;
	const struct mount *mount = mounts_find(&mounts, directory);

	return mount && (mount->kind == MOUNT_FAR || mount->kind == MOUNT_TRAP);
}

bool far_store_is(const char *directory)
{
	char link[32], path[PATH_MAX];

	if (!directory || directory[0] != '/')
		return false;
	cleanup_close int fd = open_cached(directory);

	if (fd < 0)
		return is_mount_far(directory);
	if (is_on_device(fd))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (n < 0)
		return is_mount_far(directory);
	path[n] = '\0';
	return is_mount_far(path);
}
