/* cached.c - looks at paths by calls that do not wait. */
#include "sys/cached.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/cleanup.h"
#include "sys/page.h"
#include "sys/resident.h"

void cached_looks_release(struct cached_looks *self)
{
	if (self->has_mounts)
		mounts_release(&self->mounts);
	self->has_mounts = false;
}

static int open_cached(const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_CACHED };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* By the text of the path, or of the directory in which a relative one lies. */
static enum mount_kind kind_of(struct cached_looks *self, const char *path)
{
	char cwd[PATH_MAX] = "";

	if (path[0] != '/' && syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return MOUNT_FAR;
	if (!self->has_mounts && mounts_read(&self->mounts) < 0)
		return MOUNT_LOCAL; /* without /proc nobody knows */
	self->has_mounts = true;
	const struct mount *mount = mounts_find(&self->mounts, path[0] == '/' ? path : cwd);

	return mount ? mount->kind : MOUNT_FAR;
}

/* Of what is open at a descriptor that cannot be read (O_PATH). */
static enum mount_kind kind_of_open(struct cached_looks *self, int fd, const struct statx *stx)
{
	char link[32], path[PATH_MAX];

	/* Network file systems have no device. One of FUSE may have, but knows none of the attributes of
	 * ext4, XFS and their like. */
	if (stx->stx_dev_major != 0 && stx->stx_attributes_mask & STATX_ATTR_IMMUTABLE)
		return MOUNT_LOCAL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (n < 0)
		return MOUNT_LOCAL;
	path[n] = '\0';
	return kind_of(self, path);
}

static bool is_near(enum mount_kind kind)
{
	return kind == MOUNT_LOCAL || kind == MOUNT_MEMORY;
}

static bool stat_open(int fd, struct statx *ret_stx)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE, ret_stx) == 0;
}

static bool are_pages_there(const char *path, uint64_t size_bytes, enum cached_part part)
{
	uint64_t n_pages = (size_bytes + page_bytes() - 1) / page_bytes();
	uint64_t n_looks = part == CACHED_ENDS ? 2 : CACHED_MAX_LOOKS;

	if (n_pages == 0 || part == CACHED_NAME)
		return true;
	cleanup_close int fd = open_cached(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	/* Who may not read it will not wait for it. */
	if (fd < 0)
		return fd != -EAGAIN;
	if (n_looks > n_pages)
		n_looks = n_pages;
	for (uint64_t i = 0; i < n_looks; i++)
		if (resident_look(fd, n_looks < 2 ? 0 : i * (n_pages - 1) / (n_looks - 1)) != RESIDENT_YES)
			return false;
	return true;
}

static enum cached look_at_open(struct cached_looks *self, const char *path, int fd, enum cached_part part)
{
	struct statx stx;

	if (!stat_open(fd, &stx) || !is_near(kind_of_open(self, fd, &stx)))
		return CACHED_NO;
	return !S_ISREG(stx.stx_mode) || are_pages_there(path, stx.stx_size, part) ? CACHED_PRESENT
										   : CACHED_NO;
}

/* The nearest directory above path that is there, and in memory: O_PATH, or -1. above gets its name; what
 * follows it in path begins at *ret_rest. */
static int open_above(const char *path, char above[static PATH_MAX], const char **ret_rest)
{
	char *slash;

	strcpy(above, path);
	while ((slash = strrchr(above, '/')) != NULL) {
		bool is_root = slash == above;

		*ret_rest = path + (slash - above) + 1;
		slash[is_root] = '\0';
		int fd = open_cached(above, O_PATH);

		if (fd >= 0 || is_root)
			return fd < 0 ? -1 : fd;
	}
	*ret_rest = path;
	strcpy(above, ".");
	int fd = open_cached(".", O_PATH);

	return fd < 0 ? -1 : fd;
}

/* A file system in memory keeps no names that are not there, but to look one up never waits. */
static bool is_absent_in_memory(int dir_fd, const char *rest)
{
	char name[NAME_MAX + 1] = "";
	size_t size = strcspn(rest, "/");
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };

	if (size == 0 || size >= sizeof(name))
		return false;
	memcpy(name, rest, size);
	cleanup_close int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

	return fd < 0 && errno == ENOENT;
}

/* That a directory may not be searched, say somebody else's home, the kernel does not say with
 * RESOLVE_CACHED. */
static bool is_closed(int dir_fd)
{
	return faccessat(dir_fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) < 0 && errno == EACCES;
}

/* error is -EAGAIN, or says that nothing is there. */
static enum cached look_above(struct cached_looks *self, const char *path, int error)
{
	char above[PATH_MAX];
	const char *rest = path;
	struct statx stx;

	if (strlen(path) >= sizeof(above))
		return CACHED_ABSENT;
	cleanup_close int fd = open_above(path, above, &rest);

	if (fd < 0 || !stat_open(fd, &stx))
		return CACHED_NO;
	enum mount_kind kind = kind_of_open(self, fd, &stx);

	if (!is_near(kind))
		return CACHED_NO;
	if (error != -EAGAIN || is_closed(fd))
		return CACHED_ABSENT;
	return kind == MOUNT_MEMORY && is_absent_in_memory(fd, rest) ? CACHED_ABSENT : CACHED_NO;
}

enum cached cached_look(struct cached_looks *self, const char *path, enum cached_part part)
{
	cleanup_close int fd = open_cached(path, O_PATH);

	switch (fd) {
	case -EAGAIN:
	case -ENOENT:
	case -ENOTDIR:
	case -EACCES:
	case -ELOOP:
	case -ENAMETOOLONG:
		return look_above(self, path, fd);
	case -ENOSYS:
	case -EINVAL:
	case -EPERM:
		return is_near(kind_of(self, path)) ? CACHED_PRESENT : CACHED_NO;
	default:
		return fd < 0 ? CACHED_NO : look_at_open(self, path, fd, part);
	}
}
