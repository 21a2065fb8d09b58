#include "prefetch/metadata.h"

#include "support.h"

static int fetch(const char *name, unsigned int access)
{
	return metadata_fetch(scratch_path(name), (uint8_t)access);
}

START_TEST(what_was_looked_up_is_looked_up)
{
	write_file("file", "", 0, 0600);
	ck_assert_int_eq(fetch("file", PAGESET_STATED), 0);
	ck_assert_int_eq(fetch("gone", PAGESET_STATED), -ENOENT);
	ck_assert_int_eq(fetch("file/below", PAGESET_OPENED), -ENOTDIR);
}
END_TEST

START_TEST(what_was_missing_may_be_missing)
{
	ck_assert_int_eq(fetch("gone", PAGESET_MISSING | PAGESET_STATED), 0);
	write_file("gone", "", 0, 0600);
	ck_assert_int_eq(fetch("gone", PAGESET_MISSING | PAGESET_STATED), 0);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	ck_assert_int_eq(symlink("nowhere", "link"), 0);
	ck_assert_int_eq(fetch("link", PAGESET_STATED), 0);
}
END_TEST

START_TEST(a_directory_that_was_listed_is_listed)
{
	ck_assert_int_eq(mkdir("directory", 0700), 0);
	write_file("directory/entry", "", 0, 0600);
	ck_assert_int_eq(fetch("directory", PAGESET_LISTED), 0);
	ck_assert_int_eq(fetch("gone", PAGESET_LISTED), -ENOENT);
}
END_TEST

/* A FIFO that nobody writes to would be waited for. */
START_TEST(what_became_something_else_is_not_opened)
{
	write_file("file", "", 0, 0600);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(fetch("file", PAGESET_LISTED), -ENOTDIR);
	ck_assert_int_eq(fetch("fifo", PAGESET_LISTED), -ENOTDIR);
	ck_assert_int_eq(fetch("fifo", PAGESET_OPENED), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metadata");
	TCase *core = tcase_create("core");

	tcase_add_checked_fixture(core, scratch_enter, scratch_leave);
	tcase_add_test(core, what_was_looked_up_is_looked_up);
	tcase_add_test(core, what_was_missing_may_be_missing);
	tcase_add_test(core, a_link_is_not_followed);
	tcase_add_test(core, a_directory_that_was_listed_is_listed);
	tcase_add_test(core, what_became_something_else_is_not_opened);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
