/*
 * threads.h - threads that no signal of the process comes to, and conditions that are waited for with a
 * bound.
 */
#ifndef PBRUN_THREADS_H
#define PBRUN_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys/cleanup.h"

/* Starts a thread with all signals blocked: no handler of the caller is to run in one that it does not know
 * of. stack_bytes: at least so much; 0: as usual. 0 or -errno of pthread_create(3). */
must_check int threads_start(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *context),
			     void *context);
/* The same; nobody joins it. */
must_check int threads_start_detached(void *(*run)(void *context), void *context);

/* A condition for threads_wait(). */
void threads_init_condition(pthread_cond_t *condition);
/* Waits with the lock for the condition, until until_ns (CLOCK_MONOTONIC) at most. False: that has come. */
bool threads_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns);

#endif
