#include <check.h>

#include "shadow/history.h"
#include "support.h"

#define ALL_KNOWN (HISTORY_KNOWS_WASTE | HISTORY_KNOWS_MISSED | HISTORY_REPLAYED)

START_TEST(the_last_starts_are_kept)
{
	struct history history = { 0 };

	for (uint32_t i = 1; i <= HISTORY_MAX_STARTS + 3; i++) {
		history_add(&history, &(struct history_start){ .faults = i });
		ck_assert_uint_eq(history.n_starts, i < HISTORY_MAX_STARTS ? i : HISTORY_MAX_STARTS);
		for (uint32_t j = 0; j < history.n_starts; j++)
			ck_assert_uint_eq(history.starts[j].faults, i - j);
	}
}
END_TEST

START_TEST(only_replays_of_which_all_is_known_are_summed_up)
{
	struct history history = { 0 };
	struct history_start start = { .prefetched_bytes = 100, .wasted_bytes = 10, .missed_bytes = 5 };

	for (uint32_t flags = 0; flags < ALL_KNOWN; flags++) {
		start.flags = flags;
		history_add(&history, &start);
	}
	ck_assert_uint_eq(history_sum(&history).n_starts, 0);
	ck_assert_uint_eq(history_sum(&history).used_bytes, 0);

	start.flags = ALL_KNOWN;
	history_add(&history, &start);
	history_add(&history, &start);

	struct history_sum sum = history_sum(&history);

	ck_assert_uint_eq(sum.n_starts, 2);
	ck_assert_uint_eq(sum.used_bytes, 180);
	ck_assert_uint_eq(sum.wasted_bytes, 20);
	ck_assert_uint_eq(sum.missed_bytes, 10);
}
END_TEST

START_TEST(numbers_from_a_file_may_be_anything)
{
	struct history history = { 0 };
	struct history_start start = { .prefetched_bytes = UINT64_MAX,
				       .missed_bytes = UINT64_MAX,
				       .flags = ALL_KNOWN };

	history_add(&history, &start);
	history_add(&history, &start);
	ck_assert_uint_eq(history_sum(&history).used_bytes, UINT64_MAX);
	ck_assert_uint_eq(history_sum(&history).missed_bytes, UINT64_MAX);
	/* More wasted than there was. */
	start.prefetched_bytes = 1;
	start.wasted_bytes = 2;
	ck_assert_uint_eq(history_used_bytes(&start), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("history");
	TCase *t = tcase_create("history");

	tcase_add_test(t, the_last_starts_are_kept);
	tcase_add_test(t, only_replays_of_which_all_is_known_are_summed_up);
	tcase_add_test(t, numbers_from_a_file_may_be_anything);
	suite_add_tcase(s, t);
	return run_suite(s);
}
