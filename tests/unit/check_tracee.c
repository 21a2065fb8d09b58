/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
#include "trace/tracee.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "target.h"

/* A number by which a test knows a call of its target. */
#define MARK 0x1234u

static struct tracer tracer;

static volatile sig_atomic_t n_signals;

static void count_signal(int signal)
{
	(void)signal;
	n_signals++;
}

static bool is_blocked(int signal)
{
	sigset_t mask;

	return sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, signal);
}

static void block_usr1(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

/* The targets. */
static int end(void)
{
	return TARGET_STATUS;
}

static int call_marked(void)
{
	return syscall(SYS_dup, MARK) == -1 && errno == EBADF ? TARGET_STATUS : 1;
}

/* SIGUSR1 was blocked before the exec, and sent since. */
static int take_signal(void)
{
	sigset_t mask;

	if (!is_blocked(SIGUSR1) || is_blocked(SIGUSR2))
		return 2;
	signal(SIGUSR1, count_signal);
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return n_signals == 1 ? TARGET_STATUS : 3;
}

static int fork_and_take_signal(void)
{
	signal(SIGUSR1, count_signal);
	pid_t pid = fork();

	if (pid == 0) {
		while (n_signals == 0)
			;
		_exit(is_blocked(SIGUSR1) ? 4 : TARGET_STATUS);
	}
	return target_await(pid);
}

static void *exec_from_thread(void *name)
{
	target_exec(name);
	return NULL;
}

static int exec_in_thread(void)
{
	char name[] = "call_marked";
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_from_thread, name) != 0)
		return 1;
	for (;;)
		pause();
}

static int fork_once(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(TARGET_STATUS);
	return target_await(pid);
}

static int kill_itself(void)
{
	raise(SIGKILL);
	return 1;
}

/* The 32-bit call of the same machine. */
static int call_foreign(void)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	return result == getpid() ? TARGET_STATUS : 1;
#else
	return 1;
#endif
}

static const struct target targets[] = {
	{ "end", end },
	{ "call_marked", call_marked },
	{ "take_signal", take_signal },
	{ "fork_and_take_signal", fork_and_take_signal },
	{ "exec_in_thread", exec_in_thread },
	{ "fork_once", fork_once },
	{ "kill_itself", kill_itself },
	{ "call_foreign", call_foreign },
};

static struct tracee_stop wait_for_stop(void)
{
	struct tracee_stop stop;

	do
		ck_assert_int_eq(tracee_wait(&tracer, &stop), 0);
	while (stop.event == TRACEE_NOTHING);
	if (stop.event == TRACEE_SYSCALL)
		tracee_read_syscall(&stop);
	return stop;
}

/* Everything is let run until a stop of this kind. */
static struct tracee_stop run_to(enum tracee_event event)
{
	struct tracee_stop stop = wait_for_stop();

	while (stop.event != event) {
		ck_assert_int_ne(stop.event, TRACEE_NONE_LEFT);
		tracee_resume(&tracer, &stop);
		stop = wait_for_stop();
	}
	return stop;
}

/* Runs on from stop to the end of everybody. False: nobody saw pid before its exit. */
static bool run_to_any_end(struct tracee_stop stop, pid_t pid, int wait_status)
{
	bool has_exited = false;

	for (; stop.event != TRACEE_NONE_LEFT; stop = wait_for_stop()) {
		if (stop.event == TRACEE_EXITING && stop.tid == pid) {
			ck_assert_int_eq(stop.wait_status, wait_status);
			has_exited = true;
		}
		if (stop.event != TRACEE_GONE)
			tracee_resume(&tracer, &stop);
	}
	return has_exited;
}

static void run_to_end(struct tracee_stop stop, pid_t pid, int wait_status)
{
	ck_assert(run_to_any_end(stop, pid, wait_status));
}

static pid_t start(const char *name, void (*prepare)(void))
{
	pid_t pid = target_fork(name, prepare);

	ck_assert_int_eq(tracee_seize(&tracer, pid), 0);
	target_go();
	return pid;
}

static struct tracee_stop start_to_exec(const char *name, void (*prepare)(void))
{
	pid_t pid = start(name, prepare);
	struct tracee_stop stop = run_to(TRACEE_EXECED);

	ck_assert_int_eq(stop.tid, pid);
	return stop;
}

static const int good_end = TARGET_STATUS << 8;

START_TEST(follows_a_program)
{
	unsigned int n_entries = 0;
	bool is_marked = false;

	tracer.with_syscalls = true;
	struct tracee_stop stop = start_to_exec("call_marked", NULL);
	pid_t pid = stop.tid;

	for (; stop.event != TRACEE_EXITING; stop = wait_for_stop()) {
		if (stop.event == TRACEE_SYSCALL_ENTRY) {
			n_entries++;
			ck_assert(stop.is_native);
			is_marked = stop.nr == SYS_dup && stop.args[0] == MARK;
		} else if (stop.event == TRACEE_SYSCALL_EXIT && is_marked) {
			ck_assert_int_eq(stop.result, -EBADF);
			n_entries = 1000;
			is_marked = false;
		}
		tracee_resume(&tracer, &stop);
	}
	ck_assert_uint_gt(n_entries, 1000);
	run_to_end(stop, pid, good_end);
}
END_TEST

START_TEST(follows_without_system_calls)
{
	struct tracee_stop stop = start_to_exec("call_marked", NULL);
	pid_t pid = stop.tid;

	tracee_resume(&tracer, &stop);
	stop = wait_for_stop();
	ck_assert_int_eq(stop.event, TRACEE_EXITING);
	run_to_end(stop, pid, good_end);
}
END_TEST

START_TEST(tells_how_it_ends)
{
	struct tracee_stop stop = start_to_exec("kill_itself", NULL);

	run_to_end(stop, stop.tid, SIGKILL);
}
END_TEST

START_TEST(children_come_along_or_not)
{
	unsigned int n_exits = 0;

	tracer.with_children = _i;
	start("fork_once", NULL);
	for (struct tracee_stop stop = wait_for_stop(); stop.event != TRACEE_NONE_LEFT;
	     stop = wait_for_stop()) {
		n_exits += stop.event == TRACEE_EXITING;
		if (stop.event != TRACEE_GONE)
			tracee_resume(&tracer, &stop);
	}
	ck_assert_uint_eq(n_exits, _i ? 2 : 1);
}
END_TEST

START_TEST(a_threads_exec_is_the_leaders)
{
	tracer.with_children = true;
	struct tracee_stop stop = start_to_exec("exec_in_thread", NULL);
	pid_t pid = stop.tid;

	tracee_resume(&tracer, &stop);
	stop = run_to(TRACEE_EXECED);
	ck_assert_int_eq(stop.tid, pid);
	ck_assert_int_gt(stop.former_tid, 0);
	ck_assert_int_ne(stop.former_tid, pid);
	run_to_end(stop, pid, good_end);
}
END_TEST

START_TEST(whoever_is_traced_or_gone_cannot_be_seized)
{
	pid_t pid = start("end", NULL);

	ck_assert_int_eq(tracee_seize(&tracer, pid), -EPERM);
	struct tracee_stop stop = run_to(TRACEE_EXITING);

	run_to_end(stop, pid, good_end);
	ck_assert_int_eq(tracee_seize(&tracer, pid), -ESRCH);
}
END_TEST

START_TEST(foreign_calls_are_told_apart)
{
	unsigned int n_foreign = 0;

	tracer.with_syscalls = true;
	struct tracee_stop stop = start_to_exec("call_foreign", NULL);
	pid_t pid = stop.tid;

	for (; stop.event != TRACEE_EXITING; stop = wait_for_stop()) {
		n_foreign += stop.event == TRACEE_SYSCALL_ENTRY && !stop.is_native;
		tracee_resume(&tracer, &stop);
	}
	ck_assert_uint_eq(n_foreign, 1);
	run_to_end(stop, pid, good_end);
}
END_TEST

/* What a test wants to be called, and does meanwhile. */
struct calls {
	pid_t tid;
	int n_calls; /* as many as there are to be */
	int signal;  /* sent before each call, if not 0 */
	int n_done;
	int64_t result;
};

static bool call_getpid(int64_t result, struct tracee_call *ret_call, void *context)
{
	struct calls *calls = context;

	if (calls->n_done > 0)
		ck_assert_int_eq(result, calls->tid);
	calls->result = result;
	if (calls->n_done == calls->n_calls)
		return false;
	calls->n_done++;
	if (calls->signal)
		ck_assert_int_eq(kill(calls->tid, calls->signal), 0);
	*ret_call = (struct tracee_call){ .nr = SYS_getpid };
	return true;
}

static struct calls inject(struct tracee_stop *stop, int signal)
{
	struct calls calls = { .tid = stop->tid, .n_calls = 2, .signal = signal };

	ck_assert_int_eq(tracee_inject(stop, call_getpid, &calls), 0);
	ck_assert_int_eq(calls.n_done, 2);
	ck_assert_int_eq(calls.result, stop->tid);
	return calls;
}

START_TEST(calls_of_ours_are_not_noticed)
{
	tracer.with_syscalls = _i;
	struct tracee_stop stop = start_to_exec("call_marked", NULL);
	pid_t pid = stop.tid;

	inject(&stop, 0);
	ck_assert_int_eq(stop.event, TRACEE_EXECED);
	run_to_end(stop, pid, good_end);
}
END_TEST

static bool call_badly(int64_t result, struct tracee_call *ret_call, void *context)
{
	int64_t *first_result = context;

	*first_result = result;
	*ret_call = (struct tracee_call){ .nr = SYS_dup, .args = { MARK } };
	return result == 0;
}

START_TEST(a_call_of_ours_may_fail)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	int64_t result = 0;

	ck_assert_int_eq(tracee_inject(&stop, call_badly, &result), 0);
	ck_assert_int_eq(result, -EBADF);
	run_to_end(stop, pid, good_end);
}
END_TEST

static void on_tick(int signal)
{
	(void)signal;
}

/* A timer of the tracer's own interrupts it all the time. */
START_TEST(calls_of_ours_bear_ticks)
{
	struct sigaction action = { .sa_handler = on_tick };
	struct itimerval tick = { .it_interval = { .tv_usec = 50 }, .it_value = { .tv_usec = 50 } };
	struct itimerval never = { 0 };
	struct tracee_stop stop = start_to_exec("end", NULL);
	struct calls calls = { .tid = stop.tid, .n_calls = 1000 };
	pid_t pid = stop.tid;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	ck_assert_int_eq(tracee_inject(&stop, call_getpid, &calls), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert_int_eq(calls.n_done, 1000);
	run_to_end(stop, pid, good_end);
}
END_TEST

START_TEST(a_signal_waits_for_the_task_itself)
{
	struct tracee_stop stop = start_to_exec("take_signal", block_usr1);
	pid_t pid = stop.tid;

	inject(&stop, SIGUSR1);
	run_to_end(stop, pid, good_end);
}
END_TEST

START_TEST(a_childs_handler_runs_on_its_own_registers)
{
	tracer.with_children = true;
	struct tracee_stop stop = start_to_exec("fork_and_take_signal", NULL);
	pid_t pid = stop.tid;

	tracee_resume(&tracer, &stop);
	stop = run_to(TRACEE_STOPPED);
	ck_assert_int_ne(stop.tid, pid);
	inject(&stop, SIGUSR1);
	run_to_end(stop, pid, good_end);
}
END_TEST

/* Nothing comes for a while, as far as that can be told. */
static void assert_rests(void)
{
	struct sigaction action = { .sa_handler = on_tick };
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	struct tracee_stop stop;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	ck_assert_int_eq(tracee_wait(&tracer, &stop), 0);
	ck_assert_int_eq(stop.event, TRACEE_NOTHING);
}

/* Whether it was stopped before, or is stopped in the course of a call of ours. */
START_TEST(who_is_stopped_rests_until_continued)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;

	if (_i == 0)
		ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	else
		inject(&stop, SIGSTOP);
	tracee_resume(&tracer, &stop);
	for (int i = 0; i < 3; i++) {
		stop = wait_for_stop();
		ck_assert_int_eq(stop.event, TRACEE_STOPPED);
		tracee_resume(&tracer, &stop);
		assert_rests();
		tracee_interrupt(pid);
	}
	stop = wait_for_stop();
	tracee_resume(&tracer, &stop);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	stop = run_to(TRACEE_EXITING);
	run_to_end(stop, pid, good_end);
}
END_TEST

START_TEST(who_is_stopped_can_be_released)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	int status = 0;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	tracee_resume(&tracer, &stop);
	stop = wait_for_stop();
	ck_assert_int_eq(stop.event, TRACEE_STOPPED);
	tracee_release(&stop);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(WSTOPSIG(status), SIGSTOP);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, good_end);
}
END_TEST

/* Continued before the call of ours is through: it must not be stopped afterwards. */
static bool stop_and_continue(int64_t result, struct tracee_call *ret_call, void *context)
{
	struct calls *calls = context;

	(void)result;
	if (calls->n_done == 4)
		return false;
	ck_assert_int_eq(kill(calls->tid, calls->n_done++ % 2 ? SIGCONT : SIGSTOP), 0);
	*ret_call = (struct tracee_call){ .nr = SYS_getpid };
	return true;
}

START_TEST(who_is_continued_meanwhile_runs)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	struct calls calls = { .tid = pid };

	ck_assert_int_eq(tracee_inject(&stop, stop_and_continue, &calls), 0);
	tracee_resume(&tracer, &stop);
	stop = run_to(TRACEE_EXITING);
	run_to_end(stop, pid, good_end);
}
END_TEST

/* _i: before which call it is killed. */
static bool kill_meanwhile(int64_t result, struct tracee_call *ret_call, void *context)
{
	struct calls *calls = context;

	(void)result;
	if (calls->n_done++ == calls->n_calls)
		ck_assert_int_eq(kill(calls->tid, SIGKILL), 0);
	*ret_call = (struct tracee_call){ .nr = SYS_getpid };
	return true;
}

START_TEST(whoever_is_killed_meanwhile_is_gone)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	struct calls calls = { .tid = pid, .n_calls = _i };

	ck_assert_int_eq(tracee_inject(&stop, kill_meanwhile, &calls), -EINTR);
	ck_assert_int_eq(calls.n_done, _i + 1);
	ck_assert_int_eq(stop.tid, pid);
	/* If it was quick, it went through its last stop unseen. */
	ck_assert(stop.event == TRACEE_EXITING || stop.event == TRACEE_GONE);
	ck_assert_int_eq(run_to_any_end(stop, pid, SIGKILL), stop.event == TRACEE_EXITING);
}
END_TEST

START_TEST(nothing_is_called_in_the_killed)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	struct calls calls = { .tid = pid, .n_calls = 1 };

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_lt(tracee_inject(&stop, call_getpid, &calls), 0);
	ck_assert_int_eq(calls.result, 0);
	(void)run_to_any_end(stop, pid, SIGKILL);
}
END_TEST

START_TEST(released_it_runs_on_alone)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	int status = 0;

	tracee_release(&stop);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, good_end);
}
END_TEST

START_TEST(memory_is_read_as_far_as_it_goes)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char data[8] = "";

	ck_assert_ptr_ne(pages, MAP_FAILED);
	ck_assert_int_eq(munmap(pages + page_size, page_size), 0);
	for (size_t i = 0; i < 4; i++)
		pages[page_size - 4 + i] = "abcd"[i];
	pid_t pid = target_fork("end", NULL);
	uint64_t address = (uint64_t)(uintptr_t)(pages + page_size - 4);

	ck_assert_int_eq(tracee_read_memory(pid, address, data, 3), 3);
	ck_assert_str_eq(data, "abc");
	ck_assert_int_eq(tracee_read_memory(pid, address, data, 8), 4);
	ck_assert_str_eq(data, "abcd");
	ck_assert_int_eq(tracee_read_memory(pid, address + 4, data, 1), -EFAULT);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(tracee_read_memory(pid, address, data, 1), -ESRCH);
}
END_TEST

/* A child tries it on its parent: what it attached to is let go when it ends. */
static bool can_trace(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(tracee_seize(&tracer, getppid()) < 0);
	return waitpid(pid, &status, __WALL) == pid && status == 0;
}

static bool has_foreign_calls(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(call_foreign());
	}
	return waitpid(pid, &status, 0) == pid && status == good_end;
}

int main(int argc, char **argv)
{
	Suite *s = suite_create("tracee");
	TCase *following = tcase_create("following");
	TCase *injection = tcase_create("injection");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	if (!can_test(can_trace(), "anything (ptrace is not allowed)"))
		return 77;

	tcase_add_test(following, follows_a_program);
	tcase_add_test(following, follows_without_system_calls);
	tcase_add_test(following, tells_how_it_ends);
	tcase_add_loop_test(following, children_come_along_or_not, 0, 2);
	tcase_add_test(following, a_threads_exec_is_the_leaders);
	tcase_add_test(following, whoever_is_traced_or_gone_cannot_be_seized);
	if (can_test(has_foreign_calls(), "calls of another architecture"))
		tcase_add_test(following, foreign_calls_are_told_apart);
	tcase_add_test(following, released_it_runs_on_alone);
	tcase_add_test(following, who_is_stopped_can_be_released);
	tcase_add_test(following, memory_is_read_as_far_as_it_goes);
	suite_add_tcase(s, following);

	tcase_set_timeout(injection, 30);
	tcase_add_loop_test(injection, calls_of_ours_are_not_noticed, 0, 2);
	tcase_add_test(injection, a_call_of_ours_may_fail);
	tcase_add_test(injection, calls_of_ours_bear_ticks);
	tcase_add_test(injection, a_signal_waits_for_the_task_itself);
	tcase_add_test(injection, a_childs_handler_runs_on_its_own_registers);
	tcase_add_loop_test(injection, who_is_stopped_rests_until_continued, 0, 2);
	tcase_add_test(injection, who_is_continued_meanwhile_runs);
	tcase_add_loop_test(injection, whoever_is_killed_meanwhile_is_gone, 0, 3);
	tcase_add_test(injection, nothing_is_called_in_the_killed);
	suite_add_tcase(s, injection);
	return run_suite(s);
}
