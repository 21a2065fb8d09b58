/*
 * restore_watchdog.h - gives a task its CPUs back if its tracer dies.
 *
 * A small process beside the tracer: its child, of which it hears nothing until it asks (no SIGCHLD), in a
 * session of its own, under a name of its own, with one descriptor, the end of a pipe. It ends when the
 * tracer does.
 */
#ifndef PBRUN_RESTORE_WATCHDOG_H
#define PBRUN_RESTORE_WATCHDOG_H

#include <sched.h>
#include <stdbool.h>

#include "sys/cleanup.h"

/* What is to be given back. In memory that is shared with the watchdog. */
struct saved_affinity {
	pid_t tid;      /* 0: nothing */
	cpu_set_t own;  /* the task's */
	cpu_set_t lent; /* what it was given instead */
};

/* Records both, and then sets the task's affinity to lent: in this order, so that the tracer may die
 * anywhere. */
void saved_affinity_lend(struct saved_affinity *self, pid_t tid, const cpu_set_t *own, const cpu_set_t *lent);

/* Gives it back, unless somebody else has changed it meanwhile. */
void saved_affinity_restore(struct saved_affinity *self);

struct restore_watchdog {
	struct saved_affinity *saved; /* NULL: there is no watchdog */
	pid_t pid;
	int fd; /* the watchdog wakes when this end is closed */
};

/* 0, or -errno of mmap(2), pipe2(2), clone(2); restore_watchdog_release() is in order in any case. */
must_check int restore_watchdog_start(struct restore_watchdog *self);

/* False: it was killed, nothing must be lent any more. */
bool restore_watchdog_is_alive(const struct restore_watchdog *self);

/* Restores what there is, ends the watchdog and reaps it. */
void restore_watchdog_release(struct restore_watchdog *self);

#endif
