/* shadowdb_lock.c - locks between those who write shadows, and between them and those who look. */
#include <fcntl.h>
#include <time.h>

#include "shadowdb_private.h"
#include "sys/clock.h"

#define LOCK_NAME ".lock"
#define LOCK_MODE 0600 /* also the system's: whoever can open it can keep everybody waiting */
#define LOCK_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
/* Behind those of all hashes. */
#define ANNOUNCED_BYTE ((off_t)1 << 62)
/* Longer than a disk takes; who looks may see the older shadow then. */
#define ANNOUNCED_MS 5000

static int open_lock_file(int dir_fd)
{
	for (;;) {
		int fd = openat(dir_fd, LOCK_NAME, O_RDWR | LOCK_FLAGS);

		if (fd >= 0 || errno != ENOENT)
			return fd < 0 ? -errno : fd;
		fd = openat(dir_fd, LOCK_NAME, O_RDWR | LOCK_FLAGS | O_CREAT | O_EXCL, LOCK_MODE);
		if (fd >= 0)
			(void)!fchmod(fd, LOCK_MODE);
		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? -errno : fd;
	}
}

int shadowdb_lock(const struct shadowdb *self, uint64_t hash, unsigned int timeout_ms)
{
	cleanup_close int fd = open_lock_file(self->dir_fd);
	const uint64_t until_ns = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	struct timespec pause = { .tv_nsec = 1000000 };

	if (fd < 0)
		return fd;
	for (;;) {
		struct flock range = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = (off_t)(hash >> 2),
			.l_len = 1,
		};

		if (fcntl(fd, F_OFD_SETLK, &range) == 0 || errno == EINVAL || errno == ENOLCK ||
		    errno == EOPNOTSUPP)
			return take_fd(fd);
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -errno;
		if (clock_now_ns() >= until_ns)
			return -ETIMEDOUT;
		/* F_OFD_SETLKW would wait without a limit. */
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 16000000)
			pause.tv_nsec *= 2;
	}
}

int shadowdb_announce(struct shadowdb *self)
{
	struct flock range = {
		.l_type = F_RDLCK, /* others may as well */
		.l_whence = SEEK_SET,
		.l_start = ANNOUNCED_BYTE,
		.l_len = 1,
	};
	int r = shadowdb_need_directory(self);

	if (r < 0)
		return r;
	cleanup_close int fd = open_lock_file(self->dir_fd);

	if (fd < 0)
		return fd;
	return fcntl(fd, F_OFD_SETLK, &range) < 0 ? -errno : take_fd(fd);
}

static bool is_announced(int fd)
{
	struct flock range = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = ANNOUNCED_BYTE,
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

void shadowdb_await_announced(const struct shadowdb *self)
{
	cleanup_close int fd = self->dir_fd < 0 ? -1 : openat(self->dir_fd, LOCK_NAME, O_RDONLY | LOCK_FLAGS);
	const uint64_t until_ns = clock_now_ns() + ANNOUNCED_MS * UINT64_C(1000000);

	while (fd >= 0 && is_announced(fd) && clock_now_ns() < until_ns)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

void shadowdb_remove_lock_file(const struct shadowdb *self)
{
	if (self->dir_fd >= 0)
		(void)unlinkat(self->dir_fd, LOCK_NAME, 0);
}
