/* close_fds.c - closes all descriptors but some, with close_range(2) or without. */
#include "sys/close_fds.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sys/cleanup.h"

static bool is_kept(unsigned int fd, const int *kept_fds, size_t n_kept_fds)
{
	for (size_t i = 0; i < n_kept_fds; i++)
		if ((unsigned int)kept_fds[i] == fd)
			return true;
	return false;
}

/* The lowest kept descriptor that is not below first. UINT_MAX: there is none. */
static unsigned int next_kept(unsigned int first, const int *kept_fds, size_t n_kept_fds)
{
	unsigned int lowest = UINT_MAX;

	for (size_t i = 0; i < n_kept_fds; i++)
		if ((unsigned int)kept_fds[i] >= first && (unsigned int)kept_fds[i] < lowest)
			lowest = (unsigned int)kept_fds[i];
	return lowest;
}

/* False: close_range(2) is refused. */
static bool close_ranges(unsigned int first, const int *kept_fds, size_t n_kept_fds)
{
	for (;;) {
		unsigned int kept = next_kept(first, kept_fds, n_kept_fds);
		unsigned int last = kept == UINT_MAX ? UINT_MAX : kept - 1;

		if (kept > first && syscall(SYS_close_range, first, last, 0) < 0)
			return false;
		if (kept == UINT_MAX)
			return true;
		first = kept + 1;
	}
}

/* As getdents64(2) returns it. */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* "12" is 12; "." and ".." are -1. */
static int parse_fd(const char *name)
{
	return name[0] >= '0' && name[0] <= '9' ? atoi(name) : -1;
}

/* The thread sanitizer takes a child made by clone(2), whose descriptors are its own, for the parent. */
static void close_unseen(int fd)
{
	(void)syscall(SYS_close, fd);
}

/* False: they could not all be listed. The place in /proc/self/fd is a number, which closing does not move.
 */
static bool close_listed(unsigned int first, const int *kept_fds, size_t n_kept_fds)
{
	_Alignas(struct directory_entry) char entries[4096];
	cleanup_close int list_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n = -1;

	while (list_fd >= 0 && (n = syscall(SYS_getdents64, list_fd, entries, sizeof(entries))) > 0) {
		for (long i = 0; i < n;) {
			const struct directory_entry *entry = (const void *)(entries + i);
			int fd = parse_fd(entry->name);

			i += entry->size;
			if (fd >= 0 && fd != list_fd && (unsigned int)fd >= first &&
			    !is_kept((unsigned int)fd, kept_fds, n_kept_fds))
				close_unseen(fd);
		}
	}
	return n == 0;
}

static void close_blindly(unsigned int first, const int *kept_fds, size_t n_kept_fds)
{
	struct rlimit limit = { 0 };
	unsigned int end = CLOSE_FDS_MIN_BLIND; /* the limit may be lower than when they were opened */

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > end)
		end = limit.rlim_cur < CLOSE_FDS_MAX_BLIND ? (unsigned int)limit.rlim_cur
							   : CLOSE_FDS_MAX_BLIND;
	for (unsigned int fd = first; fd < end; fd++)
		if (!is_kept(fd, kept_fds, n_kept_fds))
			close_unseen((int)fd);
}

void close_fds_from(unsigned int first, const int *kept_fds, size_t n_kept_fds)
{
	int saved_errno = errno;

	if (!close_ranges(first, kept_fds, n_kept_fds) && !close_listed(first, kept_fds, n_kept_fds))
		close_blindly(first, kept_fds, n_kept_fds);
	errno = saved_errno;
}
