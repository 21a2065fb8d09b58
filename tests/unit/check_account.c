#include "account.h"

#include "support.h"

/* The nth problem is text; NULL: there is none. */
static void has_problem(const struct account *account, size_t n, const char *text)
{
	char *problem = account_problem(account, "/usr/bin/x", "/shadows", n);

	ck_assert_pstr_eq(problem, text);
	free(problem);
}

START_TEST(a_launch_that_went_well_has_no_problem)
{
	const struct account account = { .record = { .is_exact = true } };

	has_problem(&account, 0, NULL);
}
END_TEST

START_TEST(each_failure_is_a_problem)
{
	struct account account = { .record = { .attach_error = -EPERM } };

	has_problem(&account, 0,
		    "/usr/bin/x: cannot be watched, so nothing is recorded: Operation not permitted "
		    "(ptrace(2) is "
		    "not permitted here)");
	has_problem(&account, 1, NULL);
	account.record.update_error = -ENOSPC;
	has_problem(&account, 1, "/shadows: the shadow was not written: No space left on device");
	has_problem(&account, 2, NULL);
	account.record.attach_error = 0;
	has_problem(&account, 0, "/shadows: the shadow was not written: No space left on device");
	account.record.update_error = -EINPROGRESS;
	has_problem(&account, 0,
		    "/shadows: the shadow is still being written: a file system is slow to answer");
}
END_TEST

START_TEST(the_most_that_training_went_without)
{
	struct account account = { 0 };

	ck_assert_str_eq(account_cut_name(&account), "");
	account.record.cuts = FOLLOW_SKIPPED_KNOWN;
	ck_assert_str_eq(account_cut_name(&account), "");
	account.record.cuts |= FOLLOW_CUT_NAMES;
	ck_assert_str_eq(account_cut_name(&account), "names");
	account.record.cuts |= FOLLOW_CUT_CHILDREN;
	ck_assert_str_eq(account_cut_name(&account), "children");
	account.record.cuts |= FOLLOW_CUT_PROGRAM;
	ck_assert_str_eq(account_cut_name(&account), "program");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("account");
	TCase *t = tcase_create("core");

	tcase_add_test(t, a_launch_that_went_well_has_no_problem);
	tcase_add_test(t, each_failure_is_a_problem);
	tcase_add_test(t, the_most_that_training_went_without);
	suite_add_tcase(s, t);
	return run_suite(s);
}
