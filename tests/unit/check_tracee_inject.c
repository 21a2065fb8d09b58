/* No coverage: who is killed while it writes its counters leaves them locked. */
/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "tracing.h"

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

static uint64_t get_mask(void)
{
	uint64_t mask = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask));
	return mask;
}

static void close_all_at_exec(void)
{
	block_usr1();
	(void)syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
}

/* After close_all_at_exec(): what was put into it has left nothing. */
static int start_clean(void)
{
	if (!is_blocked(SIGUSR1) || is_blocked(SIGUSR2) || is_blocked(SIGTERM))
		return 2;
	return dup(0) == 3 ? TARGET_STATUS : 3;
}

#if defined(__x86_64__)
/* Forks, and stores all that the kernel is to leave alone: the registers, a word of the red zone, the flags.
 */
enum { N_DUMPED = 16 };
pid_t fork_and_dump(uint64_t dump[N_DUMPED]);
__asm__(".text\n"
	".type fork_and_dump, @function\n"
	"fork_and_dump:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rdi, %rbp\n"
	"	mov $101, %edi; mov $102, %esi; mov $103, %edx; mov $104, %r10d; mov $105, %r8d\n"
	"	mov $106, %r9d; mov $107, %ebx; mov $108, %r12d; mov $109, %r13d; mov $110, %r14d\n"
	"	mov $111, %r15d; movq $112, -8(%rsp)\n"
	"	stc\n"
	"	mov $57, %eax\n" /* SYS_fork */
	"	syscall\n"
	"	mov %rdi, 0(%rbp); mov %rsi, 8(%rbp); mov %rdx, 16(%rbp); mov %r10, 24(%rbp)\n"
	"	mov %r8, 32(%rbp); mov %r9, 40(%rbp); mov %rbx, 48(%rbp); mov %r12, 56(%rbp)\n"
	"	mov %r13, 64(%rbp); mov %r14, 72(%rbp); mov %r15, 80(%rbp); mov %rcx, 88(%rbp)\n"
	"	mov %r11, 96(%rbp); mov %rsp, 104(%rbp); mov -8(%rsp), %rcx; mov %rcx, 112(%rbp)\n"
	"	mov %eax, %ecx; lahf; mov %rax, 120(%rbp); mov %ecx, %eax\n"
	"	movb $0, 120(%rbp)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");
#endif

/* A child finds itself as its parent does. */
static int fork_clean(void)
{
	struct seen {
		uint64_t mask;
		uint64_t lowest_fd;
		uint64_t registers[16];
	} *seen = mmap(NULL, 2 * sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (seen == MAP_FAILED)
		return 2;
#if defined(__x86_64__)
	uint64_t registers[N_DUMPED];
	pid_t pid = fork_and_dump(registers);

	memcpy(seen[pid == 0].registers, registers, sizeof(registers));
	seen[pid == 0].registers[15] &= 0xff00; /* the flags: lahf stores them there */
#else
	pid_t pid = fork();
#endif
	seen[pid == 0].mask = get_mask();
	seen[pid == 0].lowest_fd = (uint64_t)dup(0);
	if (pid == 0)
		_exit(TARGET_STATUS);
	int status = target_await(pid);

	return status == TARGET_STATUS && memcmp(&seen[0], &seen[1], sizeof(*seen)) != 0 ? 5 : status;
}

static const struct target targets[] = {
	{ "end", end },
	{ "call_marked", call_marked },
	{ "take_signal", take_signal },
	{ "fork_and_take_signal", fork_and_take_signal },
	{ "start_clean", start_clean },
	{ "fork_clean", fork_clean },
};

/* What is called, and what a test does meanwhile. */
struct calls {
	pid_t tid;
	int signals[2]; /* sent when a call has returned, if not 0 */
	int64_t results[2];
	int n_returned;
};

static const struct stub_call call_getpid_twice[] = { { .nr = SYS_getpid }, { .nr = SYS_getpid } };

static void note_result(size_t index, int64_t result, void *context)
{
	struct calls *calls = context;

	ck_assert_uint_eq(index, (size_t)calls->n_returned);
	calls->results[calls->n_returned++] = result;
	if (calls->signals[index])
		ck_assert_int_eq(kill(calls->tid, calls->signals[index]), 0);
}

/* signal is sent before each call and behind the last, if not 0. */
static void inject(struct tracee_stop *stop, int signal)
{
	struct calls calls = { .tid = stop->tid, .signals = { signal, signal } };

	if (signal)
		ck_assert_int_eq(kill(stop->tid, signal), 0);
	ck_assert_int_eq(tracee_inject(stop, call_getpid_twice, 2, note_result, &calls), 0);
	ck_assert_int_eq(calls.n_returned, 2);
	ck_assert_int_eq(calls.results[0], stop->tid);
	ck_assert_int_eq(calls.results[1], stop->tid);
}

START_TEST(calls_of_ours_are_not_noticed)
{
	tracer.with_syscalls = _i;
	struct tracee_stop stop = start_to_exec("call_marked", NULL);
	pid_t pid = stop.tid;

	inject(&stop, 0);
	ck_assert_int_eq(stop.event, TRACEE_EXECED);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

START_TEST(a_call_of_ours_may_fail)
{
	static const struct stub_call badly[] = { { .nr = SYS_dup, .n_args = 1, .args = { MARK } },
						  { .nr = SYS_getpid } };
	struct tracee_stop stop = start_to_exec("end", NULL);
	struct calls calls = { .tid = stop.tid };
	pid_t pid = stop.tid;

	ck_assert_int_eq(tracee_inject(&stop, badly, 2, note_result, &calls), 0);
	ck_assert_int_eq(calls.results[0], -EBADF);
	ck_assert_int_eq(calls.results[1], pid);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

START_TEST(a_call_may_use_what_the_last_one_returned)
{
	static const struct stub_call chained[] = {
		{ .nr = SYS_dup, .n_args = 1, .args = { 0 } },
		{ .nr = SYS_dup3, .n_args = 3, .args = { 0, 77, O_CLOEXEC }, .source = STUB_FIRST_IS_RESULT },
	};
	struct tracee_stop stop = start_to_exec("end", NULL);
	struct calls calls = { .tid = stop.tid };
	pid_t pid = stop.tid;

	ck_assert_int_eq(tracee_inject(&stop, chained, 2, note_result, &calls), 0);
	ck_assert_int_gt(calls.results[0], 0);
	ck_assert_int_eq(calls.results[1], 77);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

/* A timer of the tracer's own interrupts it all the time. */
START_TEST(calls_of_ours_bear_ticks)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct itimerval tick = { .it_interval = { .tv_usec = 50 }, .it_value = { .tv_usec = 50 } };
	struct itimerval never = { 0 };
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	for (int i = 0; i < 500; i++)
		inject(&stop, 0);
	setitimer(ITIMER_REAL, &never, NULL);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

START_TEST(a_signal_waits_for_the_task_itself)
{
	struct tracee_stop stop = start_to_exec("take_signal", block_usr1);
	pid_t pid = stop.tid;

	inject(&stop, SIGUSR1);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

START_TEST(a_childs_handler_runs_on_its_own_registers)
{
	tracer.births = TRACER_EVERYBODY;
	struct tracee_stop stop = start_to_exec("fork_and_take_signal", NULL);
	pid_t pid = stop.tid;

	tracee_resume(&tracer, &stop);
	stop = run_to(TRACEE_STOPPED);
	ck_assert_int_ne(stop.tid, pid);
	inject(&stop, SIGUSR1);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

/* Nothing comes for a while, as far as that can be told. */
static void assert_rests(void)
{
	struct sigaction action = { .sa_handler = count_signal };
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
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

/* Continued before the calls of ours are through: it must not be stopped afterwards. */
START_TEST(who_is_continued_meanwhile_runs)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	struct calls calls = { .tid = pid, .signals = { SIGSTOP, SIGCONT } };

	if (_i == 1) {
		calls.signals[0] = SIGCONT;
		calls.signals[1] = 0;
		ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	}
	ck_assert_int_eq(tracee_inject(&stop, call_getpid_twice, 2, note_result, &calls), 0);
	tracee_resume(&tracer, &stop);
	stop = run_to(TRACEE_EXITING);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

/* A signal that ends it does so, whatever it stands in. */
START_TEST(whoever_is_ended_meanwhile_is_gone)
{
	int signal = _i < 3 ? SIGKILL : SIGTERM;
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	struct calls calls = { .tid = pid };

	if (_i % 3 == 0)
		ck_assert_int_eq(kill(pid, signal), 0);
	else
		calls.signals[_i % 3 - 1] = signal;
	int r = tracee_inject(&stop, call_getpid_twice, 2, note_result, &calls);

	ck_assert_int_le(calls.n_returned, _i % 3);
	ck_assert_int_eq(stop.tid, pid);
	if (_i % 3 < 2)
		ck_assert_int_lt(r, 0);
	if (r == -ESRCH) /* if it was quick, it went through its last stop unseen */
		ck_assert(tracee_is_ending(&stop));
	/* Killed where it stands, it may go through its last stop unseen. */
	ck_assert(run_to_any_end(stop, pid, signal) || signal == SIGKILL);
}
END_TEST

START_TEST(released_to_an_exec_it_begins_again)
{
	struct tracee_stop stop = start_to_exec("start_clean", close_all_at_exec);
	const char *path = _i ? "/nonexistent" : "/proc/self/exe";
	pid_t pid = stop.tid;
	int status = 0;

	ck_assert_int_eq(tracee_release_to_exec(&stop, path, 0), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, GOOD_END);
}
END_TEST

/* What tracers do in the next test, and then resume the task. */
static void open_and_close(struct tracee_stop *stop)
{
	static const struct stub_call chained[] = {
		{ .nr = SYS_dup, .n_args = 1, .args = { 0 } },
		{ .nr = SYS_close, .n_args = 1, .source = STUB_FIRST_IS_RESULT },
	};
	struct calls calls = { .tid = stop->tid };

	if (tracee_inject(stop, chained, 2, note_result, &calls) < 0)
		_exit(2);
	tracee_resume(&tracer, stop);
}

static void execute_again(struct tracee_stop *stop)
{
	if (tracee_release_to_exec(stop, "/proc/self/exe", 0) < 0)
		_exit(2);
}

static const struct {
	const char *target;
	enum tracee_event at; /* to be done here */
	void (*act)(struct tracee_stop *);
	unsigned int n_moments; /* at least */
} deaths[] = { { "start_clean", TRACEE_EXECED, open_and_close, 60 },
	       { "fork_clean", TRACEE_STOPPED, open_and_close, 60 },
	       { "start_clean", TRACEE_EXECED, execute_again, 40 } };

static void trace_and_act(pid_t pid, size_t death)
{
	struct tracee_stop stop = { 0 };

	tracer = (struct tracer){ .births = TRACER_EVERYBODY };
	if (tracee_seize(&tracer, pid) < 0 || kill(getpid(), SIGSTOP) < 0)
		_exit(1);
	while (tracee_wait(&tracer, &stop) == 0 && stop.event != TRACEE_NONE_LEFT) {
		if (stop.event == deaths[death].at)
			deaths[death].act(&stop);
		else if (stop.event != TRACEE_GONE)
			tracee_resume(&tracer, &stop);
	}
	_exit(TARGET_STATUS);
}

/* Kills the tracer at its n-th stop before or behind a system call of its own. False: it had come to its end.
 */
static bool kill_at(pid_t pid, unsigned int n)
{
	int status = 0;

	for (unsigned int i = 0; i < n; i++) {
		int signal = i > 0 && WSTOPSIG(status) != SIGTRAP ? WSTOPSIG(status) : 0;

		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, 0, (unsigned long)signal), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status)) {
			ck_assert_int_eq(status, GOOD_END);
			return false;
		}
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return true;
}

/* Each call by which it changes its tracee is a moment of its own. */
START_TEST(the_tracer_may_die_at_any_moment)
{
	bool was_killed = true;
	unsigned int n = 0;

	for (; was_killed; n++) {
		int status = 0;
		pid_t pid = target_fork(deaths[_i].target, close_all_at_exec);
		pid_t tracing = fork();

		if (tracing == 0) {
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			trace_and_act(pid, (size_t)_i);
		}
		ck_assert_int_eq(waitpid(tracing, &status, WUNTRACED), tracing);
		ck_assert(WIFSTOPPED(status));
		target_go();
		was_killed = kill_at(tracing, n);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(status == GOOD_END, "killed at %u: status %#x", n, (unsigned int)status);
	}
	ck_assert_uint_gt(n, deaths[_i].n_moments);
}
END_TEST

static bool can_inject(void)
{
	struct user_regs_struct registers = { 0 };
	struct stub stub;

	return stub_find_room((const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR)) > 0 &&
	       stub_build(&stub, 4096, &registers, call_getpid_twice, 2, NULL) == 0;
}

int main(int argc, char **argv)
{
	Suite *s = suite_create("tracee_inject");
	TCase *injection = tcase_create("injection");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	if (!can_test(can_trace(), "anything (ptrace is not allowed)") ||
	    !can_test(can_inject(), "anything (not for this architecture, or its vDSO has no room)"))
		return 77;
	tcase_set_timeout(injection, 60);
	tcase_add_loop_test(injection, calls_of_ours_are_not_noticed, 0, 2);
	tcase_add_test(injection, a_call_of_ours_may_fail);
	tcase_add_test(injection, a_call_may_use_what_the_last_one_returned);
	tcase_add_test(injection, calls_of_ours_bear_ticks);
	tcase_add_test(injection, a_signal_waits_for_the_task_itself);
	tcase_add_test(injection, a_childs_handler_runs_on_its_own_registers);
	tcase_add_loop_test(injection, who_is_stopped_rests_until_continued, 0, 2);
	tcase_add_loop_test(injection, who_is_continued_meanwhile_runs, 0, 2);
	tcase_add_loop_test(injection, whoever_is_ended_meanwhile_is_gone, 0, 6);
	tcase_add_loop_test(injection, the_tracer_may_die_at_any_moment, 0, 3);
	tcase_add_loop_test(injection, released_to_an_exec_it_begins_again, 0, 2);
	suite_add_tcase(s, injection);
	return run_suite(s);
}
