#include "prefetch/windows.h"

#include <check.h>

#include "support.h"
#include "sys/page.h"

static struct plan_request requests[32];
static size_t n_requests;
static uint64_t w; /* pages of a window */

static void set_up(void)
{
	w = page_huge_bytes() / page_bytes();
}

static void form(uint64_t n_file_pages, size_t n, const struct plan_request *pages)
{
	ck_assert_uint_le(3 * n, sizeof(requests) / sizeof(requests[0]));
	n_requests = windows_form(pages, n, n_file_pages, requests);
	ck_assert_uint_le(n_requests, 3 * n);
}

#define FORM(n_file_pages, ...)                                                                              \
	form(n_file_pages,                                                                                   \
	     sizeof((const struct plan_request[]){ __VA_ARGS__ }) / sizeof(struct plan_request),             \
	     (const struct plan_request[]){ __VA_ARGS__ })

static struct plan_request pages(uint64_t first_page, uint64_t n_pages, uint32_t first_use_us)
{
	return (struct plan_request){
		.file_index = 3, .first_page = first_page, .n_pages = n_pages, .first_use_us = first_use_us
	};
}

static void assert_request(size_t i, enum plan_how how, uint64_t first_page, uint64_t n_pages,
			   uint32_t first_use_us)
{
	ck_assert_uint_lt(i, n_requests);
	ck_assert_int_eq(requests[i].how, how);
	ck_assert_uint_eq(requests[i].file_index, 3);
	ck_assert_uint_eq(requests[i].first_page, first_page);
	ck_assert_uint_eq(requests[i].n_pages, n_pages);
	ck_assert_uint_eq(requests[i].first_use_us, first_use_us);
}

START_TEST(nothing_gives_nothing)
{
	form(10 * w, 0, requests);
	ck_assert_uint_eq(n_requests, 0);
}
END_TEST

START_TEST(what_is_sparse_stays_as_it_is)
{
	FORM(10 * w, pages(0, 1, 5), pages(w - 1, 2, 6), pages(3 * w - 2, 4, 7));
	ck_assert_uint_eq(n_requests, 3);
	assert_request(0, PLAN_ORDINARY, 0, 1, 5);
	assert_request(1, PLAN_ORDINARY, w - 1, 2, 6);
	assert_request(2, PLAN_ORDINARY, 3 * w - 2, 4, 7);
}
END_TEST

START_TEST(what_is_dense_is_a_window_from_its_first_use)
{
	uint64_t n_least = (w * WINDOWS_MIN_PERCENT + 99) / 100;

	FORM(2 * w, pages(w + 1, 1, 9), pages(w + 4, n_least - 2, 3), pages(2 * w - 1, 1, 8));
	ck_assert_uint_eq(n_requests, 1);
	assert_request(0, PLAN_HUGE, w, w, 3);
	FORM(2 * w, pages(w + 1, 1, 9), pages(w + 4, n_least - 3, 3), pages(2 * w - 1, 1, 8));
	ck_assert_uint_eq(n_requests, 3);
	assert_request(1, PLAN_ORDINARY, w + 4, n_least - 3, 3);
}
END_TEST

START_TEST(a_long_extent_is_cut_at_its_windows)
{
	FORM(10 * w, pages(w - 1, 3 * w + 2, 4), pages(4 * w + 5, 1, 2));
	ck_assert_uint_eq(n_requests, 4);
	assert_request(0, PLAN_ORDINARY, w - 1, 1, 4);
	assert_request(1, PLAN_HUGE, w, 3 * w, 4);
	assert_request(2, PLAN_ORDINARY, 4 * w, 1, 4);
	assert_request(3, PLAN_ORDINARY, 4 * w + 5, 1, 2);
}
END_TEST

START_TEST(windows_side_by_side)
{
	/* Each has its own time; the extent in the middle has a part in both. */
	FORM(10 * w, pages(0, w / 2, 8), pages(w / 2, w, 5), pages(3 * w / 2, w / 2, 2));
	ck_assert_uint_eq(n_requests, 2);
	assert_request(0, PLAN_HUGE, 0, w, 5);
	assert_request(1, PLAN_HUGE, w, w, 2);
}
END_TEST

START_TEST(the_short_end_of_a_file_is_none)
{
	FORM(w + 100, pages(0, w + 100, 1));
	ck_assert_uint_eq(n_requests, 2);
	assert_request(0, PLAN_HUGE, 0, w, 1);
	assert_request(1, PLAN_ORDINARY, w, 100, 1);
	FORM(w - 1, pages(0, w - 1, 1));
	ck_assert_uint_eq(n_requests, 1);
	assert_request(0, PLAN_ORDINARY, 0, w - 1, 1);
}
END_TEST

START_TEST(length_costs_nothing)
{
	FORM(BITMAP_MAX_PAGES, pages(1, BITMAP_MAX_PAGES - 1, 1));
	ck_assert_uint_eq(n_requests, 1);
	assert_request(0, PLAN_HUGE, 0, BITMAP_MAX_PAGES, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("windows");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, nothing_gives_nothing);
	tcase_add_test(t, what_is_sparse_stays_as_it_is);
	tcase_add_test(t, what_is_dense_is_a_window_from_its_first_use);
	tcase_add_test(t, a_long_extent_is_cut_at_its_windows);
	tcase_add_test(t, windows_side_by_side);
	tcase_add_test(t, the_short_end_of_a_file_is_none);
	tcase_add_test(t, length_costs_nothing);
	suite_add_tcase(s, t);
	return run_suite(s);
}
