/* observer_fork.c - the split into launcher and observer of observer.h */
#include "observer.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "sys/close_fds.h"

static void reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &action, NULL);
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
	(void)sigaction(SIGXFSZ, &action, NULL); /* write(2) fails with EFBIG instead */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the observer: away from everything that belongs to the program. */
static void become_observer(const int *kept_fds, size_t n_kept_fds)
{
	struct rlimit limit;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		if (null_fd >= 0 && null_fd != fd)
			(void)dup2(null_fd, fd);
	close_fds_from(3, kept_fds, n_kept_fds);
	reset_signals();
	/* All memory from one place: a thread's own would grow by a few pages at a time. */
	(void)mallopt(M_ARENA_MAX, 1);
	if (chdir("/") < 0)
		return; /* it keeps a directory busy for a while: no harm */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* A child of which its parent never hears by a signal: SIGCHLD might stay pending for the program. */
static pid_t fork_silently(void)
{
	return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
}

static bool inherits_orphans(void)
{
	int is_subreaper = 0;

	return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper);
}

/* In the middle process: leaves the observer behind as an orphan. Does not return in it. */
static void fork_orphan(int write_fd)
{
	if (setsid() < 0)
		_exit(1);
	pid_t pid = fork();

	if (pid == 0)
		return;
	close(write_fd);
	_exit(pid < 0);
}

int observer_fork(const int *kept_fds, size_t n_kept_fds, struct observer_link *ret_link)
{
	enum { MAX_KEPT = 16 };
	struct observer_link link = { .launcher_pid = getpid() };
	int fds[2];
	int status = 0;

	if (n_kept_fds >= MAX_KEPT)
		return -EINVAL;
	if (inherits_orphans())
		return -EBUSY;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	/* Yama lets only descendants be traced, unless they ask for it. Taken back in observer_await(). */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	pid_t middle = fork_silently();

	if (middle < 0) {
		int r = -errno;

		close(fds[0]);
		close(fds[1]);
		(void)prctl(PR_SET_PTRACER, 0, 0, 0, 0);
		return r;
	}
	if (middle > 0) {
		close(fds[1]);
		while (waitpid(middle, &status, __WALL) < 0 && errno == EINTR)
			;
		link.fd = fds[0];
		*ret_link = link;
		return OBSERVER_LAUNCHER;
	}
	fork_orphan(fds[1]);
	int all_kept[MAX_KEPT];

	memcpy(all_kept, kept_fds, n_kept_fds * sizeof(*kept_fds));
	all_kept[n_kept_fds] = fds[1];
	become_observer(all_kept, n_kept_fds + 1);
	link.fd = fds[1];
	*ret_link = link;
	return OBSERVER_OBSERVER;
}

int observer_await(struct observer_link *link)
{
	struct pollfd ready = { .fd = link->fd, .events = POLLIN };
	uint64_t until_ns = clock_now_ns() + OBSERVER_PATIENCE_MS * UINT64_C(1000000);
	int problem = 0, r;

	/* A word, or the end of the pipe when there is no observer any more. */
	do {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = now_ns < until_ns ? until_ns - now_ns : 0;

		r = poll(&ready, 1, (int)((left_ns + 999999) / 1000000));
	} while (r < 0 && errno == EINTR && clock_now_ns() < until_ns);
	if (r <= 0 || read(link->fd, &problem, sizeof(problem)) != sizeof(problem))
		problem = 0;
	close(take_fd(link->fd));
	(void)prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	return problem;
}
