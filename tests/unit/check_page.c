#include "sys/page.h"

#include <sys/mman.h>

#include "support.h"

START_TEST(a_page_is_what_the_kernel_maps)
{
	char *map = mmap(NULL, 2 * page_bytes(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(munmap(map + 1, 1), -1);
	ck_assert_int_eq(munmap(map + page_bytes() / 2, 1), -1);
	ck_assert_int_eq(munmap(map + page_bytes(), page_bytes()), 0);
	ck_assert_int_eq(munmap(map, page_bytes()), 0);
}
END_TEST

START_TEST(the_shift_makes_bytes_of_pages)
{
	ck_assert_uint_eq(UINT64_C(1) << page_shift(), page_bytes());
}
END_TEST

START_TEST(a_page_counts_if_a_byte_is_in_it)
{
	ck_assert_uint_eq(page_count(0), 0);
	ck_assert_uint_eq(page_count(1), 1);
	ck_assert_uint_eq(page_count(page_bytes()), 1);
	ck_assert_uint_eq(page_count(page_bytes() + 1), 2);
	ck_assert_uint_eq(page_count(UINT64_MAX), UINT64_MAX / page_bytes() + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page");
	TCase *core = tcase_create("core");

	tcase_add_test(core, a_page_is_what_the_kernel_maps);
	tcase_add_test(core, the_shift_makes_bytes_of_pages);
	tcase_add_test(core, a_page_counts_if_a_byte_is_in_it);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
