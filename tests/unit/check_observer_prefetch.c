/* wraps: readahead_budget_pages */
#include "observer_private.h"

#include "support.h"

enum { SMALL = 1024, WITH_GAPS = 4 * SMALL, FREE = 10000 };

static unsigned int n_asked;

uint64_t __wrap_readahead_budget_pages(void);

uint64_t __wrap_readahead_budget_pages(void)
{
	n_asked++;
	return FREE;
}

/* What may be read of two files that have so many pages together. */
static uint64_t budget(uint64_t n_wanted, uint64_t n_taken)
{
	cleanup_with(pageset_release) struct pageset wanted = { 0 };
	struct pageset_file *file = NULL;

	n_asked = 0;
	ck_assert_int_eq(pageset_add(&wanted, "/a", 0, &file), 0);
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ 0, n_wanted - 1, 0, 0 }), 0);
	ck_assert_int_eq(pageset_add(&wanted, "/b", 0, &file), 0);
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ 0, 1, 0, 0 }), 0);
	return launch_budget_pages(&wanted, n_taken);
}

START_TEST(for_little_nobody_asks_how_much_memory_there_is)
{
	ck_assert_uint_eq(budget(SMALL, 0), WITH_GAPS);
	ck_assert_uint_eq(budget(SMALL, 2 * FREE), WITH_GAPS);
	ck_assert_uint_eq(n_asked, 0);
}
END_TEST

START_TEST(more_has_to_find_room_beside_what_is_read_already)
{
	ck_assert_uint_eq(budget(SMALL + 1, 0), FREE);
	ck_assert_uint_eq(n_asked, 1);
	ck_assert_uint_eq(budget(SMALL + 1, FREE - 1), 1);
	ck_assert_uint_eq(budget(SMALL + 1, FREE), 0);
	ck_assert_uint_eq(budget(SMALL + 1, FREE + 1), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("observer_prefetch");
	TCase *t = tcase_create("budget");

	tcase_add_test(t, for_little_nobody_asks_how_much_memory_there_is);
	tcase_add_test(t, more_has_to_find_room_beside_what_is_read_already);
	suite_add_tcase(s, t);
	return run_suite(s);
}
