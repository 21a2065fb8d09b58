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
	DETACH_CALLER, /* detach from the caller's process, now */
	DETACH_OTHER,  /* detach from the process *ret_pid before the call goes on */
};

/* What the call that task is entering (task->call) asks for. */
enum detach detach_at_entry(const struct task *task, pid_t *ret_pid);

/* Would an exec of path (set-user-ID ..., or a script whose interpreter is) raise privileges? Then it
 * must not be traced. */
bool detach_grants_privilege(const char *path);

enum detach_redo {
	DETACH_NOTHING_LOST, /* or it cannot be helped */
	DETACH_REDONE,       /* the task is on its way, untraced */
	DETACH_STOP_CHANGED, /* it was killed meanwhile: stop says how far it is */
};

/*
 * After an exec that was traced without a stop at its entry, the task standing at TRACEE_EXECED: if that cost
 * the program privileges, has it executed again, untraced.
 */
must_check enum detach_redo detach_make_good(struct tracee_stop *stop);

#endif
