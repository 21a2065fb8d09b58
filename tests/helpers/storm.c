/*
 * Many processes and threads at once. Usage: storm MODE [N]. Exit status 0: each child ended as it should
 * have, each was waited for once, and none was left.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 65536

static char *self_path;

static int complain(const char *what, long number)
{
	fprintf(stderr, "storm: %s: %ld\n", what, number);
	return 1;
}

/* Waits for all children. 0 if there were n, and each ended by a status or signal that is expected. */
static int collect_children(int n, int (*is_expected)(int status))
{
	int n_ended = 0;
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break;
		if (!is_expected(status))
			return complain("unexpected status", status);
		n_ended++;
	}
	if (errno != ECHILD || n_ended != n)
		return complain("children that ended", n_ended);
	return 0;
}

static int is_7(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static int is_7_or_killed(int status)
{
	return is_7(status) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void touch_something(void)
{
	int fd = open(self_path, O_RDONLY | O_CLOEXEC);
	const volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (fd >= 0 && map != MAP_FAILED)
		(void)map[0];
	close(fd);
}

static void become_7(void)
{
	execl(self_path, "storm", "exit", "7", (char *)NULL);
	_exit(1);
}

static int fork_burst(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return complain("fork", errno);
		if (pid == 0) {
			touch_something();
			if (i % 3 == 0)
				become_7();
			_exit(7);
		}
	}
	return collect_children(n, is_7);
}

static int fork_chain(int n)
{
	int status = 0;
	pid_t pid = n > 0 ? fork() : 0;

	if (n == 0)
		return 7;
	if (pid == 0)
		_exit(fork_chain(n - 1));
	if (waitpid(pid, &status, 0) != pid || !is_7(status))
		return complain("chain", status);
	return 7;
}

static int vfork_storm(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			if (i % 2)
				execl(self_path, "storm", "exit", "7", (char *)NULL);
			_exit(7);
		}
		int status;

		if (waitpid(pid, &status, 0) != pid || !is_7(status))
			return complain("vfork", i);
	}
	return collect_children(0, is_7);
}

static int run_clone(void *argument)
{
	(void)argument;
	touch_something();
	syscall(SYS_exit, 7); /* no exit handler: the memory may be shared */
	return 0;
}

static int clone_storm(int n, int flags)
{
	char *stacks = malloc((size_t)n * STACK_BYTES);

	for (int i = 0; stacks && i < n; i++)
		if (clone(run_clone, stacks + (size_t)(i + 1) * STACK_BYTES, flags, NULL) < 0)
			return complain("clone", errno);
	int r = collect_children(n, is_7);

	free(stacks);
	return r;
}

/* The grandchildren become children: they outlive their parent, and one of them its address space's owner. */
static int clone_parent(int n)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *stacks = malloc((size_t)n * STACK_BYTES);

		for (int i = 0; stacks && i < n; i++)
			clone(run_clone, stacks + (size_t)(i + 1) * STACK_BYTES,
			      CLONE_PARENT | SIGCHLD | (i % 2 ? CLONE_VM : 0), NULL);
		_exit(7);
	}
	return collect_children(n + 1, is_7);
}

static void *spin(void *argument)
{
	for (;;) {
		touch_something();
		(void)syscall(SYS_getppid);
	}
	return argument;
}

static void *execute(void *argument)
{
	(void)argument;
	usleep(2000);
	become_7();
	return NULL;
}

/* A thread executes a program while others run: they end without a word, and the leader with them. */
static int thread_execs(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t thread;

			for (int t = 0; t < 6; t++)
				pthread_create(&thread, NULL, spin, NULL);
			pthread_create(&thread, NULL, execute, NULL);
			if (i % 2)
				pthread_exit(NULL);
			pause();
		}
	}
	return collect_children(n, is_7);
}

static void *pass(void *argument)
{
	touch_something();
	return argument;
}

static int many_threads(int n)
{
	pthread_t *threads = calloc((size_t)n, sizeof(*threads));
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (int i = 0; threads && i < n; i++)
		if (pthread_create(&threads[i], &attributes, pass, NULL) != 0)
			return complain("pthread_create", i);
	for (int i = 0; threads && i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return 0;
}

/* Children that do everything at once are killed at any moment. */
static int kill_storm(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t thread;

			if (i % 2)
				pthread_create(&thread, NULL, spin, NULL);
			if (i % 3)
				touch_something();
			execl(self_path, "storm", "fork", "3", (char *)NULL);
			_exit(1);
		}
		usleep((useconds_t)(i * 37 % 3000));
		kill(pid, SIGKILL);
		int status;

		/* Exit status 0 is that of "storm fork". */
		if (waitpid(pid, &status, 0) != pid || (status != 0 && !is_7_or_killed(status)))
			return complain("killed", status);
	}
	return collect_children(0, is_7);
}

/* Stopped and continued all the time, with each stop and continuation heard of by the parent. */
static int stop_storm(int n)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		spin(NULL);
	for (int i = 0; i < n; i++) {
		kill(pid, i % 2 ? SIGSTOP : SIGTSTP);
		if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
			return complain("no stop", status);
		kill(pid, SIGCONT);
		if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
			return complain("no continuation", status);
	}
	kill(pid, SIGKILL);
	return collect_children(1, is_7_or_killed);
}

static int n_signals;

static void count_signal(int signal)
{
	(void)signal;
	n_signals++;
}

/* Signals to a program that forks: none may be lost. */
static int signal_storm(int n)
{
	struct sigaction action = { .sa_handler = count_signal };

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			kill(getppid(), SIGUSR1);
			_exit(7);
		}
		while (n_signals <= i)
			usleep(100);
	}
	return collect_children(n, is_7);
}

static int exec_chain(int n)
{
	char number[16];

	if (n == 0)
		return 0;
	snprintf(number, sizeof(number), "%d", n - 1);
	execl(self_path, "storm", "exec", number, (char *)NULL);
	return complain("exec", errno);
}

int main(int argc, char *argv[])
{
	const char *mode = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 1;

	self_path = realpath("/proc/self/exe", NULL);
	if (strcmp(mode, "exit") == 0)
		return n;
	if (strcmp(mode, "fork") == 0)
		return fork_burst(n);
	if (strcmp(mode, "chain") == 0)
		return fork_chain(n) != 7;
	if (strcmp(mode, "vfork") == 0)
		return vfork_storm(n);
	if (strcmp(mode, "clone-vm") == 0)
		return clone_storm(n, CLONE_VM | SIGCHLD);
	if (strcmp(mode, "clone-silent") == 0)
		return clone_storm(n, CLONE_FILES);
	if (strcmp(mode, "clone-parent") == 0)
		return clone_parent(n);
	if (strcmp(mode, "thread-exec") == 0)
		return thread_execs(n);
	if (strcmp(mode, "threads") == 0)
		return many_threads(n);
	if (strcmp(mode, "kill") == 0)
		return kill_storm(n);
	if (strcmp(mode, "stop") == 0)
		return stop_storm(n);
	if (strcmp(mode, "signal") == 0)
		return signal_storm(n);
	if (strcmp(mode, "exec") == 0)
		return exec_chain(n);
	return 2;
}
