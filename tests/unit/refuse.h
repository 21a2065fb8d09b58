/*
 * refuse.h - makes system calls fail, as on an older kernel or under a filter of a container.
 */
#ifndef PBRUN_TEST_REFUSE_H
#define PBRUN_TEST_REFUSE_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* From now on, in the calling thread and its children, the system call nr comes to that, one of SECCOMP_RET_.
 * False: filters cannot be had here. */
static inline bool filter_call(long nr, unsigned int action)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(rules) / sizeof(rules[0]), .filter = rules };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* ... the system call nr fails with error. */
static inline bool refuse_call(long nr, int error)
{
	return filter_call(nr, SECCOMP_RET_ERRNO | (unsigned int)error);
}

#endif
