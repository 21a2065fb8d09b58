/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
/* wraps: detach_is_sanitized */
#include "trace/follow.h"

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "sys/procfs.h"
#include "target.h"
#include "unsanitized.h"

static struct follow follow;

static int pass_over(const struct event *event, void *context)
{
	(void)event, (void)context;
	return 0;
}

/* Nobody is detached from because time is over. */
static void attach(const char *name, enum follow_mode mode)
{
	struct follow_options options = { .mode = mode,
					  .window_ms = 60000,
					  .quiet_ms = 60000,
					  .cost = FOLLOW_AT_ANY_COST,
					  .emit = pass_over };

	ck_assert_int_eq(follow_attach(&follow, target_fork(name, NULL), &options), 0);
	target_go();
}

static void set_up(void)
{
	scratch_enter();
}

static void tear_down(void)
{
	follow_release(&follow);
	scratch_leave();
}

static void run_to_good_end(const char *name)
{
	attach(name, FOLLOW_EVERYBODY);
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}

static bool end_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)target_await(pid);
	return true;
}

/* A child that does nothing. False: it may not be traced. */
static bool trace_newborn(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	bool is_traced = ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;

	return end_child(pid) && is_traced;
}

/* Whether the child is heard of before its parent's next call is a matter of luck. */
static int trace_newborns(void)
{
	for (int i = 0; i < 60; i++)
		if (!trace_newborn())
			return 1;
	return TARGET_STATUS;
}

START_TEST(who_has_just_been_born_may_be_traced)
{
	run_to_good_end("trace_newborns");
	ck_assert(follow.was_polite);
}
END_TEST

static int trace_newborns_at_once(void)
{
	enum { N_TRACERS = 3 };
	pid_t pids[N_TRACERS];
	bool are_good = true;

	for (int i = 0; i < N_TRACERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(trace_newborns());
	}
	for (int i = 0; i < N_TRACERS; i++)
		are_good &= target_await(pids[i]) == TARGET_STATUS;
	return are_good ? TARGET_STATUS : 1;
}

START_TEST(several_may_wait_to_trace)
{
	run_to_good_end("trace_newborns_at_once");
}
END_TEST

static int trace_in_namespace(void)
{
	if (unshare(CLONE_NEWPID) < 0)
		return 1;
	pid_t pid = fork();

	if (pid == 0) {
		/* So that the numbers there and outside are no longer the same by chance. */
		for (int i = 0; i < 3; i++)
			if (!trace_newborn())
				_exit(1);
		pid_t sleeper = fork();

		if (sleeper == 0)
			for (;;)
				pause();
		(void)poll(NULL, 0, 50);
		_exit(ptrace(PTRACE_SEIZE, sleeper, 0, 0) == 0 ? TARGET_STATUS : 1);
	}
	return target_await(pid);
}

START_TEST(numbers_are_those_of_the_callers_namespace)
{
	run_to_good_end("trace_in_namespace");
	ck_assert(follow.was_polite);
}
END_TEST

static pid_t thread_tid;

static void *rest(void *barrier)
{
	thread_tid = (pid_t)syscall(SYS_gettid);
	(void)pthread_barrier_wait(barrier);
	for (;;)
		pause();
	return NULL;
}

static bool is_untraced(pid_t tid)
{
	struct procfs_status status;

	return procfs_read_status(tid, &status) == 0 && status.tracer_tid == 0;
}

/* Has a thread, and allows a stranger to trace it. False: it remains traced itself. */
static bool allow_stranger(void)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	(void)pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&thread, NULL, rest, &barrier) != 0)
		return false;
	(void)prctl(PR_SET_PTRACER, 1, 0, 0, 0);
	(void)pthread_barrier_wait(&barrier);
	for (int i = 0; i < 10000 && !(is_untraced(getpid()) && is_untraced(thread_tid)); i++)
		(void)poll(NULL, 0, 1);
	return is_untraced(getpid()) && is_untraced(thread_tid);
}

/* Whether the thread is heard of before its process is detached from is a matter of luck. */
static int allow_strangers(void)
{
	for (int i = 0; i < 150; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(allow_stranger() ? 0 : 1);
		if (target_await(pid) != 0)
			return 1;
	}
	return TARGET_STATUS;
}

START_TEST(a_thread_born_while_its_process_is_detached_from_is_so_too)
{
	run_to_good_end("allow_strangers");
	ck_assert(follow.was_polite);
}
END_TEST

static volatile sig_atomic_t n_alarms;

static void count_alarm(int signal)
{
	(void)signal;
	n_alarms++;
}

/* A handler that works for a while, and then has a child trace its process. */
static void handle_crash(int signal)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct itimerval never = { 0 };
	pid_t parent = getpid();

	(void)signal;
	setitimer(ITIMER_REAL, &often, NULL);
	while (n_alarms < 3)
		pause();
	setitimer(ITIMER_REAL, &never, NULL);
	pid_t child = fork();

	if (child == 0)
		_exit(ptrace(PTRACE_SEIZE, parent, 0, 0) == 0 ? TARGET_STATUS : 1);
	if (target_await(child) == TARGET_STATUS)
		(void)mkdir("traced", 0700);
	syscall(SYS_exit_group, TARGET_STATUS);
}

static int crash(void)
{
	struct sigaction action = { .sa_handler = handle_crash };

	sigaction(SIGSEGV, &action, NULL);
	action.sa_handler = count_alarm;
	sigaction(SIGALRM, &action, NULL);
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	raise(SIGSEGV);
	return 1;
}

START_TEST(a_crash_handler_is_watched_though_other_signals_come)
{
	attach("crash", FOLLOW_PAGES);
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
	ck_assert(follow.was_polite);
	ck_assert_int_eq(access("traced", F_OK), 0);
}
END_TEST

static const struct target targets[] = {
	{ "trace_newborns", trace_newborns },
	{ "trace_newborns_at_once", trace_newborns_at_once },
	{ "trace_in_namespace", trace_in_namespace },
	{ "allow_strangers", allow_strangers },
	{ "crash", crash },
};

int main(int argc, char **argv)
{
	Suite *s = suite_create("follow_polite");
	TCase *t = tcase_create("core");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, who_has_just_been_born_may_be_traced);
	tcase_add_test(t, several_may_wait_to_trace);
	tcase_add_test(t, a_thread_born_while_its_process_is_detached_from_is_so_too);
	tcase_add_test(t, a_crash_handler_is_watched_though_other_signals_come);
	if (can_test(geteuid() == 0, "PID namespaces (needs root)"))
		tcase_add_test(t, numbers_are_those_of_the_callers_namespace);
	suite_add_tcase(s, t);
	return run_suite(s);
}
