/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
#include "trace/tracee.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "tracing.h"

/* The targets. */
static int end(void)
{
	return TARGET_STATUS;
}

static int call_marked(void)
{
	return syscall(SYS_dup, MARK) == -1 && errno == EBADF ? TARGET_STATUS : 1;
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
	{ "exec_in_thread", exec_in_thread },
	{ "fork_once", fork_once },
	{ "kill_itself", kill_itself },
	{ "call_foreign", call_foreign },
};

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
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

START_TEST(follows_without_system_calls)
{
	struct tracee_stop stop = start_to_exec("call_marked", NULL);
	pid_t pid = stop.tid;

	tracee_resume(&tracer, &stop);
	stop = wait_for_stop();
	ck_assert_int_eq(stop.event, TRACEE_EXITING);
	run_to_end(stop, pid, GOOD_END);
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

	tracer.births = _i ? TRACER_EVERYBODY : TRACER_THREADS;
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
	tracer.births = TRACER_EVERYBODY;
	struct tracee_stop stop = start_to_exec("exec_in_thread", NULL);
	pid_t pid = stop.tid;

	tracee_resume(&tracer, &stop);
	stop = run_to(TRACEE_EXECED);
	ck_assert_int_eq(stop.tid, pid);
	ck_assert_int_gt(stop.former_tid, 0);
	ck_assert_int_ne(stop.former_tid, pid);
	run_to_end(stop, pid, GOOD_END);
}
END_TEST

START_TEST(whoever_is_traced_or_gone_cannot_be_seized)
{
	pid_t pid = start("end", NULL);

	ck_assert_int_eq(tracee_seize(&tracer, pid), -EPERM);
	struct tracee_stop stop = run_to(TRACEE_EXITING);

	run_to_end(stop, pid, GOOD_END);
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
	run_to_end(stop, pid, GOOD_END);
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
	ck_assert_int_eq(status, GOOD_END);
}
END_TEST

START_TEST(released_it_runs_on_alone)
{
	struct tracee_stop stop = start_to_exec("end", NULL);
	pid_t pid = stop.tid;
	int status = 0;

	tracee_release(&stop);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, GOOD_END);
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

static bool has_foreign_calls(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(call_foreign());
	}
	return waitpid(pid, &status, 0) == pid && status == GOOD_END;
}

int main(int argc, char **argv)
{
	Suite *s = suite_create("tracee");
	TCase *following = tcase_create("following");

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

	return run_suite(s);
}
