/* far_wait.c - by the state of a task, the function in which it waits, and its signals. */
#include "sys/far_wait.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/procfs.h"

enum { STATUS_BYTES = 16384 /* a member of hundreds of groups has a long one */ };

#define PATIENCE_NS UINT64_C(1000000000)
#define LOOK_NS 20000000

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

/* What is ignored, stops or continues by default, or leaves a core file: signal(7). */
static const uint64_t not_fatal = BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGSTOP) |
				  BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU) | BIT(SIGQUIT) | BIT(SIGILL) |
				  BIT(SIGTRAP) | BIT(SIGABRT) | BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGBUS) |
				  BIT(SIGSYS) | BIT(SIGXCPU) | BIT(SIGXFSZ);

bool far_wait_is_function(const char *name)
{
	static const char *const beginnings[] = {
		"fuse_", "__fuse_", "request_wait_answer", "nfs", "rpc_",  "__rpc_", "cifs",
		"smb",   "SMB",     "wait_for_response",   "p9_", "v9fs_", "ceph",   "afs_",
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

/* What stands behind a line's key; NULL: there is no such line. */
static const char *value_of(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? line + strlen(key) : NULL;
}

/* "\nSigPnd:\t0000000000004000" */
static uint64_t number_of(const char *status, const char *key, int base)
{
	const char *value = value_of(status, key);

	return value ? strtoull(value, NULL, base) : 0;
}

static bool is_uninterruptible(const char *status)
{
	const char *state = value_of(status, "\nState:\t");

	return state && *state == 'D';
}

static bool waits_far(pid_t tid)
{
	char name[64];

	return procfs_read(tid, "wchan", name, sizeof(name)) > 0 && far_wait_is_function(name);
}

uint64_t far_wait_look(struct far_wait *self, pid_t tid)
{
	char status[STATUS_BYTES];
	struct far_wait now = { 0 };

	if (waits_far(tid) && procfs_read(tid, "status", status, sizeof(status)) > 0 &&
	    is_uninterruptible(status))
		now = (struct far_wait){ clock_now_ns(),
					 number_of(status, "\nvoluntary_ctxt_switches:", 10) };
	if (now.began_ns == 0 || self->began_ns == 0 || now.n_switches != self->n_switches)
		*self = now;
	return now.began_ns - self->began_ns;
}

int far_wait_fatal_signal(const char *status)
{
	uint64_t pending = number_of(status, "\nSigPnd:", 16) | number_of(status, "\nShdPnd:", 16);
	uint64_t held = number_of(status, "\nSigBlk:", 16) | number_of(status, "\nSigIgn:", 16) |
			number_of(status, "\nSigCgt:", 16) | not_fatal;

	return is_uninterruptible(status) && (pending & ~held) ? __builtin_ctzll(pending & ~held) + 1 : 0;
}

void far_wait_make_good(pid_t pid)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;
	char status[STATUS_BYTES];

	while (waits_far(pid) && procfs_read(pid, "status", status, sizeof(status)) > 0 &&
	       far_wait_fatal_signal(status) > 0) {
		if (clock_now_ns() >= until_ns) {
			(void)kill(pid, SIGKILL);
			return;
		}
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
	}
}
