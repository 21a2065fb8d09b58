/*
 * keep_running.h - a process that does not stay stopped.
 *
 * Whoever holds others (a tracer its tracees) must not stand still itself: SIGSTOP cannot be caught. But the
 * timers of a stopped process run on, and a SIGCONT continues it before it is asked what it does about that
 * signal (signal(7), timer_create(2)). Where that does not help, because a SIGSTOP swept away a SIGCONT that
 * was on its way, or because a debugger holds the process, it is killed.
 */
#ifndef PBRUN_KEEP_RUNNING_H
#define PBRUN_KEEP_RUNNING_H

#include "sys/cleanup.h"

/* A stopped process goes on after so long at the latest, ... */
#define KEEP_RUNNING_CONTINUE_MS 500
/* ... or is killed after so long. */
#define KEEP_RUNNING_KILL_MS 5000

/*
 * For the rest of the life of the calling process, but not for its children. Has a handler for SIGCONT from
 * now on; system calls are restarted (SA_RESTART). That signal is to be left to threads that get on: as long
 * as none does, they count as standing still. A number for keep_running_spare(); -errno of timer_create(2):
 * -EAGAIN RLIMIT_SIGPENDING is reached.
 */
must_check int keep_running_start(void);

/* Nobody is held any more: from now on it is continued, but not killed. */
void keep_running_spare(int number);

#endif
