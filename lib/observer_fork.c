/* observer_fork.c - the split into launcher and observer of observer.h */
#include "observer_private.h"

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
#include "sys/fd_limit.h"

/* A child that comes to its end is gone after that, ... */
#define LEAVE_MS 20
/* ... and one that is killed after that, or will not be. */
#define END_MS 100

/* The observer seldom has more files open at the same time. */
#define USUAL_FDS ((size_t)900)

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
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* Never again is there only one thread for sure. */
	fd_limit_widen(fd_limit_get() / 2 < USUAL_FDS ? fd_limit_get() / 2 : USUAL_FDS);
	(void)!chdir("/"); /* else it keeps a directory busy for a while: no harm */
}

/* A child of which its parent never hears by a signal: SIGCHLD might stay pending for the program. */
static pid_t fork_silently(void)
{
	return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
}

static bool is_subreaper(void)
{
	int is_set = 0;

	return prctl(PR_GET_CHILD_SUBREAPER, &is_set) == 0 && is_set;
}

static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

static enum observer_kinship choose_kinship(void)
{
	if (getpid() == 1)
		return OBSERVER_HIDDEN;
	/* Its children's orphans must not go astray while it is none. */
	return is_subreaper() && has_children() ? OBSERVER_BRIEF : OBSERVER_ORPHAN;
}

/* In the middle process: leaves the observer behind as an orphan. Does not return in it. */
static void fork_orphan(int write_fd)
{
	pid_t pid = fork();

	if (pid == 0)
		return;
	close(write_fd);
	_exit(pid < 0);
}

/* What fork(2) returns, of the observer itself or of the middle process. */
static pid_t fork_observer(enum observer_kinship kinship, int write_fd)
{
	pid_t pid = fork_silently();

	if (pid != 0)
		return pid;
	if (setsid() < 0)
		_exit(1);
	if (kinship == OBSERVER_ORPHAN)
		fork_orphan(write_fd);
	return 0;
}

/* The launcher is as it was before the split. */
static void restore(const struct observer_link *link)
{
	if (link->gave_up_orphans)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_PTRACER, 0, 0, 0, 0);
}

int observer_fork(const int *kept_fds, size_t n_kept_fds, struct observer_link *ret_link)
{
	enum { MAX_KEPT = 16 };
	struct observer_link link = { .launcher_pid = getpid(), .kinship = choose_kinship() };
	int all_kept[MAX_KEPT];
	int fds[2];

	if (n_kept_fds >= MAX_KEPT)
		return -EINVAL;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	link.gave_up_orphans =
		link.kinship == OBSERVER_ORPHAN && is_subreaper() && prctl(PR_SET_CHILD_SUBREAPER, 0) == 0;
	/* Yama lets only descendants be traced, unless they ask for it. Taken back in observer_await(). */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	pid_t pid = fork_observer(link.kinship, fds[1]);

	if (pid < 0) {
		int r = -errno;

		close(fds[0]);
		close(fds[1]);
		restore(&link);
		return r;
	}
	if (pid > 0) {
		close(fds[1]);
		link.fd = fds[0];
		link.child_pid = pid;
		*ret_link = link;
		return OBSERVER_LAUNCHER;
	}
	if (n_kept_fds > 0)
		memcpy(all_kept, kept_fds, n_kept_fds * sizeof(*kept_fds));
	all_kept[n_kept_fds] = fds[1];
	become_observer(all_kept, n_kept_fds + 1);
	link.fd = fds[1];
	*ret_link = link;
	return OBSERVER_OBSERVER;
}

/* Reaps a child that ends within that time. */
static bool is_reaped(pid_t pid, unsigned int ms)
{
	uint64_t until_ns = clock_now_ns() + ms * UINT64_C(1000000);
	pid_t r;

	while ((r = waitpid(pid, NULL, __WALL | WNOHANG)) == 0 && clock_now_ns() < until_ns)
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	return r != 0;
}

/* Reaps a child that is gone, or is made to be. One that is in a call that cannot be killed stays, for a
 * program that would have waited for it for ever otherwise. */
static void end_child(pid_t pid)
{
	if (is_reaped(pid, LEAVE_MS))
		return;
	(void)kill(pid, SIGKILL);
	(void)is_reaped(pid, END_MS);
}

/* The observer's descriptor, for the program to inherit. Not one of the first few: should its number be seen
 * for a moment, it is none that anybody expects. */
static int open_agent_fd(const struct observer_word *word)
{
	enum { FIRST_FD = 100 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", word->pid, word->agent_fd);
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD, FIRST_FD);
}

int observer_await(struct observer_link *link)
{
	struct pollfd ready = { .fd = link->fd, .events = POLLIN };
	uint64_t until_ns = clock_now_ns() + OBSERVER_PATIENCE_MS * UINT64_C(1000000);
	struct observer_word word = { 0 };
	int r;

	/* A word, or the end of the pipe when there is no observer any more. */
	do {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = now_ns < until_ns ? until_ns - now_ns : 0;

		r = poll(&ready, 1, (int)((left_ns + 999999) / 1000000));
	} while (r < 0 && errno == EINTR && clock_now_ns() < until_ns);
	bool stays = r > 0 && read(link->fd, &word, sizeof(word)) == sizeof(word);

	if (!stays || link->kinship == OBSERVER_ORPHAN)
		end_child(link->child_pid);
	close(take_fd(link->fd));
	restore(link);
	link->agent_fd = stays && word.agent_fd >= 0 ? open_agent_fd(&word) : -1;
	return stays ? word.problem : 0;
}
