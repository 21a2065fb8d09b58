#include "sys/procfs.h"

#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "support.h"
#include "sys/page.h"
#include "sys/pagemap.h"

enum { N_PAGES = 8 };

static int cold_fd = -1;

/* Not in /tmp, which is often memory: there nothing has to be read. False: it cannot be had here. */
static bool make_cold_file(void)
{
	char path[] = "/var/tmp/check_procfs.XXXXXX";
	cleanup_free char *data = calloc(N_PAGES, page_bytes());
	ssize_t size = (ssize_t)(N_PAGES * page_bytes());

	cold_fd = mkstemp(path);
	if (!data || cold_fd < 0)
		return false;
	unlink(path);
	return write(cold_fd, data, (size_t)size) == size && can_evict_file(cold_fd);
}

static void touch_cold_file(void)
{
	size_t size = N_PAGES * page_bytes();
	const volatile char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, cold_fd, 0);

	if (map == MAP_FAILED || madvise((void *)(uintptr_t)map, size, MADV_RANDOM) != 0)
		_exit(1);
	for (size_t i = 0; i < size; i += page_bytes())
		(void)map[i];
}

/* A child with such a name that has touched the cold file, by itself or by a child of its own. */
static pid_t start_child(const char *name, bool by_child, struct procfs_cost *ret_before)
{
	int go[2], done[2];
	char byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(done, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		if (!by_child) {
			touch_cold_file();
		} else if (fork() == 0) {
			touch_cold_file();
			_exit(0);
		} else if (wait(NULL) < 0) {
			_exit(1);
		}
		(void)!write(done[1], "", 1);
		pause();
	}
	ck_assert_int_eq(procfs_read_cost(pid, ret_before), 0);
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(read(done[0], &byte, 1), 1);
	return pid;
}

static void end_child(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(tells_what_it_has_cost)
{
	static const char *const names[] = { "plain", ") S 1 1 1 1", "a b (c)", "new\nline" };
	struct procfs_cost before, after;
	pid_t pid;

	evict_file(cold_fd);
	pid = start_child(names[_i], false, &before);
	ck_assert_int_eq(procfs_read_cost(pid, &after), 0);
	ck_assert_uint_ge(after.major_faults, before.major_faults + 1);
	ck_assert_uint_le(after.major_faults, before.major_faults + 1000);
	ck_assert_uint_ge(after.read_bytes, before.read_bytes + page_bytes());
	end_child(pid);
}
END_TEST

START_TEST(counts_children_that_were_awaited)
{
	struct procfs_cost before, after;
	pid_t pid;

	evict_file(cold_fd);
	pid = start_child("parent", true, &before);
	ck_assert_int_eq(procfs_read_cost(pid, &after), 0);
	ck_assert_uint_ge(after.major_faults, before.major_faults + 1);
	ck_assert(after.knows_read_bytes);
	ck_assert_uint_ge(after.read_bytes, before.read_bytes + page_bytes());
	end_child(pid);
}
END_TEST

START_TEST(nobody_costs_nothing)
{
	struct procfs_cost stat = { 1, 2, true };
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(procfs_read_cost(pid, &stat), -ENOENT);
	ck_assert_uint_eq(stat.major_faults, 1);
	ck_assert_uint_eq(stat.read_bytes, 2);
}
END_TEST

START_TEST(status_of_this_process)
{
	struct procfs_status status;

	/* The name of the program is its own choice. */
	ck_assert_int_eq(prctl(PR_SET_NAME, "x\nTgid:\t1"), 0);
	ck_assert_int_eq(procfs_read_status(getpid(), &status), 0);
	ck_assert_int_eq(status.tgid, getpid());
	ck_assert_int_eq(status.parent_pid, getppid());
	ck_assert_uint_ge(status.n_threads, 1);
}
END_TEST

START_TEST(status_of_a_traced_process)
{
	struct procfs_status status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 || raise(SIGSTOP) != 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(procfs_read_status(pid, &status), 0);
	ck_assert_int_eq(status.tracer_tid, gettid());
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(state_of_a_process)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_NAME, ") Z (");
		_exit(raise(SIGSTOP));
	}
	ck_assert_int_eq(procfs_read_state(getpid()), 'R');
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	ck_assert_int_eq(procfs_read_state(pid), 'T');
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(procfs_read_state(pid), 'Z');
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(procfs_read_state(pid), 0);
}
END_TEST

START_TEST(nobody_has_no_status)
{
	struct procfs_status status = { .tgid = 5 };
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(procfs_read_status(pid, &status), -ENOENT);
	ck_assert_int_eq(status.tgid, 5);
}
END_TEST

static void *fork_child(void *context)
{
	pid_t *child = context;

	*child = fork();
	if (*child == 0)
		for (;;)
			pause();
	return NULL;
}

START_TEST(children_of_all_threads_are_found)
{
	pid_t children[2], found[3];
	pthread_t thread;

	fork_child(&children[0]);
	ck_assert_int_eq(pthread_create(&thread, NULL, fork_child, &children[1]), 0);
	pthread_join(thread, NULL);
	/* A thread that has ended leaves its own to another one. */
	ck_assert_uint_eq(procfs_read_children(getpid(), found, 3), 2);
	ck_assert((found[0] == children[0] && found[1] == children[1]) ||
		  (found[0] == children[1] && found[1] == children[0]));
	ck_assert_uint_eq(procfs_read_children(getpid(), found, 1), 1);
	for (int i = 0; i < 2; i++)
		end_child(children[i]);
	ck_assert_uint_eq(procfs_read_children(getpid(), found, 3), 0);
	ck_assert_uint_eq(procfs_read_children(children[0], found, 3), 0);
}
END_TEST

START_TEST(an_exec_changes_the_mark)
{
	uint64_t mark = procfs_exec_mark(getpid());
	int fds[2];
	char byte;
	pid_t pid;

	ck_assert_uint_ne(mark, 0);
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		ck_assert_uint_eq(procfs_exec_mark(getpid()), mark);
		dup2(fds[1], 1);
		execlp("sh", "sh", "-c", "echo; kill -STOP $$", (char *)NULL);
		_exit(1);
	}
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_uint_ne(procfs_exec_mark(pid), mark);
	ck_assert_uint_ne(procfs_exec_mark(pid), 0);
	end_child(pid);
	ck_assert_uint_eq(procfs_exec_mark(pid), 0);
}
END_TEST

static void ignore(int signal)
{
	(void)signal;
}

static bool is_caught(int signal)
{
	struct procfs_status status = { 0 };

	ck_assert_int_eq(procfs_read_status(getpid(), &status), 0);
	return (status.caught_signals >> (signal - 1)) & 1;
}

START_TEST(handlers_of_signals_are_seen)
{
	enum { N_GROUPS = 900 };
	gid_t groups[N_GROUPS];

	for (gid_t i = 0; i < N_GROUPS; i++)
		groups[i] = 1000000000 + i;
	/* Else it is a shorter text. */
	(void)!setgroups(N_GROUPS, groups);
	ck_assert(!is_caught(SIGUSR1));
	ck_assert_ptr_ne(signal(SIGUSR1, ignore), SIG_ERR);
	ck_assert(is_caught(SIGUSR1));
	ck_assert(!is_caught(SIGUSR2));
}
END_TEST

START_TEST(this_process_is_on_our_level)
{
	ck_assert_uint_eq(procfs_pid_level(getpid()), 0);
	ck_assert_int_eq(procfs_number_at(getpid(), 0), getpid());
	ck_assert_int_eq(procfs_number_at(getpid(), 1), 0);
	ck_assert_int_eq(procfs_number_at(getpid(), SIZE_MAX), 0);
}
END_TEST

START_TEST(who_is_in_a_namespace_below_has_a_number_there)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		for (;;)
			pause();
	ck_assert_int_gt(pid, 0);
	ck_assert_uint_eq(procfs_pid_level(pid), 1);
	ck_assert_int_eq(procfs_number_at(pid, 0), pid);
	ck_assert_int_eq(procfs_number_at(pid, 1), 1);
	ck_assert_int_eq(procfs_number_at(pid, 2), 0);
	end_child(pid);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("procfs");
	TCase *t = tcase_create("core");

	tcase_add_test(t, status_of_this_process);
	tcase_add_test(t, status_of_a_traced_process);
	tcase_add_test(t, state_of_a_process);
	tcase_add_test(t, nobody_has_no_status);
	tcase_add_test(t, an_exec_changes_the_mark);
	tcase_add_test(t, handlers_of_signals_are_seen);
	tcase_add_test(t, this_process_is_on_our_level);
	if (can_test(geteuid() == 0, "PID namespaces (needs root)"))
		tcase_add_test(t, who_is_in_a_namespace_below_has_a_number_there);
	if (can_test(access("/proc/thread-self/children", F_OK) == 0,
		     "children (needs CONFIG_PROC_CHILDREN)"))
		tcase_add_test(t, children_of_all_threads_are_found);
	tcase_add_test(t, nobody_costs_nothing);
	if (can_test(make_cold_file() && access("/proc/self/io", R_OK) == 0,
		     "costs (needs a /var/tmp on a disk, and /proc/PID/io)")) {
		tcase_add_loop_test(t, tells_what_it_has_cost, 0, 4);
		tcase_add_test(t, counts_children_that_were_awaited);
	}
	suite_add_tcase(s, t);
	return run_suite(s);
}
