/*
 * detach.h - when a tracer has to step aside: at the entry of a system call that would go another way
 * because the task is traced.
 *
 * An exec of a set-user-ID, set-group-ID or file-capability program by a traced task runs without
 * the privilege (execve(2)); a traced task cannot be traced by another (ptrace(2): EPERM).
 */
#ifndef PBRUN_DETACH_H
#define PBRUN_DETACH_H

#include "trace/proctree.h"

enum detach {
	DETACH_NONE,
	DETACH_RELEASE_CALLER, /* let this process go, now */
	DETACH_RELEASE_OTHER,  /* let the process *ret_pid go before the call goes on */
};

/*
 * Gives a system call of another ABI of this machine (32-bit programs, x32) the native number, where it is
 * one that detach_at_entry() looks at. Else false.
 */
bool detach_translate_foreign(uint64_t *nr);

/* What the call that task is entering (task->nr, args) asks for. */
enum detach detach_at_entry(const struct task *task, pid_t *ret_pid);

/* Would an exec of path (set-user-ID ..., or a script whose interpreter is) raise privileges? Then it
 * must not be traced. */
bool detach_grants_privilege(const char *path);

/*
 * After an exec that was traced without a stop at its entry, the task standing at TRACEE_EXECED: if that cost
 * the program privileges, has it executed again, untraced. 1: so it was, and the task is released. 0: nothing
 * was lost, or it cannot be helped. -EINTR: stop was changed.
 */
must_check int detach_make_good(struct tracee_stop *stop);

#endif
