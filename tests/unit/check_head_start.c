#include "prefetch/head_start.h"

#include "support.h"

#define MS UINT64_C(1000000)

/* Ten pages each: needed 0, 20, 40 ... ms after the start of an untraced program. */
static struct plan_request requests[10];
static struct plan_file files[2] = { [1] = { .place = { .reach = PLACE_FAR } } };
static const struct plan plan = {
	.files = files, .n_files = 2, .requests = requests, .n_requests = 10, .n_pages = 100
};

static void set_up(void)
{
	for (uint32_t i = 0; i < 10; i++)
		requests[i] = (struct plan_request){
			.n_pages = 10,
			.first_use_us =
				i == 0 ? 0 : HEAD_START_EARLIER_US + (uint32_t)(i * 20000 * HEAD_START_SLOWER)
		};
}

START_TEST(nothing_to_read_keeps_nobody_waiting)
{
	static const struct plan empty;

	ck_assert(head_start_is_ahead(&empty, 0, 0));
	ck_assert(head_start_is_ahead(&empty, 0, 1000 * MS));
}
END_TEST

START_TEST(before_anything_is_read_nothing_is_known)
{
	ck_assert(!head_start_is_ahead(&plan, 0, 1 * MS));
}
END_TEST

START_TEST(what_is_needed_at_once_must_be_there)
{
	ck_assert(!head_start_is_ahead(&plan, 9, 1 * MS));
	ck_assert(head_start_is_ahead(&plan, 10, 1 * MS));
}
END_TEST

START_TEST(a_fast_disk_needs_no_start_and_a_slow_one_does)
{
	/* The program takes 0.5 pages a millisecond. At 10/11 pages a millisecond the disk keeps ahead. */
	ck_assert(head_start_is_ahead(&plan, 10, 11 * MS));
	/* At 0.25 pages a millisecond the last ten pages come 400 - t ms from now and are needed in 180. */
	ck_assert(!head_start_is_ahead(&plan, 10, 44 * MS));
	ck_assert(!head_start_is_ahead(&plan, 49, 200 * MS));
	ck_assert(head_start_is_ahead(&plan, 60, 240 * MS));
}
END_TEST

START_TEST(when_all_is_there_it_is_ahead)
{
	ck_assert(head_start_is_ahead(&plan, 100, 100000 * MS));
}
END_TEST

START_TEST(on_a_disk_in_physical_order_the_first_may_come_last)
{
	requests[0].first_use_us = 10000000;
	requests[9].first_use_us = 0;
	ck_assert(!head_start_is_ahead(&plan, 90, 9 * MS));
	ck_assert(head_start_is_ahead(&plan, 100, 10 * MS));
}
END_TEST

START_TEST(a_cold_program_is_past_what_it_used_a_while_ago)
{
	ck_assert(!head_start_is_past(10000, 10 * MS));
	ck_assert(!head_start_is_past(10000, 15 * MS));
	ck_assert(head_start_is_past(10000, 15 * MS + 1));
	ck_assert(!head_start_is_past(UINT32_MAX, 4294967 * (uint64_t)MS));
	ck_assert(head_start_is_past(0, 1));
}
END_TEST

START_TEST(what_is_far_away_keeps_nobody_waiting)
{
	for (size_t i = 5; i < 10; i++)
		requests[i].file_index = 1;
	ck_assert(!head_start_is_ahead(&plan, 49, 5000 * MS));
	ck_assert(head_start_is_ahead(&plan, 50, 5000 * MS));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("head_start");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, nothing_to_read_keeps_nobody_waiting);
	tcase_add_test(t, before_anything_is_read_nothing_is_known);
	tcase_add_test(t, what_is_needed_at_once_must_be_there);
	tcase_add_test(t, a_fast_disk_needs_no_start_and_a_slow_one_does);
	tcase_add_test(t, when_all_is_there_it_is_ahead);
	tcase_add_test(t, on_a_disk_in_physical_order_the_first_may_come_last);
	tcase_add_test(t, a_cold_program_is_past_what_it_used_a_while_ago);
	tcase_add_test(t, what_is_far_away_keeps_nobody_waiting);
	suite_add_tcase(s, t);
	return run_suite(s);
}
