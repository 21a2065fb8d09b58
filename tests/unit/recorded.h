/*
 * recorded.h - programs to be recorded: each touches page 20 of a file, in a way of its own.
 */
#ifndef PBRUN_TEST_RECORDED_H
#define PBRUN_TEST_RECORDED_H

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sys/page.h"
#include "target.h"
#include "touched.h"

static const char *mapped_path(void)
{
	return "mapped";
}

/* The targets work in the scratch directory: they inherit it. */
static int touch(uint64_t page)
{
	int fd = open(mapped_path(), O_RDONLY | O_CLOEXEC);
	size_t size = TOUCHED_PAGES * (size_t)sysconf(_SC_PAGESIZE);
	const volatile char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (fd < 0 || map == MAP_FAILED)
		return 1;
	close(fd);
	(void)map[page * (size_t)sysconf(_SC_PAGESIZE)];
	return TARGET_STATUS;
}

static int touch_one(void)
{
	return touch(20);
}

static int touch_and_read(void)
{
	char byte;
	int fd = open("read", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && pread(fd, &byte, 1, 3 * sysconf(_SC_PAGESIZE)) == 1 && access("missing", F_OK) != 0
		       ? touch(20)
		       : 1;
}

static int touch_in_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(touch(20));
	return target_await(pid);
}

static int touch_then_exec(void)
{
	touch(40);
	target_exec("touch_one");
	return 1;
}

/* "1 (name) Z ...": the first character behind the name is the leader's state. */
static bool leader_is_gone(void)
{
	char text[256];
	cleanup_close int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, ") Z ");
}

static void *touch_in_thread(void *unused)
{
	(void)unused;
	while (!leader_is_gone())
		sched_yield();
	_exit(touch(20));
}

static int leader_exits_first(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, touch_in_thread, NULL) != 0)
		return 1;
	(void)syscall(SYS_exit, 0);
	return 1;
}

static void *exec_in_thread(void *unused)
{
	(void)unused;
	target_exec("touch_one");
	return NULL;
}

static int thread_execs(void)
{
	pthread_t thread;

	touch(40);
	if (pthread_create(&thread, NULL, exec_in_thread, NULL) != 0)
		return 1;
	while (pause() < 0)
		;
	return 1;
}

static void *talk(void *unused)
{
	for (int i = 0; i < 30000; i++)
		(void)getppid();
	return unused;
}

/* So many calls, in company, that it is no longer stopped at each; a child brings it back. */
static int talk_then_use(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, talk, NULL) != 0)
		return 1;
	talk(NULL);
	if (touch(20) != TARGET_STATUS)
		return 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return target_await(pid) == 0 ? touch_and_read() : 1;
}

static char child_stack[65536] __attribute__((aligned(16)));

static int sharing_child(void *unused)
{
	(void)unused;
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	_exit(touch(20));
}

/* The parent leaves its address space to a child. */
static int share_and_exit(void)
{
	return clone(sharing_child, child_stack + sizeof(child_stack), CLONE_VM | SIGCHLD, NULL) > 0
		       ? TARGET_STATUS
		       : 1;
}

static int share_and_wait(void)
{
	return target_await(
		clone(sharing_child, child_stack + sizeof(child_stack), CLONE_VM | SIGCHLD, NULL));
}

static int sibling(void *unused)
{
	(void)unused;
	_exit(touch(20));
}

static int make_sibling(void)
{
	return clone(sibling, child_stack + sizeof(child_stack), CLONE_PARENT | SIGCHLD, NULL) > 0
		       ? TARGET_STATUS
		       : 1;
}

static int talking_child(void *unused)
{
	talk(unused);
	_exit(touch(20));
}

/* The parent, which uses a file now and then, is stopped at each. */
static int talk_in_shared_child(void)
{
	pid_t pid = clone(talking_child, child_stack + sizeof(child_stack), CLONE_VM | SIGCHLD, NULL);

	for (int i = 0; i < 30000; i++)
		if (i % 50 == 0 ? access("read", F_OK) != 0 : getppid() < 0)
			return 1;
	return target_await(pid);
}

static int vfork_and_exec(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		target_exec("touch_one"); /* NOLINT(clang-analyzer-unix.Vfork): it only executes */
	return target_await(pid);
}

/* Puts the number of a descriptor of the parent's to another file. */
static int swapping_child(void *fd)
{
	int other = open("mapped", O_RDONLY | O_CLOEXEC);

	_exit(dup2(other, *(int *)fd) < 0);
}

static int swap_and_read(int flags)
{
	char byte;
	int fd = open("read", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, &byte, 1, 0) != 1)
		return 1;
	pid_t pid = clone(swapping_child, child_stack + sizeof(child_stack), CLONE_FILES | flags, &fd);

	/* As a sibling it is no child to wait for. */
	while (pid > 0 && kill(pid, 0) == 0 && waitpid(pid, NULL, __WALL) != pid)
		sched_yield();
	return pread(fd, &byte, 1, 3 * sysconf(_SC_PAGESIZE)) == 1 ? TARGET_STATUS : 1;
}

static int share_descriptors(void)
{
	return swap_and_read(SIGCHLD);
}

static int share_descriptors_with_sibling(void)
{
	return swap_and_read(CLONE_PARENT | SIGCHLD);
}

static int kill_itself(void)
{
	touch(20);
	raise(SIGKILL);
	return 1;
}

static int stop_itself(void)
{
	touch(20);
	raise(SIGSTOP);
	return TARGET_STATUS;
}

static int do_nothing_for_long(void)
{
	for (touch(20); pause() < 0;)
		;
	return 1;
}

static const struct target targets[] = {
	{ "touch_one", touch_one },
	{ "touch_and_read", touch_and_read },
	{ "touch_in_child", touch_in_child },
	{ "talk_then_use", talk_then_use },
	{ "touch_then_exec", touch_then_exec },
	{ "leader_exits_first", leader_exits_first },
	{ "thread_execs", thread_execs },
	{ "share_and_exit", share_and_exit },
	{ "share_and_wait", share_and_wait },
	{ "talk_in_shared_child", talk_in_shared_child },
	{ "make_sibling", make_sibling },
	{ "vfork_and_exec", vfork_and_exec },
	{ "share_descriptors", share_descriptors },
	{ "share_descriptors_with_sibling", share_descriptors_with_sibling },
	{ "kill_itself", kill_itself },
	{ "stop_itself", stop_itself },
	{ "do_nothing_for_long", do_nothing_for_long },
};

#endif
