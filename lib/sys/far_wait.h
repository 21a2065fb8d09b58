/*
 * far_wait.h - tasks that wait for a network or FUSE file system, and cannot be ended because they are
 * traced.
 *
 * Such a wait can only be killed. A signal that ends the process, SIGTERM say, is as good as SIGKILL for the
 * kernel, but not while a tracer is to see it first (kernel/signal.c: complete_signal()): then it waits until
 * the task does, also after the tracer has gone, and if the file system never answers it waits for ever. So
 * who is in such a wait for long is not to be traced.
 */
#ifndef PBRUN_FAR_WAIT_H
#define PBRUN_FAR_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A wait as it was seen last; all 0: there was none. */
struct far_wait {
	uint64_t began_ns;   /* CLOCK_MONOTONIC, when it was first seen */
	uint64_t n_switches; /* of the task so far: it is the same wait */
};

/* Looks at a task: how long it is in one wait that only SIGKILL ends, in nanoseconds, if it is one for a far
 * file system; 0: it is in none. */
uint64_t far_wait_look(struct far_wait *self, pid_t tid);

/* Is the function in which a task waits, as /proc/TID/wchan has it, one of a far file system? */
bool far_wait_is_function(const char *name);

/* Which signal waits to end the task that this text of /proc/TID/status tells of, while no signal but SIGKILL
 * would wake it (State: D). 0: none. One that leaves a core file counts as none: it does not end a wait
 * anyway. */
int far_wait_fatal_signal(const char *status);

/*
 * For a process from which the tracer is about to go, or just went. A signal that came in the moments before
 * does not end its wait any more, nor does another one of that kind: kills it, if it is so for a second.
 * Waits for as long.
 */
void far_wait_make_good(pid_t pid);

#endif
