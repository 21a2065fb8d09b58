/*
 * deny CALL[=ACTION][,CALL[=ACTION]]... PROGRAM ARG...
 *
 * Executes PROGRAM under a seccomp filter that refuses system calls, each a number or one of the names below,
 * with an errno (a number; EPERM), or kills for them: kill (the process), kill-thread, trap (SIGSYS).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_CALLS = 64 };

static const struct {
	const char *name;
	unsigned int nr;
} calls[] = {
	{ "clone", SYS_clone },
	{ "clone3", SYS_clone3 },
	{ "close_range", SYS_close_range },
	{ "faccessat2", SYS_faccessat2 },
	{ "fstatfs", SYS_fstatfs },
	{ "getxattr", SYS_getxattr },
	{ "kcmp", SYS_kcmp },
	{ "mincore", SYS_mincore },
	{ "openat2", SYS_openat2 },
	{ "pidfd_getfd", SYS_pidfd_getfd },
	{ "pidfd_open", SYS_pidfd_open },
	{ "prctl", SYS_prctl },
	{ "preadv2", SYS_preadv2 },
	{ "process_vm_readv", SYS_process_vm_readv },
	{ "ptrace", SYS_ptrace },
	{ "readahead", SYS_readahead },
	{ "setsid", SYS_setsid },
	{ "statx", SYS_statx },
	{ "userfaultfd", SYS_userfaultfd },
};

static unsigned int parse_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].nr;
	char *end = NULL;
	unsigned long nr = strtoul(name, &end, 10);

	if (end == name || *end) {
		fprintf(stderr, "deny: %s: no such call here\n", name);
		exit(2);
	}
	return (unsigned int)nr;
}

/* What a filter returns for "5", "kill", ... */
static unsigned int parse_action(const char *text)
{
	if (strcmp(text, "kill") == 0)
		return SECCOMP_RET_KILL_PROCESS;
	if (strcmp(text, "kill-thread") == 0)
		return SECCOMP_RET_KILL_THREAD;
	if (strcmp(text, "trap") == 0)
		return SECCOMP_RET_TRAP;
	return SECCOMP_RET_ERRNO | (unsigned int)atoi(text);
}

int main(int argc, char **argv)
{
	struct sock_filter filter[2 * MAX_CALLS + 2];
	unsigned short n = 0;
	char *rest = NULL;

	if (argc < 3)
		return 2;
	filter[n++] =
		(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (char *call = strtok_r(argv[1], ",", &rest); call && n < 2 * MAX_CALLS;
	     call = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(call, '=');
		unsigned int action = equals ? parse_action(equals + 1) : SECCOMP_RET_ERRNO | EPERM;

		if (equals)
			*equals = '\0';
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, parse_call(call), 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = n, .filter = filter };

	if ((geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0) {
		perror("deny");
		return 77;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
