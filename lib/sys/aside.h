/*
 * aside.h - does something in a thread that is waited for with a bound.
 *
 * Even a call that waits for no disk and no network may wait without end: for who is asked before a file is
 * opened (fanotify(7)), or for who answers a system call (seccomp_unotify(2)). Only a thread that is stuck so
 * can be left alone, and an execve(2) ends it.
 */
#ifndef PBRUN_ASIDE_H
#define PBRUN_ASIDE_H

#include <stdbool.h>

#include "sys/cleanup.h"

/* A thread that is ready to run, on a machine that has much to do, is waited for so long. */
#define ASIDE_BUSY_MS 10000

/*
 * Calls work(context) in another thread, which has all signals blocked, and waits for its end: for ms, and
 * longer while it would run if it could. True: that has come, and the thread is gone. False: it stands
 * somewhere; what work() uses must stay until the process ends or executes, and the caller is not to allocate
 * memory, whose lock the thread may hold. Without a thread to be had, the caller does it itself, for as long
 * as it takes.
 */
must_check bool aside_run(void (*work)(void *context), void *context, unsigned int ms);

#endif
