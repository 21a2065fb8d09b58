/* onecpu.c - lends a task the CPU of its tracer. */
#include "trace/onecpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/close_fds.h"

/* So many stops of one task alone say that it runs alone. */
#define ALONE_STOPS 4

/* Unless somebody else has changed it meanwhile. */
static void give_back(struct onecpu_pledge *pledge)
{
	cpu_set_t now;

	if (pledge->tid == 0)
		return;
	if (sched_getaffinity(pledge->tid, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &pledge->lent))
		(void)sched_setaffinity(pledge->tid, sizeof(pledge->affinity), &pledge->affinity);
	atomic_signal_fence(memory_order_seq_cst);
	pledge->tid = 0;
}

/* In the guard: waits for the end of the tracer, and keeps its word. Whoever kills all that is called pbrun,
 * or its session, does not mean the guard. */
__attribute__((noreturn)) static void guard(int fd, struct onecpu_pledge *pledge)
{
	char byte;

	(void)setsid();
	(void)prctl(PR_SET_NAME, "affinity-guard");
	(void)dup2(fd, 0);
	close_fds_from(1, NULL, 0);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	give_back(pledge);
	_exit(0);
}

/* The guard is no child: waitpid(2) is for the tracees. Returns what wakes it when closed, or -1. */
static int start_guard(struct onecpu_pledge *pledge)
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
	if (self->pledge)
		give_back(self->pledge);
	if (self->guard_fd >= 0)
		close(self->guard_fd);
	if (self->pledge)
		munmap(self->pledge, sizeof(*self->pledge));
	self->guard_fd = -1;
	self->pledge = NULL;
}

enum binding { TO_ANY_CPU, TO_THIS_CPU };

static void bind_thread(struct onecpu *self, enum binding binding)
{
	cpu_set_t set = self->all;
	int cpu = sched_getcpu();
	bool binds = binding == TO_THIS_CPU;

	if (binds == self->is_bound || cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	if (self->pledge)
		give_back(self->pledge);
	if (binds) {
		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) == 0) {
		self->is_bound = binds;
		self->own = set;
	}
}

static void bind_task(const struct onecpu *self, pid_t tid)
{
	struct onecpu_pledge *pledge = self->pledge;
	cpu_set_t *theirs = &pledge->affinity;

	if (sched_getaffinity(tid, sizeof(*theirs), theirs) < 0 || CPU_COUNT(theirs) < 2)
		return;
	CPU_AND(&pledge->lent, theirs, &self->own);
	if (CPU_COUNT(&pledge->lent) != 1)
		return;
	/* Where it may run anywhere, that is to include CPUs that are yet to come. */
	if (CPU_COUNT(theirs) == self->n_online)
		memset(theirs, 0xff, sizeof(*theirs));
	atomic_signal_fence(memory_order_seq_cst);
	pledge->tid = tid;
	atomic_signal_fence(memory_order_seq_cst);
	(void)sched_setaffinity(tid, sizeof(pledge->lent), &pledge->lent);
}

void onecpu_note_stop(struct onecpu *self, pid_t tid, enum onecpu_affinity affinity)
{
	if (self->pledge && (self->pledge->tid != tid || affinity == ONECPU_AFFINITY_MATTERS))
		give_back(self->pledge);
}

void onecpu_resume(struct onecpu *self, const struct tracer *tracer, const struct tracee_stop *stop,
		   enum onecpu_company company, enum onecpu_affinity affinity)
{
	self->n_alone = company == ONECPU_RUNS_ALONE ? self->n_alone + 1 : 0;
	bool binds = self->pledge && tracer->with_syscalls && self->n_alone >= ALONE_STOPS;

	bind_thread(self, binds ? TO_THIS_CPU : TO_ANY_CPU);
	if (self->is_bound && self->pledge && self->pledge->tid == 0 && affinity == ONECPU_AFFINITY_IS_HIDDEN)
		bind_task(self, stop->tid);
	tracee_resume(tracer, stop);
}

void onecpu_reconsider(struct onecpu *self)
{
	if (self->pledge)
		give_back(self->pledge);
	self->n_alone = 0;
}
