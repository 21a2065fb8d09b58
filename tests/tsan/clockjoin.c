/* clockjoin.c - under the preset tsan, pthread_clockjoin_np(3) by a call that the thread sanitizer knows: it
 * would take what the joined thread has written for a race. */
#include <pthread.h>
#include <time.h>

int __wrap_pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
				const struct timespec *until);

int __wrap_pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
				const struct timespec *until)
{
	struct timespec now, real;

	clock_gettime(clock, &now);
	clock_gettime(CLOCK_REALTIME, &real);

	long long rest_ns =
		(long long)(until->tv_sec - now.tv_sec) * 1000000000 + until->tv_nsec - now.tv_nsec;
	long long until_ns = (long long)real.tv_sec * 1000000000 + real.tv_nsec + (rest_ns > 0 ? rest_ns : 0);

	return pthread_timedjoin_np(thread, ret_value,
				    &(struct timespec){ until_ns / 1000000000, until_ns % 1000000000 });
}
