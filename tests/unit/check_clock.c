#include "sys/clock.h"

#include "support.h"

START_TEST(it_only_runs_forward)
{
	uint64_t last_ns = clock_now_ns();

	for (int i = 0; i < 10000; i++) {
		uint64_t now_ns = clock_now_ns();

		ck_assert_uint_ge(now_ns, last_ns);
		last_ns = now_ns;
	}
}
END_TEST

START_TEST(it_counts_nanoseconds_of_the_monotonic_clock)
{
	struct timespec before, after;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &before);
	ns = clock_now_ns();
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_uint_ge(ns, (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec);
	ck_assert_uint_le(ns, (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *core = tcase_create("core");

	tcase_add_test(core, it_only_runs_forward);
	tcase_add_test(core, it_counts_nanoseconds_of_the_monotonic_clock);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
