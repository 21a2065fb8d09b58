/* fileid.c - takes a file's identity, and compares two. */
#include "sys/fileid.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/resident.h"

static int64_t timestamp_ns(struct timespec time)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)time.tv_sec, INT64_C(1000000000), &ns) ||
	    __builtin_add_overflow(ns, (int64_t)time.tv_nsec, &ns))
		return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

struct fileid fileid_from_stat(const struct stat *st)
{
	return (struct fileid){ .size_bytes = (uint64_t)st->st_size, .mtime_ns = timestamp_ns(st->st_mtim) };
}

static void add_build_id(struct fileid *id, int fd)
{
	int size = elfinfo_build_id(fd, id->build_id);

	id->build_id_size = size > 0 ? (uint8_t)size : 0;
}

int fileid_from_fd(int fd, struct fileid *ret_id)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_id = fileid_from_stat(&st);
	add_build_id(ret_id, fd);
	return 0;
}

int fileid_open(const char *path, struct stat *ret_st)
{
	int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	cleanup_close int fd = -1;
	struct stat st;

	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* For others' files O_NOATIME is refused, but after a whole path lookup: do not even ask. */
	if (geteuid() == st.st_uid || geteuid() == 0)
		fd = open(path, flags | O_NOATIME);
	if (fd < 0)
		fd = open(path, flags);
	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_st = st;
	return take_fd(fd);
}

static bool has_same_build_id(const struct fileid *a, const struct fileid *b)
{
	return a->build_id_size == b->build_id_size &&
	       memcmp(a->build_id, b->build_id, a->build_id_size) == 0;
}

static bool has_same_stat(const struct fileid *a, const struct fileid *b)
{
	return a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns;
}

bool fileid_equal(const struct fileid *a, const struct fileid *b)
{
	if (a->build_id_size > 0 && b->build_id_size > 0)
		return a->size_bytes == b->size_bytes && has_same_build_id(a, b);
	return has_same_stat(a, b);
}

bool fileid_still_valid(const struct fileid *recorded, int fd, const struct stat *st)
{
	struct fileid now = fileid_from_stat(st);
	bool is_unchanged = has_same_stat(recorded, &now);

	if (recorded->size_bytes != now.size_bytes)
		return false;
	if (recorded->build_id_size > 0 && (!is_unchanged || resident_look(fd, 0) == RESIDENT_YES))
		add_build_id(&now, fd);
	if (is_unchanged)
		return fileid_equal(recorded, &now);
	return now.build_id_size > 0 && has_same_build_id(recorded, &now);
}
