/* uffd.c - a userfaultfd of a tracee, in our hands. */
#include "trace/uffd.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "sys/page.h"

/* Newer than the headers of Debian 12. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

struct theft {
	pid_t tid;
	int taken_fd; /* ours, or -errno */
};

static int take_descriptor(pid_t tid, int remote_fd)
{
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, tid, 0);

	if (pidfd < 0)
		return -errno;
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, remote_fd, 0);

	return fd < 0 ? -errno : fd;
}

enum { CREATE, CLOSE, N_CALLS };

/* What the task creates it closes by itself: nothing remains in it, even if we die in between. */
static const struct stub_call calls[N_CALLS] = {
	[CREATE] = { .nr = SYS_userfaultfd,
		     .n_args = 1,
		     .args = { O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY } },
	[CLOSE] = { .nr = SYS_close, .n_args = 1, .source = STUB_FIRST_IS_RESULT },
};

static void take_created(size_t index, int64_t result, void *context)
{
	struct theft *theft = context;

	if (index == CREATE)
		theft->taken_fd = result < 0 ? (int)result : take_descriptor(theft->tid, (int)result);
}

int uffd_create_in(struct tracee_stop *stop)
{
	struct theft theft = { .tid = stop->tid, .taken_fd = -EBADF };
	int r = tracee_inject(stop, calls, N_CALLS, take_created, &theft);
	cleanup_close int uffd = theft.taken_fd;

	if (r < 0)
		return r;
	if (uffd < 0)
		return uffd;
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_ASYNC };

	if (ioctl(uffd, UFFDIO_API, &api) < 0)
		return -errno;
	return take_fd(uffd);
}

/*
 * Where a page table stands in its place, a huge folio cannot be mapped as a whole; and one is made for a
 * page that is write-protected, if only for a moment. What was mapped as a whole before is mapped no more.
 */
static void map_page_by_page(int uffd, uint64_t start, uint64_t end)
{
	uint64_t huge_bytes = page_huge_bytes();

	for (uint64_t at = (start + huge_bytes - 1) / huge_bytes * huge_bytes;
	     at < end && end - at >= huge_bytes; at += huge_bytes) {
		struct uffdio_writeprotect page = { .range = { .start = at, .len = page_bytes() },
						    .mode = UFFDIO_WRITEPROTECT_MODE_WP };

		if (ioctl(uffd, UFFDIO_WRITEPROTECT, &page) < 0)
			return;
		page.mode = 0;
		(void)ioctl(uffd, UFFDIO_WRITEPROTECT, &page);
	}
}

int uffd_register(int uffd, uint64_t start, uint64_t end)
{
	struct uffdio_register request = { .range = { .start = start, .len = end - start },
					   .mode = UFFDIO_REGISTER_MODE_WP };

	if (ioctl(uffd, UFFDIO_REGISTER, &request) < 0)
		return -errno;
	map_page_by_page(uffd, start, end);
	return 0;
}
