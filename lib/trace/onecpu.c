/* onecpu.c - lends a task the CPU of its tracer. */
#include "trace/onecpu.h"

#include <string.h>
#include <sys/sysinfo.h>

/* So many stops of one task alone say that it runs alone. */
#define ALONE_STOPS 4

void onecpu_init(struct onecpu *self)
{
	memset(self, 0, sizeof(*self));
	if (sched_getaffinity(0, sizeof(self->all), &self->all) < 0 || CPU_COUNT(&self->all) < 2)
		return;
	self->n_online = get_nprocs();                  /* which reads a file in /sys: not at each stop */
	(void)!restore_watchdog_start(&self->watchdog); /* without one, nothing is lent */
}

void onecpu_release(struct onecpu *self)
{
	restore_watchdog_release(&self->watchdog);
}

static void give_back(struct onecpu *self)
{
	if (self->watchdog.saved)
		saved_affinity_restore(self->watchdog.saved);
}

enum binding { TO_ANY_CPU, TO_THIS_CPU };

static void bind_thread(struct onecpu *self, enum binding binding)
{
	cpu_set_t set = self->all;
	int cpu = sched_getcpu();
	bool binds = binding == TO_THIS_CPU;

	if (binds == self->is_bound || cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	give_back(self);
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
	cpu_set_t theirs;
	cpu_set_t lent;

	if (sched_getaffinity(tid, sizeof(theirs), &theirs) < 0 || CPU_COUNT(&theirs) < 2)
		return;
	CPU_AND(&lent, &theirs, &self->own);
	if (CPU_COUNT(&lent) != 1)
		return;
	/* Where it may run anywhere, that is to include CPUs that are yet to come. */
	if (CPU_COUNT(&theirs) == self->n_online)
		memset(&theirs, 0xff, sizeof(theirs));
	saved_affinity_lend(self->watchdog.saved, tid, &theirs, &lent);
}

void onecpu_note_stop(struct onecpu *self, pid_t tid, enum onecpu_affinity affinity)
{
	if (self->watchdog.saved && (self->watchdog.saved->tid != tid || affinity == ONECPU_AFFINITY_MATTERS))
		give_back(self);
}

void onecpu_resume(struct onecpu *self, const struct tracer *tracer, const struct tracee_stop *stop,
		   enum onecpu_company company, enum onecpu_affinity affinity)
{
	self->n_alone = company == ONECPU_RUNS_ALONE ? self->n_alone + 1 : 0;
	const struct saved_affinity *saved = self->watchdog.saved;
	bool binds = saved && tracer->with_syscalls && self->n_alone >= ALONE_STOPS;

	bind_thread(self, binds ? TO_THIS_CPU : TO_ANY_CPU);
	if (self->is_bound && saved && saved->tid == 0 && affinity == ONECPU_AFFINITY_IS_HIDDEN)
		bind_task(self, stop->tid);
	tracee_resume(tracer, stop);
}

void onecpu_reconsider(struct onecpu *self)
{
	give_back(self);
	self->n_alone = 0;
	if (self->watchdog.saved && !restore_watchdog_is_alive(&self->watchdog))
		onecpu_release(self);
}
