/* threads.c - starts threads without signals, and waits by the monotonic clock. */
#include "sys/threads.h"

#include <signal.h>

#include "sys/clock.h"

int threads_start(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *context), void *context)
{
	size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_t attributes;
	sigset_t all, before;

	if (pthread_attr_init(&attributes) != 0)
		return -ENOMEM;
	if (stack_bytes > 0)
		(void)pthread_attr_setstacksize(&attributes, stack_bytes > least ? stack_bytes : least);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(ret_thread, &attributes, run, context);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

int threads_start_detached(void *(*run)(void *context), void *context)
{
	pthread_t thread;
	int r = threads_start(&thread, 0, run, context);

	if (r == 0)
		pthread_detach(thread);
	return r;
}

void threads_init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool threads_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns)
{
	struct timespec until = clock_timespec(until_ns);

	return pthread_cond_timedwait(condition, lock, &until) == 0;
}
