/*
 * fail_nth --count COMMAND...
 * fail_nth --count-own COMMAND...
 * fail_nth NUMBER[,NUMBER]... N ERRNO|hang COMMAND...
 *
 * Runs COMMAND, in which the Nth call, counted over all, of the system calls NUMBER... by processes that
 * execute the file called pbrun fails with ERRNO, or is never answered, unless it is one of COMMAND's own
 * first thread. The other processes, such as the program that pbrun starts, have all their calls. The exit
 * status is that of COMMAND; 99 if there was no Nth call, and nothing was done. With --count: prints "NUMBER
 * COUNT" on descriptor 9 for each system call that pbrun made; with --count-own, that COMMAND's first thread
 * made.
 *
 * By seccomp user notification (seccomp_unotify(2)), so that ptrace(2) is left for pbrun.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_NUMBERS = 64,
	MAX_NR = 512,
	HANGS = 0,
	NO_SUCH_CALL_STATUS = 99,
	/* What goes on after COMMAND has ended is answered so long. */
	GRACE_MS = 2000,
};

static struct {
	bool counts;
	bool counts_own;
	unsigned int numbers[MAX_NUMBERS];
	size_t n_numbers;
	unsigned long nth;
	int error;
	unsigned long seen;
	unsigned long counted[MAX_NR];
} task;

static void fail(const char *what)
{
	perror(what);
	exit(77);
}

static void parse_numbers(char *text)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, ",", &rest); word && task.n_numbers < MAX_NUMBERS;
	     word = strtok_r(NULL, ",", &rest))
		task.numbers[task.n_numbers++] = (unsigned int)atoi(word);
}

/* In the child: returns when the filter is there, whose listener took the descriptor that was free. */
static void install_filter(void)
{
	struct sock_filter filter[2 * MAX_NUMBERS + 2];
	unsigned short n = 0;

	filter[n++] =
		(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < task.n_numbers; i++) {
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, task.numbers[i], 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						   task.counts ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = n, .filter = filter };

	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) < 0)
		_exit(77);
}

static bool is_pbrun(unsigned int tid)
{
	char link[64], path[4096];

	snprintf(link, sizeof(link), "/proc/%u/exe", tid);
	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (n < 0)
		return false;
	path[n] = '\0';
	return strcmp(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, "pbrun") == 0;
}

static void answer(pid_t first_pid, int listener)
{
	struct seccomp_notif call = { 0 };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return; /* who asked was killed meanwhile */
	struct seccomp_notif_resp reply = { .id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	bool is_first = (pid_t)call.pid == first_pid;

	/* The first one becomes the program: what it waits for the program waits for. */
	if (is_pbrun(call.pid) &&
	    (task.counts ? is_first || !task.counts_own : !is_first || task.error != HANGS)) {
		task.seen++;
		if (call.data.nr >= 0 && call.data.nr < MAX_NR)
			task.counted[call.data.nr]++;
		if (!task.counts && task.seen == task.nth) {
			if (task.error == HANGS)
				return;
			reply.flags = 0;
			reply.error = -task.error;
		}
	}
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until COMMAND has ended, and those that it left behind, too, or GRACE_MS are over. Its exit status. */
static int serve(pid_t pid, int listener)
{
	int status = 0;
	long until_ms = 0;

	while (until_ms == 0 || now_ms() < until_ms) {
		struct pollfd asked = { .fd = listener, .events = POLLIN };

		(void)poll(&asked, 1, 20);
		if (asked.revents & POLLIN)
			answer(pid, listener);
		else if (asked.revents & POLLHUP && until_ms > 0)
			break;
		if (until_ms == 0 && waitpid(pid, &status, WNOHANG) == pid)
			until_ms = now_ms() + GRACE_MS;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t start(char **command, int listener)
{
	/* With one table of descriptors until the exec: what the child opens is ours, too. */
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0) {
		install_filter();
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0)
		fail("clone");
	for (int i = 0; fcntl(listener, F_GETFD) < 0; i++) {
		if (i == 10000 || waitpid(pid, NULL, WNOHANG) == pid)
			fail("seccomp");
		usleep(1000);
	}
	return pid;
}

int main(int argc, char **argv)
{
	char **command = argv + 2;

	task.counts_own = argc >= 3 && strcmp(argv[1], "--count-own") == 0;
	task.counts = task.counts_own || (argc >= 3 && strcmp(argv[1], "--count") == 0);
	if (!task.counts) {
		if (argc < 5)
			return 2;
		parse_numbers(argv[1]);
		task.nth = strtoul(argv[2], NULL, 10);
		task.error = strcmp(argv[3], "hang") == 0 ? HANGS : atoi(argv[3]);
		command = argv + 4;
	}
	int listener = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(listener);
	int status = serve(start(command, listener), listener);

	if (task.counts) {
		for (int nr = 0; nr < MAX_NR; nr++)
			if (task.counted[nr] > 0)
				dprintf(9, "%d %lu\n", nr, task.counted[nr]);
		return status;
	}
	return task.seen >= task.nth ? status : NO_SUCH_CALL_STATUS;
}
