#include "onecpu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many stops of one task alone say that it runs alone. */
#define ALONE_STOPS 8

/* In the guard: waits for the end of the tracer, and keeps its word. */
__attribute__((noreturn)) static void guard(int fd, const struct onecpu_pledge *pledge)
{
	char byte;

	(void)dup2(fd, 0);
	(void)close_range(1, UINT_MAX, 0);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	if (pledge->tid)
		(void)sched_setaffinity(pledge->tid, sizeof(pledge->affinity), &pledge->affinity);
	_exit(0);
}

/* The guard is no child: waitpid(2) is for the tracees. Returns what wakes it when closed, or -1. */
static int start_guard(const struct onecpu_pledge *pledge)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid_t middle = fork();

	if (middle == 0) {
		if (fork() == 0)
			guard(fds[0], pledge);
		_exit(0);
	}
	close(fds[0]);
	if (middle > 0) {
		while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
			;
		return fds[1];
	}
	close(fds[1]);
	return -1;
}

void onecpu_init(struct onecpu *self)
{
	memset(self, 0, sizeof(*self));
	self->guard_fd = -1;
	if (sched_getaffinity(0, sizeof(self->all), &self->all) < 0 || CPU_COUNT(&self->all) < 2)
		return;
	self->n_online = get_nprocs(); /* which reads a file in /sys: not at each stop */

	void *shared =
		mmap(NULL, sizeof(*self->pledge), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return;
	self->pledge = shared;
	self->guard_fd = start_guard(self->pledge);
	if (self->guard_fd < 0)
		onecpu_release(self);
}

void onecpu_release(struct onecpu *self)
{
	if (self->guard_fd >= 0)
		close(self->guard_fd);
	if (self->pledge)
		munmap(self->pledge, sizeof(*self->pledge));
	self->guard_fd = -1;
	self->pledge = NULL;
}

static void bind_thread(struct onecpu *self, bool binds)
{
	cpu_set_t set = self->all;
	int cpu = sched_getcpu();

	if (binds == self->is_bound || cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	if (binds) {
		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) == 0) {
		self->is_bound = binds;
		self->own = set;
	}
}

/* The frequent ones of the calls that neither show an affinity nor hand it on, as clone(2) does. */
static const long indifferent_calls[] = {
	SYS_openat,    SYS_close,        SYS_newfstatat,     SYS_fstat,  SYS_statx,    SYS_readlinkat,
	SYS_faccessat, SYS_getdents64,   SYS_lseek,          SYS_mmap,   SYS_munmap,   SYS_mprotect,
	SYS_brk,       SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_futex,
#ifdef SYS_open
	SYS_open,      SYS_stat,         SYS_lstat,          SYS_access, SYS_readlink,
#endif
};

/*
 * Is the affinity of a task that goes on from this stop without meaning? It may run before this thread has
 * set it back: as far as its next system call, where it stops.
 */
static bool is_indifferent(const struct tracee_stop *stop)
{
	if (stop->event != TRACEE_SYSCALL_ENTRY)
		return stop->event == TRACEE_SYSCALL_EXIT;
	for (size_t i = 0; stop->is_native && i < sizeof(indifferent_calls) / sizeof(indifferent_calls[0]);
	     i++)
		if (stop->nr == (uint64_t)indifferent_calls[i])
			return true;
	return false;
}

/* True if the task was resumed here. */
static bool resume_here(const struct onecpu *self, const struct tracer *tracer,
			const struct tracee_stop *stop)
{
	cpu_set_t theirs;
	cpu_set_t here;

	if (sched_getaffinity(stop->tid, sizeof(theirs), &theirs) < 0 || CPU_COUNT(&theirs) < 2)
		return false;
	CPU_AND(&here, &theirs, &self->own);
	if (CPU_COUNT(&here) != 1)
		return false;
	/* Where it may run anywhere, that is to include CPUs that are yet to come. */
	if (CPU_COUNT(&theirs) == self->n_online)
		memset(&theirs, 0xff, sizeof(theirs));
	self->pledge->affinity = theirs;
	atomic_signal_fence(memory_order_seq_cst);
	self->pledge->tid = stop->tid;
	atomic_signal_fence(memory_order_seq_cst);
	(void)sched_setaffinity(stop->tid, sizeof(here), &here);
	tracee_resume(tracer, stop);
	(void)sched_setaffinity(stop->tid, sizeof(theirs), &theirs);
	atomic_signal_fence(memory_order_seq_cst);
	self->pledge->tid = 0;
	return true;
}

void onecpu_resume(struct onecpu *self, const struct tracer *tracer, const struct tracee_stop *stop)
{
	self->n_alone = stop->tid == self->last_tid ? self->n_alone + 1 : 0;
	self->last_tid = stop->tid;
	bind_thread(self, self->pledge && tracer->with_syscalls && self->n_alone >= ALONE_STOPS);
	if (!self->is_bound || !is_indifferent(stop) || !resume_here(self, tracer, stop))
		tracee_resume(tracer, stop);
}

void onecpu_reconsider(struct onecpu *self)
{
	self->n_alone = 0;
}
