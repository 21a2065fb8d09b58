#include "sys/threads.h"

#include <signal.h>

#include "support.h"
#include "sys/clock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static bool has_run;
static sigset_t blocked;

static void *run(void *context)
{
	ck_assert_ptr_eq(context, &has_run);
	pthread_mutex_lock(&lock);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	has_run = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return context;
}

static void await_run(void)
{
	uint64_t until_ns = clock_now_ns() + UINT64_C(60) * 1000 * 1000 * 1000;

	pthread_mutex_lock(&lock);
	while (!has_run)
		ck_assert(threads_wait(&changed, &lock, until_ns));
	pthread_mutex_unlock(&lock);
	ck_assert(sigismember(&blocked, SIGALRM) && sigismember(&blocked, SIGCONT));
}

static void assert_not_blocked_here(void)
{
	sigset_t own;

	pthread_sigmask(SIG_SETMASK, NULL, &own);
	ck_assert(!sigismember(&own, SIGALRM));
}

START_TEST(no_signal_comes_to_a_thread)
{
	static const size_t sizes[] = { 0, 1, 512 << 10 };
	pthread_t thread;
	void *result = NULL;

	threads_init_condition(&changed);
	ck_assert_int_eq(threads_start(&thread, sizes[_i], run, &has_run), 0);
	assert_not_blocked_here();
	await_run();
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, &has_run);
}
END_TEST

START_TEST(nor_to_one_that_nobody_joins)
{
	threads_init_condition(&changed);
	ck_assert_int_eq(threads_start_detached(run, &has_run), 0);
	assert_not_blocked_here();
	await_run();
}
END_TEST

START_TEST(waiting_has_a_bound)
{
	threads_init_condition(&changed);
	pthread_mutex_lock(&lock);
	uint64_t until_ns = clock_now_ns() + 1000000;

	/* It may be woken for no reason. */
	while (threads_wait(&changed, &lock, until_ns))
		;
	pthread_mutex_unlock(&lock);
	ck_assert_uint_ge(clock_now_ns(), until_ns);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("threads");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, no_signal_comes_to_a_thread, 0, 3);
	tcase_add_test(t, nor_to_one_that_nobody_joins);
	tcase_add_test(t, waiting_has_a_bound);
	suite_add_tcase(s, t);
	return run_suite(s);
}
