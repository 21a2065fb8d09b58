/* trust.c - checks owners and modes, and walks a path past other people's links; see trust.h */
#include "sys/trust.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

/* As the kernel has it (path_resolution(7)). */
#define MAX_LINKS 40

static bool is_trusted_owner(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static int check_owner_and_mode(const struct stat *st)
{
	if (!is_trusted_owner(st))
		return -EPERM;
	return st->st_mode & (S_IWGRP | S_IWOTH) ? -EKEYREJECTED : 0;
}

int trust_check_file(const struct stat *st)
{
	int r;

	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	r = check_owner_and_mode(st);
	if (r < 0)
		return r;
	return st->st_nlink > 1 ? -EMLINK : 0; /* 0: it was replaced since it was opened */
}

int trust_check_directory(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? check_owner_and_mode(st) : -ENOTDIR;
}

const char *trust_explain(int error)
{
	switch (error) {
	case -EINVAL:
		return "it is not a regular file";
	case -EPERM:
		return "it belongs to another user";
	case -EKEYREJECTED:
		return "it or its directory can be written by others (chmod go-w)";
	case -EMLINK:
		return "it has a second hard link";
	case -ELOOP:
		return "it is a symbolic link, or behind one of another user";
	default:
		return NULL;
	}
}

/* On the way to a directory. */
struct walk {
	int fd;               /* O_PATH, so far */
	char rest[PATH_MAX];  /* what is to be walked yet */
	size_t own_size;      /* of it, what the path itself says; what is before is of a link */
	unsigned int n_links; /* followed */
};

static int enter(struct walk *walk, int fd)
{
	close(walk->fd);
	walk->fd = fd;
	return 0;
}

/* Puts what the link open at link_fd says before the rest. */
static int follow_link(struct walk *walk, int link_fd, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(link_fd, "", target, sizeof(target));
	size_t rest_size = strlen(walk->rest);

	if (size < 0)
		return -errno;
	if (!is_trusted_owner(st) || ++walk->n_links > MAX_LINKS)
		return -ELOOP;
	if ((size_t)size + 1 + rest_size >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + size + 1, walk->rest, rest_size + 1);
	memcpy(walk->rest, target, (size_t)size);
	walk->rest[size] = '/';
	if (target[0] != '/')
		return 0;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : enter(walk, fd);
}

/* Makes the directory that is missing, if its parent is one to make it in. */
static int make(struct walk *walk, const char *name, mode_t mode)
{
	char link[64];
	struct stat st;

	if (fstat(walk->fd, &st) < 0)
		return -errno;
	if (!is_trusted_owner(&st))
		return -EPERM;
	if (mode == 0)
		return -ENOENT;
	bool is_ours = mkdirat(walk->fd, name, mode) == 0;

	if (!is_ours && errno != EEXIST)
		return -errno;
	int fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* fchmod(2) takes no O_PATH, and another descriptor cannot be had under a umask of 0777. */
	snprintf(link, sizeof(link), "/proc/thread-self/fd/%d", fd);
	if (is_ours)
		(void)!chmod(link, mode);
	return enter(walk, fd);
}

static int step(struct walk *walk, const char *name, mode_t make_mode)
{
	struct stat st;
	cleanup_close int fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? make(walk, name, make_mode) : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? follow_link(walk, fd, &st) : enter(walk, take_fd(fd));
}

static int walk_to(const char *path, mode_t make_mode)
{
	struct walk walk = { .own_size = strlen(path) };
	int r = 0;

	if (walk.own_size >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	strcpy(walk.rest, path);
	walk.fd = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (walk.fd < 0)
		return -errno;
	while (r == 0 && walk.rest[0]) {
		char name[NAME_MAX + 1];
		size_t rest_size = strlen(walk.rest);
		size_t name_size = strcspn(walk.rest, "/");
		size_t n_taken = name_size + strspn(walk.rest + name_size, "/");

		if (name_size >= sizeof(name)) {
			r = -ENAMETOOLONG;
			break;
		}
		memcpy(name, walk.rest, name_size);
		name[name_size] = '\0';
		memmove(walk.rest, walk.rest + n_taken, rest_size - n_taken + 1);
		if (name_size > 0)
			r = step(&walk, name, rest_size > walk.own_size ? 0 : make_mode);
		if (rest_size <= walk.own_size)
			walk.own_size = rest_size - n_taken;
	}
	int fd = r < 0 ? -1 : openat(walk.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (r == 0 && fd < 0)
		r = -errno;
	close(walk.fd);
	return r < 0 ? r : fd;
}

int trust_open_directory(const char *path, mode_t make_mode)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	struct stat st;
	/* Mostly there is no link, and this is all. */
	cleanup_close int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0)
		fd = walk_to(path, make_mode);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	int r = trust_check_directory(&st);

	return r < 0 ? r : take_fd(fd);
}
