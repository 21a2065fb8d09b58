/* seccomp.c - has a child try what a filter may kill for. */
#include "sys/seccomp.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/cleanup.h"
#include "sys/clock.h"

static bool has_filter(void)
{
	return prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
}

/* What the launcher calls, and programs seldom do. With -1 for each argument they all fail. */
static void make_calls(void)
{
	static const int numbers[] = { SYS_openat2, SYS_statx,   SYS_preadv2,   SYS_faccessat2,
				       SYS_fstatfs, SYS_statfs,  SYS_getxattr,  SYS_pipe2,
				       SYS_clone3,  SYS_mincore, SYS_getrandom, SYS_prlimit64 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)syscall(numbers[i], -1L, -1L, -1L, -1L, -1L, -1L);
	(void)prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	(void)prctl(PR_GET_CHILD_SUBREAPER, -1L);
	(void)fcntl(-1, F_DUPFD_CLOEXEC, 3);
	(void)kill(getpid(), 0);
}

/* False: it was killed, or does not come back. */
static bool comes_back(pid_t pid)
{
	uint64_t until_ns = clock_now_ns() + SECCOMP_PATIENCE_MS * UINT64_C(1000000);
	int status = 0;
	pid_t r;

	while ((r = waitpid(pid, &status, __WALL | WNOHANG)) == 0 && clock_now_ns() < until_ns)
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	if (r == 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, __WALL);
	}
	return r == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool seccomp_kills(void)
{
	if (!has_filter())
		return false;
	/* No exit signal: SIGCHLD might stay pending for the program. */
	pid_t pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		make_calls();
		_exit(0);
	}
	/* Without a process to be had there is no launch either, but for the program's. */
	return pid > 0 && !comes_back(pid);
}
