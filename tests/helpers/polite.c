/*
 * What does not go well with being traced, one thing a call:
 *   polite identity            prints the effective user ID, the capabilities, no_new_privs
 *   polite fexecve FILE ARG... executes a file by a descriptor
 *   polite path-at FILE ARG... executes a file relative to a directory's descriptor
 *   polite traceme             starts a child that asks to be traced, and traces it to its end
 *   polite seize               traces a child that runs already, and one of that child's threads
 *   polite untraced            has a child that no tracer sees trace it, and another thread of it
 *   polite grandchild          allows grandchildren to trace it, of which it has heard just now, many times
 *   polite crash               its handler of SIGSEGV has a child trace it
 *   polite abort               the same by SIGABRT
 *   polite repair              its handler of SIGSEGV repairs what is wrong
 *   polite filter ARG...       under a seccomp filter that kills for unusual calls: goes on with ARG...
 *   polite undumpable ARG...   the same as a process that hides its /proc
 *   polite work                maps a file, forks a child that does, and starts /bin/true
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int show_identity(void)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "re");

	printf("euid %d\n", (int)geteuid());
	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "CapEff:", 7) == 0 || strncmp(line, "NoNewPrivs:", 11) == 0)
			fputs(line, stdout);
	return status ? fclose(status) : 1;
}

static int execute_descriptor(char *argv[])
{
	int fd = open(argv[0], O_RDONLY); /* not close-on-exec: a script is read through it */

	fexecve(fd, argv, environ);
	return fail(argv[0]);
}

static int execute_at(char *argv[])
{
	char *slash = strrchr(argv[0], '/');

	*slash = '\0';
	int directory = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC);

	syscall(SYS_execveat, directory, slash + 1, argv, environ, 0);
	return fail(slash + 1);
}

/* Traces a stopped child until it ends. */
static int trace_to_end(pid_t child)
{
	int status;
	int signal = 0;

	do {
		if (ptrace(PTRACE_CONT, child, 0, signal) < 0)
			return fail("PTRACE_CONT");
		if (waitpid(child, &status, __WALL) < 0)
			return fail("waitpid");
		signal = WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP ? WSTOPSIG(status) : 0;
	} while (WIFSTOPPED(status));
	printf("traced to its end: status %d\n", WEXITSTATUS(status));
	return 0;
}

static int trace_willing_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(fail("PTRACE_TRACEME"));
		execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
		return fail("no stop after the exec");
	return trace_to_end(child);
}

static void *rest(void *argument)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);

	(void)!write(*(int *)argument, &tid, sizeof(tid));
	pause();
	return NULL;
}

static int trace_running_child(void)
{
	int fds[2];
	int status;
	pid_t tid = 0;
	pthread_t thread;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail("pipe2");
	pid_t child = fork();

	if (child == 0) {
		pthread_create(&thread, NULL, rest, &fds[1]);
		pause();
	}
	if (read(fds[0], &tid, sizeof(tid)) != sizeof(tid))
		return fail("read");
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0 || ptrace(PTRACE_SEIZE, child, 0, 0) < 0)
		return fail("PTRACE_SEIZE");
	kill(child, SIGUSR1);
	if (waitpid(-1, &status, __WALL) < 0 || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGUSR1)
		return fail("no stop at the signal");
	puts("seized");
	kill(child, SIGKILL);
	while (waitpid(-1, &status, __WALL) > 0)
		;
	return 0;
}

/* As crash handlers and leak checkers do. */
static int traced_from_unseen_child(void)
{
	pthread_t thread;
	int fds[2];
	int status = 0;
	pid_t parent = getpid();
	pid_t tid = 0;

	if (prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0) < 0 && errno != EINVAL)
		return fail("PR_SET_PTRACER");
	if (pipe2(fds, O_CLOEXEC) < 0 || pthread_create(&thread, NULL, rest, &fds[1]) != 0 ||
	    read(fds[0], &tid, sizeof(tid)) != sizeof(tid))
		return fail("thread");
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, NULL, NULL, NULL, NULL);

	if (child == 0)
		_exit(ptrace(PTRACE_SEIZE, parent, 0, 0) < 0 ? 1
		      : ptrace(PTRACE_SEIZE, tid, 0, 0) < 0  ? 2
							     : 0);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	printf("traced: %d\n", status);
	return status != 0;
}

/* As Firefox does: the child, which ends, says whom it leaves behind. */
static int allow_grandchild(void)
{
	int told[2];
	int held[2];
	pid_t grandchild = 0;

	if (pipe2(told, O_CLOEXEC) < 0 || pipe2(held, O_CLOEXEC) < 0)
		return fail("pipe");
	pid_t child = fork();

	if (child == 0) {
		grandchild = fork();
		if (grandchild == 0) {
			close(held[1]);
			_exit(read(held[0], &child, 1) != 0);
		}
		_exit(write(told[1], &grandchild, sizeof(grandchild)) < 0);
	}
	if (read(told[0], &grandchild, sizeof(grandchild)) != sizeof(grandchild))
		return fail("grandchild");
	/* EINVAL: there is no Yama here. */
	if (prctl(PR_SET_PTRACER, grandchild, 0, 0, 0) < 0 && errno != EINVAL)
		return fail("PR_SET_PTRACER");
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < 2; i++)
		close(told[i]), close(held[i]);
	return 0;
}

static int allow_grandchildren(void)
{
	for (int i = 0; i < 30; i++)
		if (allow_grandchild() != 0)
			return 1;
	return 0;
}

static void handle_crash(int signal)
{
	int status = 0;
	pid_t parent = getpid();
	pid_t child = fork();

	(void)signal;
	if (child == 0)
		_exit(ptrace(PTRACE_SEIZE, parent, 0, 0) < 0);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	printf("traced: %d\n", status);
	_exit(status != 0);
}

static int crash(int signal)
{
	struct sigaction action = { .sa_handler = handle_crash };

	if (prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0) < 0 && errno != EINVAL)
		return fail("PR_SET_PTRACER");
	sigaction(signal, &action, NULL);
	raise(signal);
	return 1;
}

static int work(void);
static char *page;

static void handle_repairable(int signal)
{
	(void)signal;
	(void)mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static int repair(void)
{
	struct sigaction action = { .sa_handler = handle_repairable };

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &action, NULL);
	*(volatile char *)page = 1;
	printf("repaired: %d\n", page[0]);
	return work();
}

/* Whoever is made to call one of these is killed. */
static int install_filter(void)
{
	static const unsigned int unusual[] = { SYS_userfaultfd,     SYS_pidfd_open,
						SYS_pidfd_getfd,     SYS_kcmp,
						SYS_ptrace,          SYS_prctl,
						SYS_process_vm_readv };
	struct sock_filter code[32] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr)) };
	unsigned short n = 1;

	for (size_t i = 0; i < sizeof(unusual) / sizeof(unusual[0]); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, unusual[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = n, .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0;
}

static int touch_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	return map == MAP_FAILED || map[1] != 'E';
}

static int work(void)
{
	int status = touch_file();

	for (int i = 0; i < 2; i++) {
		int child_status = 0;
		pid_t child = fork();

		if (child == 0) {
			if (i == 0)
				_exit(touch_file());
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		waitpid(child, &child_status, 0);
		status |= child_status;
	}
	printf("worked: %d\n", status);
	return status != 0;
}

static int execute(char *argv[])
{
	execvp(argv[0], argv);
	return fail(argv[0]);
}

int main(int argc, char *argv[])
{
	const char *mode = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(mode, "identity") == 0)
		return show_identity();
	if (strcmp(mode, "traceme") == 0)
		return trace_willing_child();
	if (strcmp(mode, "seize") == 0)
		return trace_running_child();
	if (strcmp(mode, "crash") == 0)
		return crash(SIGSEGV);
	if (strcmp(mode, "abort") == 0)
		return crash(SIGABRT);
	if (strcmp(mode, "repair") == 0)
		return repair();
	if (strcmp(mode, "untraced") == 0)
		return traced_from_unseen_child();
	if (strcmp(mode, "grandchild") == 0)
		return allow_grandchildren();
	if (strcmp(mode, "work") == 0)
		return work();
	if (argc < 3)
		return 2;
	if (strcmp(mode, "fexecve") == 0)
		return execute_descriptor(argv + 2);
	if (strcmp(mode, "path-at") == 0)
		return execute_at(argv + 2);
	if (strcmp(mode, "filter") == 0)
		return install_filter() ? fail("filter") : main(argc - 1, argv + 1);
	if (strcmp(mode, "undumpable") == 0)
		return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? fail("undumpable") : main(argc - 1, argv + 1);
	return execute(argv + 1);
}
