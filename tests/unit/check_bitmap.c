#include <check.h>
#include <stdlib.h>

#include "bitmap.h"
#include "support.h"

#define LAST_PAGE (BITMAP_MAX_PAGES - 1)

static void set(struct bitmap *map, uint64_t first_page, uint64_t n_pages)
{
	ck_assert_int_eq(bitmap_set_run(map, (struct page_run){ first_page, n_pages }), 0);
}

static uint64_t count(const struct bitmap *map)
{
	uint64_t n = 0;

	for (struct page_run run = { 0 }; bitmap_next_run(map, run.first_page + run.n_pages, &run);)
		n += run.n_pages;
	return n;
}

static void assert_run(const struct bitmap *map, uint64_t from, uint64_t first, uint64_t n_pages)
{
	struct page_run run;

	ck_assert(bitmap_next_run(map, from, &run));
	ck_assert_uint_eq(run.first_page, first);
	ck_assert_uint_eq(run.n_pages, n_pages);
}

static void assert_gap(const struct bitmap *map, uint64_t from, uint64_t end, uint64_t first,
		       uint64_t n_pages)
{
	struct page_run gap;

	ck_assert(bitmap_next_gap(map, from, end, &gap));
	ck_assert_uint_eq(gap.first_page, first);
	ck_assert_uint_eq(gap.n_pages, n_pages);
}

START_TEST(empty_map_has_nothing)
{
	struct bitmap map = { 0 };
	struct page_run run = { 1, 2 };

	ck_assert(!bitmap_has(&map, 0));
	ck_assert(!bitmap_next_gap(&map, 5, 5, &run));
	ck_assert_uint_eq(run.first_page, 1);
	ck_assert_uint_eq(run.n_pages, 2);
	assert_gap(&map, 3, 10, 3, 7);
	ck_assert_uint_eq(count(&map), 0);
	bitmap_release(&map);
}
END_TEST

START_TEST(runs_are_found)
{
	cleanup_with(bitmap_release) struct bitmap map = { 0 };
	struct page_run run;

	set(&map, 60, 10);    /* over a word's end */
	set(&map, 4000, 200); /* over a leaf's end */
	set(&map, 1000000, 1);
	ck_assert_uint_eq(count(&map), 211);
	assert_run(&map, 0, 60, 10);
	assert_run(&map, 63, 63, 7);
	assert_run(&map, 70, 4000, 200);
	assert_run(&map, 4200, 1000000, 1);
	ck_assert(!bitmap_next_run(&map, 1000001, &run));
	ck_assert(!bitmap_has(&map, UINT64_MAX));
	ck_assert(bitmap_has(&map, 4199) && !bitmap_has(&map, 4200));
}
END_TEST

START_TEST(gaps_are_found)
{
	cleanup_with(bitmap_release) struct bitmap map = { 0 };
	struct page_run gap;

	set(&map, 0, 64);
	set(&map, 5000, 10000);
	assert_gap(&map, 0, 100000, 64, 4936);
	assert_gap(&map, 100, 200, 100, 100);
	assert_gap(&map, 5000, 100000, 15000, 85000);
	ck_assert(!bitmap_next_gap(&map, 5000, 15000, &gap));
	ck_assert(!bitmap_next_gap(&map, 20, 10, &gap));
}
END_TEST

START_TEST(last_page_is_the_limit)
{
	cleanup_with(bitmap_release) struct bitmap map = { 0 };

	set(&map, LAST_PAGE, 1);
	assert_run(&map, 0, LAST_PAGE, 1);
	assert_gap(&map, 1, BITMAP_MAX_PAGES, 1, LAST_PAGE - 1);
	set(&map, BITMAP_MAX_PAGES, 0);
	ck_assert_int_eq(bitmap_set_run(&map, (struct page_run){ LAST_PAGE, 2 }), -ERANGE);
	ck_assert_int_eq(bitmap_set_run(&map, (struct page_run){ UINT64_MAX, 2 }), -ERANGE);
	ck_assert_int_eq(bitmap_set_run(&map, (struct page_run){ 1, UINT64_MAX }), -ERANGE);
	ck_assert_uint_eq(count(&map), 1);
}
END_TEST

START_TEST(setting_twice_changes_nothing)
{
	cleanup_with(bitmap_release) struct bitmap map = { 0 };

	set(&map, 0, 64);
	set(&map, 32, 64);
	set(&map, 0, 96);
	ck_assert_uint_eq(count(&map), 96);
}
END_TEST

#define N_PAGES 10000

static void fill_randomly(struct bitmap *map, bool is_set[static N_PAGES])
{
	for (int i = 0; i < 60; i++) {
		const uint64_t first = (uint64_t)rand() % N_PAGES;
		uint64_t n_pages = 1 + (uint64_t)rand() % 150;

		if (n_pages > N_PAGES - first)
			n_pages = N_PAGES - first;
		set(map, first, n_pages);
		for (uint64_t page = first; page < first + n_pages; page++)
			is_set[page] = true;
	}
}

static void assert_same(const struct bitmap *map, const bool is_set[static N_PAGES])
{
	uint64_t n_set = 0;
	uint64_t n_in_runs = 0;

	for (uint64_t page = 0; page < N_PAGES; page++) {
		ck_assert_int_eq(bitmap_has(map, page), is_set[page]);
		n_set += is_set[page];
	}
	for (struct page_run run = { 0 }; bitmap_next_run(map, run.first_page + run.n_pages, &run);) {
		const uint64_t end = run.first_page + run.n_pages;

		ck_assert(run.first_page == 0 || !is_set[run.first_page - 1]);
		ck_assert(end == N_PAGES || !is_set[end]);
		n_in_runs += run.n_pages;
	}
	ck_assert_uint_eq(n_in_runs, n_set);
	ck_assert_uint_eq(count(map), n_set);
}

START_TEST(agrees_with_an_array)
{
	cleanup_with(bitmap_release) struct bitmap a = { 0 };
	static bool in_a[N_PAGES];

	srand((unsigned int)_i);
	fill_randomly(&a, in_a);
	assert_same(&a, in_a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bitmap");
	TCase *t = tcase_create("core");

	tcase_add_test(t, empty_map_has_nothing);
	tcase_add_test(t, runs_are_found);
	tcase_add_test(t, gaps_are_found);
	tcase_add_test(t, last_page_is_the_limit);
	tcase_add_test(t, setting_twice_changes_nothing);
	tcase_add_loop_test(t, agrees_with_an_array, 0, 20);
	suite_add_tcase(s, t);

	return run_suite(s);
}
