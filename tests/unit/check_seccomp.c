/* No coverage: a child that is killed leaves its counters locked. */
#include "sys/seccomp.h"

#include <signal.h>
#include <sys/wait.h>

#include "refuse.h"
#include "support.h"

static bool has_child(void)
{
	return waitpid(-1, NULL, __WALL | WNOHANG) >= 0 || errno != ECHILD;
}

START_TEST(without_a_filter_nobody_kills)
{
	ck_assert(!seccomp_kills());
}
END_TEST

START_TEST(one_that_refuses_does_not_kill)
{
	if (!refuse_call(SYS_openat2, EPERM))
		return;
	ck_assert(!seccomp_kills());
	ck_assert(!has_child());
	if (!refuse_call(SYS_clone3, ENOSYS))
		return;
	ck_assert(!seccomp_kills());
}
END_TEST

static const unsigned int killers[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP };

START_TEST(one_that_kills_is_found_out)
{
	if (!filter_call(SYS_preadv2, killers[_i]))
		return;
	ck_assert(seccomp_kills());
	ck_assert(!has_child());
}
END_TEST

START_TEST(what_the_launcher_does_not_call_may_be_deadly)
{
	if (!filter_call(SYS_kcmp, killers[_i]))
		return;
	ck_assert(!seccomp_kills());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("seccomp");
	TCase *t = tcase_create("core");
	int n_killers = sizeof(killers) / sizeof(killers[0]);

	tcase_add_test(t, without_a_filter_nobody_kills);
	tcase_add_test(t, one_that_refuses_does_not_kill);
	tcase_add_loop_test(t, one_that_kills_is_found_out, 0, n_killers);
	tcase_add_loop_test(t, what_the_launcher_does_not_call_may_be_deadly, 0, n_killers);
	suite_add_tcase(s, t);
	return run_suite(s);
}
