/*
 * onecpu.h - keeps tracer and tracee on one CPU.
 *
 * They wake each other at every stop, twice. Across CPUs each of these wakeups takes an interrupt, perhaps
 * out of the idle state: up to thirty times as long as on one CPU (in a virtual machine 100 us a stop against
 * 3 us), and the scheduler prefers an idle CPU. So while one task alone is heard of, this thread keeps to its
 * CPU and has the task resumed there, by changing the task's affinity for the moment of its waking. Not where
 * that could be asked for or handed on: at the calls that do so, and where several tasks run in parallel, the
 * task is resumed as it is. A guard process gives the affinity back should this one be killed in that moment.
 */
#ifndef PBRUN_ONECPU_H
#define PBRUN_ONECPU_H

#include <sched.h>

#include "tracee.h"

/* What the guard would give back. In memory that is shared with it. */
struct onecpu_pledge {
	pid_t tid; /* 0: nothing is owed */
	cpu_set_t affinity;
};

struct onecpu {
	cpu_set_t all; /* where this thread may run */
	cpu_set_t own; /* the CPU that it keeps to, if it is bound */
	int n_online;  /* CPUs of the machine */
	bool is_bound;
	pid_t last_tid;               /* that stopped last */
	unsigned int n_alone;         /* stops of nobody else since */
	struct onecpu_pledge *pledge; /* NULL: no guard, and then nobody's affinity is touched */
	int guard_fd;                 /* the guard wakes when it is closed */
};

/* For the calling thread, as are the others. Without enough CPUs, or processes to be had, it does nothing
 * but tracee_resume(). */
void onecpu_init(struct onecpu *self);
void onecpu_release(struct onecpu *self);

/* tracee_resume(), on this CPU where that is in order. */
void onecpu_resume(struct onecpu *self, const struct tracer *tracer, const struct tracee_stop *stop);

/* Leaves the CPU to the scheduler for a while. */
void onecpu_reconsider(struct onecpu *self);

#endif
