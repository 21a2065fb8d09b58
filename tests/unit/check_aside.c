/* wraps: pthread_create */
#include "sys/aside.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "support.h"
#include "sys/clock.h"

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *context);

static bool has_no_threads;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *context)
{
	return has_no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}

static struct {
	pthread_mutex_t gate; /* held: who comes waits */
	pthread_t thread;
	bool has_signals_blocked;
	atomic_int n_done;
} stage = { .gate = PTHREAD_MUTEX_INITIALIZER };

static void work(void *context)
{
	sigset_t blocked;

	ck_assert_ptr_eq(context, &stage);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	stage.has_signals_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGUSR1);
	stage.thread = pthread_self();
	stage.n_done++;
}

static void hang(void *context)
{
	pthread_mutex_lock(&stage.gate);
	work(context);
	pthread_mutex_unlock(&stage.gate);
}

static void spin(void *context)
{
	uint64_t until_ns = clock_thread_cpu_ns() + UINT64_C(300000000);

	while (clock_thread_cpu_ns() < until_ns)
		;
	work(context);
}

START_TEST(another_thread_does_it)
{
	sigset_t before, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	ck_assert(aside_run(work, &stage, 60000));
	ck_assert_int_eq(stage.n_done, 1);
	ck_assert(!pthread_equal(stage.thread, pthread_self()));
	ck_assert(stage.has_signals_blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ck_assert_int_eq(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}
END_TEST

START_TEST(one_that_stands_is_left_alone)
{
	pthread_mutex_lock(&stage.gate);
	ck_assert(!aside_run(hang, &stage, 20));
	ck_assert_int_eq(stage.n_done, 0);
	pthread_mutex_unlock(&stage.gate);
	while (stage.n_done == 0) /* Check's timeout bounds it */
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}
END_TEST

START_TEST(one_that_works_is_waited_for)
{
	ck_assert(aside_run(spin, &stage, 40));
	ck_assert_int_eq(stage.n_done, 1);
}
END_TEST

START_TEST(without_a_thread_the_caller_does_it)
{
	has_no_threads = true;
	ck_assert(aside_run(work, &stage, 1));
	ck_assert_int_eq(stage.n_done, 1);
	ck_assert(pthread_equal(stage.thread, pthread_self()));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("aside");
	TCase *t = tcase_create("core");

	tcase_add_test(t, another_thread_does_it);
	tcase_add_test(t, one_that_stands_is_left_alone);
	tcase_add_test(t, one_that_works_is_waited_for);
	tcase_add_test(t, without_a_thread_the_caller_does_it);
	suite_add_tcase(s, t);
	return run_suite(s);
}
