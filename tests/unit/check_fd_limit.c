#include "sys/fd_limit.h"

#include <sys/resource.h>

#include "support.h"

static void set_limit(rlim_t n)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(the_limit_is_that_of_the_process)
{
	set_limit(64);
	ck_assert_uint_eq(fd_limit_get(), 64);
	set_limit(128);
	ck_assert_uint_eq(fd_limit_get(), 128);
}
END_TEST

START_TEST(a_wider_table_has_nothing_more_in_it)
{
	size_t n_open = count_entries("/proc/self/fd");

	set_limit(1024);
	ck_assert_uint_lt(fd_table_size(), 600);
	fd_limit_widen(600);
	ck_assert_uint_ge(fd_table_size(), 600);
	ck_assert_uint_eq(count_entries("/proc/self/fd"), n_open);
}
END_TEST

START_TEST(more_than_the_limit_changes_nothing)
{
	size_t n_open = count_entries("/proc/self/fd");
	unsigned long size = fd_table_size();

	set_limit(256);
	fd_limit_widen(5000);
	ck_assert_uint_eq(fd_table_size(), size);
	ck_assert_uint_eq(count_entries("/proc/self/fd"), n_open);
	fd_limit_widen(SIZE_MAX);
	ck_assert_uint_eq(fd_table_size(), size);
}
END_TEST

START_TEST(no_descriptor_to_be_had_is_no_failure)
{
	size_t n_open = count_entries("/proc/self/fd");

	set_limit(0);
	fd_limit_widen(10);
	set_limit(256);
	ck_assert_uint_eq(count_entries("/proc/self/fd"), n_open);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd_limit");
	TCase *core = tcase_create("core");

	tcase_add_test(core, the_limit_is_that_of_the_process);
	tcase_add_test(core, a_wider_table_has_nothing_more_in_it);
	tcase_add_test(core, more_than_the_limit_changes_nothing);
	tcase_add_test(core, no_descriptor_to_be_had_is_no_failure);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
