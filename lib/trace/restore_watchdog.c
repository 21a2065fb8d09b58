/* restore_watchdog.c - the process that gives an affinity back. */
#include "trace/restore_watchdog.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/close_fds.h"
#include "sys/keep_running.h"

void saved_affinity_lend(struct saved_affinity *self, pid_t tid, const cpu_set_t *own, const cpu_set_t *lent)
{
	self->own = *own;
	self->lent = *lent;
	atomic_signal_fence(memory_order_seq_cst);
	self->tid = tid;
	atomic_signal_fence(memory_order_seq_cst);
	(void)sched_setaffinity(tid, sizeof(self->lent), &self->lent);
}

void saved_affinity_restore(struct saved_affinity *self)
{
	cpu_set_t now;

	if (self->tid == 0)
		return;
	if (sched_getaffinity(self->tid, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &self->lent))
		(void)sched_setaffinity(self->tid, sizeof(self->own), &self->own);
	atomic_signal_fence(memory_order_seq_cst);
	self->tid = 0;
}

/* Waits for the end of the tracer. Whoever kills all that is called pbrun, or its session, does not mean the
 * watchdog. */
__attribute__((noreturn)) static void watch(int fd, struct saved_affinity *saved)
{
	struct pollfd end = { .fd = fd };

	(void)!keep_running_start(); /* else it might be stopped: no worse than killed */
	(void)setsid();
	close_fds_from(0, &fd, 1);
	(void)prctl(PR_SET_NAME, "restorewatchdog");
	/* Not by read(2), in which a thread sanitizer puts signal handlers off: that of keep_running.h would
	 * not run, and the watchdog be killed for one that stands still. */
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	saved_affinity_restore(saved);
	_exit(0);
}

/* As fork(2), but the child is none that waitpid(2) without __WALL tells of, or waits for. */
static pid_t fork_unheard(void)
{
	return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
}

int restore_watchdog_start(struct restore_watchdog *self)
{
	int fds[2];

	*self = (struct restore_watchdog){ .fd = -1 };
	void *shared =
		mmap(NULL, sizeof(*self->saved), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -errno;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		int r = -errno;

		munmap(shared, sizeof(*self->saved));
		return r;
	}
	self->pid = fork_unheard();
	if (self->pid == 0)
		watch(fds[0], shared);
	int r = self->pid < 0 ? -errno : 0;

	close(fds[0]);
	self->fd = fds[1];
	self->saved = shared;
	if (r < 0)
		restore_watchdog_release(self);
	return r;
}

bool restore_watchdog_is_alive(const struct restore_watchdog *self)
{
	siginfo_t info = { 0 };

	return self->saved &&
	       waitid(P_PID, (id_t)self->pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       info.si_pid == 0;
}

void restore_watchdog_release(struct restore_watchdog *self)
{
	if (!self->saved)
		return;
	saved_affinity_restore(self->saved);
	close(self->fd);
	if (self->pid > 0) {
		/* Nothing is left to it, and it may be stopped. */
		(void)kill(self->pid, SIGKILL);
		while (waitpid(self->pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	munmap(self->saved, sizeof(*self->saved));
	*self = (struct restore_watchdog){ .fd = -1 };
}
