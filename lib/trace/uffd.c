#include "trace/uffd.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* Newer than the headers of Debian 12. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

struct theft {
	pid_t tid;
	int taken_fd; /* ours, or -errno */
	enum { CREATE, TAKE_AND_CLOSE, DONE } next;
};

static int take_descriptor(pid_t tid, int remote_fd)
{
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, tid, 0);

	if (pidfd < 0)
		return -errno;
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, remote_fd, 0);

	return fd < 0 ? -errno : fd;
}

static bool prepare_call(int64_t result, struct tracee_call *ret_call, void *context)
{
	struct theft *theft = context;

	switch (theft->next) {
	case CREATE:
		*ret_call = (struct tracee_call){ .nr = SYS_userfaultfd,
						  .args = { O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY } };
		theft->next = TAKE_AND_CLOSE;
		return true;
	case TAKE_AND_CLOSE:
		if (result < 0) {
			theft->taken_fd = (int)result;
			return false;
		}
		theft->taken_fd = take_descriptor(theft->tid, (int)result);
		*ret_call = (struct tracee_call){ .nr = SYS_close, .args = { (uint64_t)result } };
		theft->next = DONE;
		return true;
	case DONE:
		break;
	}
	return false;
}

int uffd_create_in(struct tracee_stop *stop)
{
	struct theft theft = { .tid = stop->tid, .taken_fd = -EBADF, .next = CREATE };
	int r = tracee_inject(stop, prepare_call, &theft);
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

int uffd_register(int uffd, uint64_t start, uint64_t end)
{
	struct uffdio_register request = { .range = { .start = start, .len = end - start },
					   .mode = UFFDIO_REGISTER_MODE_WP };

	return ioctl(uffd, UFFDIO_REGISTER, &request) < 0 ? -errno : 0;
}
