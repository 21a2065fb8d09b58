/* check_far_wait.c - whom a signal does not reach */
#include "sys/far_wait.h"

#include <signal.h>

#include "support.h"

#define SIGNALS(pending, shared, blocked, ignored, caught)                                                   \
	"SigPnd:\t" pending "\nShdPnd:\t" shared "\nSigBlk:\t" blocked "\nSigIgn:\t" ignored                 \
	"\nSigCgt:\t" caught "\nvoluntary_ctxt_switches:\t7\n"
#define NONE "0000000000000000"
#define TERM "0000000000004000"
#define QUIT "0000000000000004"
#define CHLD "0000000000010000"
#define WAITING "Name:\tcat\nState:\tD (disk sleep)\n"

START_TEST(a_signal_that_waits_is_found)
{
	ck_assert_int_eq(far_wait_fatal_signal(WAITING SIGNALS(TERM, NONE, NONE, NONE, NONE)), SIGTERM);
	ck_assert_int_eq(far_wait_fatal_signal(WAITING SIGNALS(NONE, TERM, NONE, NONE, CHLD)), SIGTERM);
	/* Nobody sent one; or it does not end the process. */
	ck_assert_int_eq(far_wait_fatal_signal(WAITING SIGNALS(NONE, NONE, NONE, NONE, NONE)), 0);
	ck_assert_int_eq(far_wait_fatal_signal(WAITING SIGNALS(NONE, TERM, TERM, NONE, NONE)), 0);
	ck_assert_int_eq(far_wait_fatal_signal(WAITING SIGNALS(NONE, TERM, NONE, TERM, NONE)), 0);
	ck_assert_int_eq(far_wait_fatal_signal(WAITING SIGNALS(NONE, TERM, NONE, NONE, TERM)), 0);
	ck_assert_int_eq(far_wait_fatal_signal(WAITING SIGNALS(CHLD, QUIT, NONE, NONE, NONE)), 0);
	/* Who can be woken gets it. */
	ck_assert_int_eq(far_wait_fatal_signal(
				 "Name:\tcat\nState:\tS (sleeping)\n" SIGNALS(TERM, NONE, NONE, NONE, NONE)),
			 0);
	ck_assert_int_eq(far_wait_fatal_signal(""), 0);
	ck_assert_int_eq(far_wait_fatal_signal("\nState:\tD\nSigPnd:"), 0);
}
END_TEST

START_TEST(functions_of_far_file_systems_are_known)
{
	ck_assert(far_wait_is_function("fuse_get_req"));
	ck_assert(far_wait_is_function("request_wait_answer"));
	ck_assert(far_wait_is_function("rpc_wait_bit_killable"));
	ck_assert(!far_wait_is_function("folio_wait_bit_common"));
	ck_assert(!far_wait_is_function("0"));
	ck_assert(!far_wait_is_function(""));
}
END_TEST

START_TEST(who_waits_for_nothing_far_is_in_no_wait)
{
	struct far_wait wait = { .began_ns = 1, .n_switches = 2 };

	ck_assert_uint_eq(far_wait_look(&wait, getpid()), 0);
	ck_assert_uint_eq(wait.began_ns, 0);
	/* And is let alone. */
	far_wait_make_good(getpid());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("far_wait");
	TCase *core = tcase_create("core");

	tcase_add_test(core, a_signal_that_waits_is_found);
	tcase_add_test(core, functions_of_far_file_systems_are_known);
	tcase_add_test(core, who_waits_for_nothing_far_is_in_no_wait);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
