/* check_far_mounts.c - who is asked, and by whom. What does not answer: tests/cli/hung.bats. */
#include "sys/far_mounts.h"

#include <sys/wait.h>

#include "support.h"

START_TEST(an_answer_is_an_answer)
{
	ck_assert(far_mounts_ask("/", 10000));
	ck_assert(far_mounts_ask("/proc/self", 10000));
	ck_assert(far_mounts_ask("/no/such/directory", 10000));
	/* Nobody is left. */
	ck_assert_int_eq(waitpid(-1, NULL, __WALL | WNOHANG), -1);
}
END_TEST

START_TEST(who_does_not_answer_is_killed_and_asked_again)
{
	struct far_mounts *far_mounts = far_mounts_new();
	char path[] = "/far/file";

	ck_assert(far_mounts);
	mounts_release(&far_mounts->mounts);
	const char text[] = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 0:9 / /far rw - nfs4 server:/ rw\n";

	ck_assert_int_eq(mounts_parse(text, sizeof(text) - 1, &far_mounts->mounts), 0);
	/* There is no such directory: that is an answer. */
	ck_assert(far_mounts_answer(far_mounts, path));
	ck_assert(far_mounts_answer_beyond(far_mounts, path));
	ck_assert(far_mounts_answer(far_mounts, "/near"));
	far_mounts_ask_again(far_mounts);
	ck_assert(far_mounts_answer(far_mounts, path));
	far_mounts_free(far_mounts);
	/* No time at all is too little for a process to begin and end: it is killed. On a busy machine its
	 * end may come later than it is waited for. */
	(void)far_mounts_ask("/", 0);
	(void)waitpid(-1, NULL, __WALL);
	ck_assert_int_eq(waitpid(-1, NULL, __WALL | WNOHANG), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("far_mounts");
	TCase *core = tcase_create("core");

	tcase_add_test(core, an_answer_is_an_answer);
	tcase_add_test(core, who_does_not_answer_is_killed_and_asked_again);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
