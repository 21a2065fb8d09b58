/*
 * onecpu.h - keeps tracer and tracee on one CPU.
 *
 * They wake each other at every stop, twice. Across CPUs each of these wakeups takes an interrupt, perhaps
 * out of the idle state: up to thirty times as long as on one CPU (in a virtual machine 100 us a stop against
 * 3 us), and the scheduler prefers an idle CPU. So while one task alone runs, this thread keeps to its CPU
 * and binds the task to it.
 *
 * Nobody is to notice. The task gets its affinity back before a call that could ask for it or hand it on
 * (sched_getaffinity(2), clone(2), read(2) of /proc, anything but a few), before it is detached from, when
 * another task stops, and at each tick. Should this process be killed, another one gives it back
 * (restore_watchdog.h).
 */
#ifndef PBRUN_ONECPU_H
#define PBRUN_ONECPU_H

#include <sched.h>

#include "trace/restore_watchdog.h"
#include "trace/tracee.h"

struct onecpu {
	cpu_set_t all; /* where this thread may run */
	cpu_set_t own; /* the CPU that it keeps to, if it is bound */
	int n_online;  /* CPUs of the machine */
	bool is_bound;
	unsigned int n_alone; /* stops of nobody else since */
	struct restore_watchdog watchdog;
};

/* For the calling thread, as are the others. Without enough CPUs, or processes to be had, it does nothing
 * but tracee_resume(). */
void onecpu_init(struct onecpu *self);
void onecpu_release(struct onecpu *self);

/* From a stop of a task to its next one: can it ask for its affinity, or hand it on? */
enum onecpu_affinity { ONECPU_AFFINITY_MATTERS, ONECPU_AFFINITY_IS_HIDDEN };
/* Does any other task that is followed execute anything? */
enum onecpu_company { ONECPU_IN_COMPANY, ONECPU_RUNS_ALONE };

/* To be called at each stop of a task before anything is done about it. */
void onecpu_note_stop(struct onecpu *self, pid_t tid, enum onecpu_affinity affinity);

/* tracee_resume(), on this CPU where that is in order. */
void onecpu_resume(struct onecpu *self, const struct tracer *tracer, const struct tracee_stop *stop,
		   enum onecpu_company company, enum onecpu_affinity affinity);

/* Leaves the CPUs to the scheduler for a while. */
void onecpu_reconsider(struct onecpu *self);

#endif
