#include "sys/survey.h"

#include <pthread.h>

#include "support.h"
#include "sys/clock.h"

enum { N = 1000 };

static const uint64_t ms = 1000000;

/* What all looks of a test share. */
static struct {
	int n_looks[N];
	bool hangs[N];
	pthread_mutex_t gate; /* held: who hangs waits for it */
} stage = { .gate = PTHREAD_MUTEX_INITIALIZER };

static void look(size_t i, void *context)
{
	ck_assert_ptr_eq(context, &stage);
	if (stage.hangs[i]) {
		pthread_mutex_lock(&stage.gate);
		pthread_mutex_unlock(&stage.gate);
	}
	stage.n_looks[i]++;
}

START_TEST(each_is_looked_at_once)
{
	bool is_answered[N];

	ck_assert(survey_run(N, look, &stage, clock_now_ns() + 60000 * ms, is_answered));
	for (size_t i = 0; i < N; i++) {
		ck_assert(is_answered[i]);
		ck_assert_int_eq(stage.n_looks[i], 1);
	}
	ck_assert(survey_run(0, look, &stage, clock_now_ns(), is_answered));
}
END_TEST

START_TEST(the_others_do_not_wait_for_one_that_hangs)
{
	bool is_answered[N];

	stage.hangs[0] = stage.hangs[10] = stage.hangs[N - 1] = true;
	pthread_mutex_lock(&stage.gate);
	ck_assert(!survey_run(N, look, &stage, clock_now_ns() + 60000 * ms, is_answered));
	for (size_t i = 0; i < N; i++)
		ck_assert_int_eq(is_answered[i], !stage.hangs[i]);
	pthread_mutex_unlock(&stage.gate);
}
END_TEST

START_TEST(when_too_many_hang_it_gives_up)
{
	bool is_answered[N];

	for (size_t i = 100; i < N; i++)
		stage.hangs[i] = true;
	pthread_mutex_lock(&stage.gate);
	ck_assert(!survey_run(N, look, &stage, clock_now_ns() + 60000 * ms, is_answered));
	for (size_t i = 0; i < N; i++)
		ck_assert_int_eq(is_answered[i], i < 100);
	pthread_mutex_unlock(&stage.gate);
}
END_TEST

START_TEST(time_is_bounded)
{
	bool is_answered[N];

	stage.hangs[0] = true;
	pthread_mutex_lock(&stage.gate);
	ck_assert(!survey_run(N, look, &stage, clock_now_ns(), is_answered));
	ck_assert(!is_answered[0]);
	pthread_mutex_unlock(&stage.gate);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("survey");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_is_looked_at_once);
	tcase_add_test(t, the_others_do_not_wait_for_one_that_hangs);
	tcase_add_test(t, when_too_many_hang_it_gives_up);
	tcase_add_test(t, time_is_bounded);
	suite_add_tcase(s, t);
	return run_suite(s);
}
