/*
 * target.h - a program to be watched: the test program itself, executed again as "--target NAME".
 */
#ifndef PBRUN_TEST_TARGET_H
#define PBRUN_TEST_TARGET_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "support.h"

/* With what a target that went well ends. */
#define TARGET_STATUS 7

struct target {
	const char *name;
	/* Its exit status. A target leaves by exit_group(2) alone: a leak checker does not work under ptrace,
	 * and the counters of the preset coverage would be files that the target used. */
	int (*main)(void);
};

/* For main(): does not return in a target. */
static inline void target_main(const struct target *targets, size_t n_targets, int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "--target") != 0)
		return;
	for (size_t i = 0; i < n_targets; i++)
		if (strcmp(targets[i].name, argv[2]) == 0)
			syscall(SYS_exit_group, targets[i].main());
	syscall(SYS_exit_group, 1);
}

static inline void target_exec(const char *name)
{
	execl("/proc/self/exe", "target", "--target", name, (char *)NULL);
	_exit(127);
}

static int target_go_fd = -1;

/* A child that waits for target_go() before it becomes the target; prepare(), if not NULL, comes first. */
static inline pid_t target_fork(const char *name, void (*prepare)(void))
{
	int fds[2];
	char byte;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[1]);
		if (prepare)
			prepare();
		if (read(fds[0], &byte, 1) != 1)
			_exit(126);
		target_exec(name);
	}
	close(fds[0]);
	target_go_fd = fds[1];
	return pid;
}

static inline void target_go(void)
{
	ck_assert_int_eq(write(target_go_fd, "", 1), 1);
	close(target_go_fd);
	target_go_fd = -1;
}

/* For a target: what its child ended with. */
static inline int target_await(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

#endif
