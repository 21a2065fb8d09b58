#include "trace/restore_watchdog.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "refuse.h"
#include "support.h"

static cpu_set_t all;   /* the CPUs that there are */
static cpu_set_t one;   /* the first of them */
static cpu_set_t other; /* the second */

static void find_cpus(void)
{
	cpu_set_t *next = &one;

	CPU_ZERO(&one);
	CPU_ZERO(&other);
	CPU_ZERO(&all);
	(void)sched_getaffinity(0, sizeof(all), &all);
	for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&other) == 0; cpu++) {
		if (CPU_ISSET(cpu, &all)) {
			CPU_SET(cpu, next);
			next = &other;
		}
	}
}

static void assert_affinity(pid_t pid, const cpu_set_t *expected)
{
	cpu_set_t now;

	ck_assert_int_eq(sched_getaffinity(pid, sizeof(now), &now), 0);
	ck_assert(CPU_EQUAL(&now, expected));
}

static pid_t fork_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end_sleeper(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* A tracer that lends pid a CPU, and waits to be killed. Returns its watchdog. */
static pid_t fork_tracer(pid_t pid, int without_close_range, pid_t *ret_tracer)
{
	int fds[2];
	pid_t watchdog_pid = 0;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	*ret_tracer = fork();
	if (*ret_tracer == 0) {
		struct restore_watchdog watchdog;

		if (without_close_range && !refuse_call(SYS_close_range, ENOSYS))
			_exit(1);
		if (restore_watchdog_start(&watchdog) < 0)
			_exit(2);
		saved_affinity_lend(watchdog.saved, pid, &all, &one);
		if (write(fds[1], &watchdog.pid, sizeof(watchdog.pid)) != sizeof(watchdog.pid))
			_exit(3);
		for (;;)
			pause();
	}
	ck_assert_int_eq(close(fds[1]), 0);
	ck_assert_int_eq(read(fds[0], &watchdog_pid, sizeof(watchdog_pid)), sizeof(watchdog_pid));
	return watchdog_pid;
}

/* Until it has its name it may be stopped for good. */
static void await_name(pid_t pid)
{
	char path[32];
	char name[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	while (strcmp(name, "restorewatchdog\n") != 0) {
		cleanup_fclose FILE *stream = fopen(path, "r");

		ck_assert_ptr_nonnull(stream);
		if (!fgets(name, sizeof(name), stream))
			name[0] = '\0';
	}
}

enum { AS_IT_IS, WITHOUT_CLOSE_RANGE, STOPPED, N_WORLDS };

/* The test inherits the watchdog then, and so sees its end. */
START_TEST(a_killed_tracers_loan_is_given_back)
{
	int status = 0;
	pid_t tracer;
	pid_t pid = fork_sleeper();

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	pid_t watchdog = fork_tracer(pid, _i == WITHOUT_CLOSE_RANGE, &tracer);

	assert_affinity(pid, &one);
	await_name(watchdog);
	if (_i == STOPPED)
		ck_assert_int_eq(kill(watchdog, SIGSTOP), 0);
	ck_assert_int_eq(kill(tracer, SIGKILL), 0);
	ck_assert_int_eq(waitpid(tracer, NULL, 0), tracer);
	ck_assert_int_eq(waitpid(watchdog, &status, __WALL), watchdog);
	ck_assert_int_eq(status, 0);
	assert_affinity(pid, &all);
	end_sleeper(pid);
}
END_TEST

START_TEST(somebody_elses_change_wins)
{
	struct saved_affinity saved = { 0 };
	pid_t pid = fork_sleeper();

	saved_affinity_lend(&saved, pid, &all, &one);
	ck_assert_int_eq(sched_setaffinity(pid, sizeof(other), &other), 0);
	saved_affinity_restore(&saved);
	assert_affinity(pid, &other);
	ck_assert_int_eq(saved.tid, 0);
	end_sleeper(pid);
}
END_TEST

START_TEST(its_tracer_hears_nothing_of_it)
{
	struct restore_watchdog watchdog;

	ck_assert_int_eq(restore_watchdog_start(&watchdog), 0);
	ck_assert(restore_watchdog_is_alive(&watchdog));
	ck_assert(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
	restore_watchdog_release(&watchdog);
	ck_assert(waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD);
	restore_watchdog_release(&watchdog);
}
END_TEST

START_TEST(a_killed_watchdog_is_noticed)
{
	struct restore_watchdog watchdog;
	pid_t pid = fork_sleeper();

	ck_assert_int_eq(restore_watchdog_start(&watchdog), 0);
	saved_affinity_lend(watchdog.saved, pid, &all, &one);
	ck_assert_int_eq(kill(watchdog.pid, SIGKILL), 0);
	while (restore_watchdog_is_alive(&watchdog))
		usleep(1000);
	restore_watchdog_release(&watchdog);
	assert_affinity(pid, &all);
	ck_assert(!restore_watchdog_is_alive(&watchdog));
	end_sleeper(pid);
}
END_TEST

START_TEST(a_stopped_watchdog_delays_nobody)
{
	struct restore_watchdog watchdog;

	ck_assert_int_eq(restore_watchdog_start(&watchdog), 0);
	ck_assert_int_eq(kill(watchdog.pid, SIGSTOP), 0);
	restore_watchdog_release(&watchdog);
	ck_assert(waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("restore_watchdog");
	TCase *t = tcase_create("core");

	find_cpus();
	if (!can_test(CPU_COUNT(&other) == 1, "anything (needs two CPUs)"))
		return 77;
	tcase_add_loop_test(t, a_killed_tracers_loan_is_given_back, 0, N_WORLDS);
	tcase_add_test(t, somebody_elses_change_wins);
	tcase_add_test(t, its_tracer_hears_nothing_of_it);
	tcase_add_test(t, a_killed_watchdog_is_noticed);
	tcase_add_test(t, a_stopped_watchdog_delays_nobody);
	suite_add_tcase(s, t);
	return run_suite(s);
}
