#include "trace/proctree.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "support.h"

static struct proctree tree;

static struct task *add(pid_t tid, pid_t tgid, bool expects_new)
{
	const struct procfs_status status = { .tgid = tgid, .parent_pid = 1 };
	struct task *task = NULL;

	ck_assert_int_eq(proctree_add(&tree, tid, &status, &task), 0);
	ck_assert_int_eq(task->process->n_known_tasks == 1, expects_new);
	ck_assert_int_eq(task->tid, tid);
	ck_assert_int_eq(task->process->pid, tgid);
	return task;
}

static void tear_down(void)
{
	proctree_release(&tree);
	ck_assert_uint_eq(tree.n_tasks, 0);
	ck_assert_ptr_null(tree.processes);
}

START_TEST(tasks_are_found_again)
{
	/* Also those of one bucket. */
	for (pid_t tid = 1; tid < 2000; tid++)
		add(tid, tid - tid % 2, tid == 1 || tid % 2 == 0);
	ck_assert_uint_eq(tree.n_tasks, 1999);
	for (pid_t tid = 1; tid < 2000; tid++)
		ck_assert_int_eq(proctree_find(&tree, tid)->tid, tid);
	ck_assert_ptr_null(proctree_find(&tree, 2000));
	ck_assert_int_eq(proctree_find_process(&tree, 1024)->pid, 1024);
	ck_assert_ptr_null(proctree_find_process(&tree, 1025));
	proctree_remove(&tree, proctree_find(&tree, 1024));
	ck_assert_ptr_null(proctree_find(&tree, 1024));
	ck_assert_ptr_nonnull(proctree_find(&tree, 1024 - PROCTREE_N_BUCKETS));
	ck_assert_ptr_nonnull(proctree_find(&tree, 1024 + PROCTREE_N_BUCKETS));
}
END_TEST

START_TEST(a_process_goes_with_its_last_task)
{
	struct task *leader = add(10, 10, true);
	struct task *thread = add(11, 10, false);
	struct process *process = leader->process;

	ck_assert_ptr_eq(thread->process, process);
	ck_assert_uint_eq(process->n_living, 2);
	ck_assert_int_eq(proctree_living_task(&tree, process), 10);
	proctree_set_state(&tree, leader, TASK_EXITING);
	ck_assert_int_eq(proctree_living_task(&tree, process), 11);
	ck_assert_uint_eq(process->n_known_tasks, 2);
	proctree_remove(&tree, thread);
	ck_assert_uint_eq(process->n_living, 0);
	ck_assert_ptr_eq(proctree_find_process(&tree, 10), process);
	ck_assert_int_eq(proctree_living_task(&tree, process), 0);
	proctree_remove(&tree, leader);
	ck_assert_ptr_null(proctree_find_process(&tree, 10));
}
END_TEST

START_TEST(states_are_counted)
{
	struct task *task = add(10, 10, true);
	struct process *process = task->process;

	add(11, 10, false);
	ck_assert_uint_eq(tree.n_running, 2);
	proctree_set_state(&tree, task, TASK_IN_SYSCALL);
	ck_assert_uint_eq(tree.n_running, 1);
	ck_assert_uint_eq(process->n_in_syscall, 1);
	ck_assert_uint_eq(process->n_living, 2);
	proctree_set_state(&tree, task, TASK_WITHOUT_STOPS);
	ck_assert_uint_eq(tree.n_running, 1);
	ck_assert_uint_eq(process->n_in_syscall, 0);
	proctree_set_state(&tree, task, TASK_EXITING);
	ck_assert_uint_eq(process->n_in_syscall, 1);
	ck_assert_uint_eq(process->n_living, 1);
	proctree_remove(&tree, task);
	ck_assert_uint_eq(tree.n_running, 1);
	ck_assert_uint_eq(process->n_in_syscall, 0);
	ck_assert_uint_eq(process->n_living, 1);
}
END_TEST

START_TEST(an_address_space_goes_with_its_last_user)
{
	struct process *parent = add(10, 10, true)->process;
	struct process *child = add(20, 20, true)->process;

	ck_assert_int_eq(proctree_new_space(&tree, parent), 0);
	uint32_t id = parent->space->id;
	int uffd = parent->space->uffd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	proctree_share_space(child, parent);
	ck_assert(process_owns_space(parent));
	ck_assert(!process_owns_space(child));
	ck_assert_uint_eq(proctree_leave_space(&tree, parent), 0);
	ck_assert(process_owns_space(child));
	ck_assert_int_ge(fcntl(uffd, F_GETFD), 0);
	ck_assert_uint_eq(proctree_leave_space(&tree, child), id);
	ck_assert_int_lt(fcntl(uffd, F_GETFD), 0);
	ck_assert_uint_eq(proctree_leave_space(&tree, child), 0);
	ck_assert_int_eq(proctree_new_space(&tree, parent), 0);
	ck_assert_uint_ne(parent->space->id, id);
}
END_TEST

/* Nothing is to remain of us in an address space. */
START_TEST(a_process_that_is_forgotten_leaves_its_address_space)
{
	struct process *process = add(10, 10, true)->process;

	ck_assert_int_eq(proctree_new_space(&tree, process), 0);
	int uffd = process->space->uffd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	proctree_remove(&tree, proctree_find(&tree, 10));
	ck_assert_int_lt(fcntl(uffd, F_GETFD), 0);
}
END_TEST

static bool is_elsewhere(pid_t pid)
{
	struct process process = { .pid = pid, .flags = PROCESS_IS_FOREIGN | PROCESS_IS_ELSEWHERE };

	process_find_elsewhere(&process);
	ck_assert(process.flags & PROCESS_IS_FOREIGN);
	return process.flags & PROCESS_IS_ELSEWHERE;
}

START_TEST(who_has_the_same_root_is_here)
{
	ck_assert(!is_elsewhere(getpid()));
	ck_assert(!is_elsewhere(getppid()));
}
END_TEST

/* A child with another root, or mount namespace, that waits to be killed. */
static pid_t go_elsewhere(int how)
{
	int fds[2];
	char byte = 0;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();

	if (pid == 0) {
		byte = how == 0 ? chroot("/tmp") == 0 : unshare(CLONE_NEWNS) == 0;
		(void)!write(fds[1], &byte, 1);
		pause();
	}
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 1);
	return pid;
}

START_TEST(who_has_another_root_is_elsewhere)
{
	pid_t pid = go_elsewhere(_i);

	ck_assert(is_elsewhere(pid));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("proctree");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, tasks_are_found_again);
	tcase_add_test(t, a_process_goes_with_its_last_task);
	tcase_add_test(t, states_are_counted);
	tcase_add_test(t, an_address_space_goes_with_its_last_user);
	tcase_add_test(t, a_process_that_is_forgotten_leaves_its_address_space);
	tcase_add_test(t, who_has_the_same_root_is_here);
	if (can_test(geteuid() == 0, "other roots (needs root)"))
		tcase_add_loop_test(t, who_has_another_root_is_elsewhere, 0, 2);
	suite_add_tcase(s, t);
	return run_suite(s);
}
