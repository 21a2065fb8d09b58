#include "trace/onecpu.h"

#include <signal.h>
#include <sys/wait.h>

#include "support.h"

/* A child that does nothing stands for a tracee: to resume it has no effect. */
static struct onecpu onecpu;
static struct tracer tracer = { .with_syscalls = true };
static struct tracee_stop stop = { .event = TRACEE_SYSCALL };
static cpu_set_t before;

static void set_up(void)
{
	ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	onecpu_init(&onecpu);
	stop.tid = fork();
	ck_assert_int_ge(stop.tid, 0);
	if (stop.tid == 0)
		for (;;)
			pause();
}

static void tear_down(void)
{
	onecpu_release(&onecpu);
	kill(stop.tid, SIGKILL);
	ck_assert_int_eq(waitpid(stop.tid, NULL, 0), stop.tid);
}

static int n_cpus_of(pid_t tid)
{
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(tid, sizeof(set), &set), 0);
	return CPU_COUNT(&set);
}

static void assert_as_before(pid_t tid)
{
	cpu_set_t now;

	ck_assert_int_eq(sched_getaffinity(tid, sizeof(now), &now), 0);
	ck_assert(CPU_EQUAL(&now, &before));
}

static void stops(int n, enum onecpu_company company, enum onecpu_affinity affinity)
{
	for (int i = 0; i < n; i++) {
		onecpu_note_stop(&onecpu, stop.tid, affinity);
		onecpu_resume(&onecpu, &tracer, &stop, company, affinity);
	}
}

static void bind_it(void)
{
	stops(10, ONECPU_RUNS_ALONE, ONECPU_AFFINITY_IS_HIDDEN);
	ck_assert_int_eq(n_cpus_of(stop.tid), 1);
	ck_assert_int_eq(n_cpus_of(0), 1);
}

START_TEST(who_runs_alone_is_bound)
{
	stops(3, ONECPU_RUNS_ALONE, ONECPU_AFFINITY_IS_HIDDEN);
	assert_as_before(stop.tid);
	bind_it();
}
END_TEST

START_TEST(who_may_ask_for_an_affinity_has_its_own)
{
	bind_it();
	stops(1, ONECPU_RUNS_ALONE, ONECPU_AFFINITY_MATTERS);
	assert_as_before(stop.tid);
	stops(1, ONECPU_RUNS_ALONE, ONECPU_AFFINITY_IS_HIDDEN);
	ck_assert_int_eq(n_cpus_of(stop.tid), 1);
}
END_TEST

START_TEST(in_company_both_are_free)
{
	bind_it();
	onecpu_note_stop(&onecpu, getpid(), ONECPU_AFFINITY_IS_HIDDEN); /* of another one */
	assert_as_before(stop.tid);
	stops(1, ONECPU_IN_COMPANY, ONECPU_AFFINITY_IS_HIDDEN);
	assert_as_before(stop.tid);
	assert_as_before(0);
}
END_TEST

START_TEST(both_are_free_after_a_while_and_in_the_end)
{
	bind_it();
	if (_i == 0)
		onecpu_reconsider(&onecpu);
	else
		onecpu_release(&onecpu);
	assert_as_before(stop.tid);
}
END_TEST

START_TEST(somebody_elses_affinity_is_kept)
{
	cpu_set_t theirs, now;

	bind_it();
	ck_assert_int_eq(sched_getaffinity(stop.tid, sizeof(theirs), &theirs), 0);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &before) && !CPU_ISSET(cpu, &theirs)) {
			CPU_ZERO(&theirs);
			CPU_SET(cpu, &theirs);
			break;
		}
	}
	ck_assert_int_eq(sched_setaffinity(stop.tid, sizeof(theirs), &theirs), 0);
	onecpu_reconsider(&onecpu);
	ck_assert_int_eq(sched_getaffinity(stop.tid, sizeof(now), &now), 0);
	ck_assert(CPU_EQUAL(&now, &theirs));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("onecpu");
	TCase *t = tcase_create("core");
	cpu_set_t set;

	if (!can_test(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1,
		      "anything (needs two CPUs)"))
		return 77;
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, who_runs_alone_is_bound);
	tcase_add_test(t, who_may_ask_for_an_affinity_has_its_own);
	tcase_add_test(t, in_company_both_are_free);
	tcase_add_loop_test(t, both_are_free_after_a_while_and_in_the_end, 0, 2);
	tcase_add_test(t, somebody_elses_affinity_is_kept);
	suite_add_tcase(s, t);
	return run_suite(s);
}
