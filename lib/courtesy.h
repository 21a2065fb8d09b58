/*
 * courtesy.h - when a tracer has to step aside: at the entry of a system call that would go another way
 * because the task is traced.
 *
 * An exec of a set-user-ID, set-group-ID or file-capability program by a traced task runs without
 * the privilege (execve(2)); a traced task cannot be traced by another (ptrace(2): EPERM).
 */
#ifndef PBRUN_COURTESY_H
#define PBRUN_COURTESY_H

#include "proctree.h"

enum courtesy {
	COURTESY_NONE,
	COURTESY_RELEASE_CALLER, /* let this process go, now */
	COURTESY_RELEASE_OTHER,  /* let the process *ret_pid go before the call goes on */
};

/* What the call that task is entering (task->nr, args) asks for. */
enum courtesy courtesy_at_entry(const struct task *task, pid_t *ret_pid);

/* Would an exec of path (set-user-ID ..., or a script whose interpreter is) raise privileges? Then it
 * must not be traced. */
bool courtesy_grants_privilege(const char *path);

#endif
