/*
 * detach.h - when a tracer has to step aside: at the entry of a system call that would go another way
 * because the task is traced.
 *
 * An exec of a set-user-ID, set-group-ID or file-capability program by a traced task runs without
 * the privilege (execve(2)), unless its tracer has CAP_SYS_PTRACE (privs_may_trace_all()); a traced task
 * cannot be traced by another (ptrace(2): EPERM). The latter is what LeakSanitizer and crash handlers do to
 * their own process, from a child that no tracer is to see (CLONE_UNTRACED), or by a process that was running
 * before (PR_SET_PTRACER). And who serves a file system, or is asked before files are opened, must not stand
 * still for a tracer that asks for such a file.
 */
#ifndef PBRUN_DETACH_H
#define PBRUN_DETACH_H

#include "sys/far_mounts.h"
#include "trace/proctree.h"

enum detach {
	DETACH_NONE,
	DETACH_CALLER,                /* detach from the caller's process, now */
	DETACH_CALLER_UNLESS_CAPABLE, /* the same, but for a tracer with CAP_SYS_PTRACE */
	DETACH_PROCESS, /* detach from the caller's process, and from the caller last, when the others are
			   free */
	DETACH_FOR,     /* the same, unless *ret_pid is followed, whose own call to attach will be seen */
	DETACH_OTHER,   /* detach from the process *ret_pid before the call goes on */
};

/* May detach_at_entry() look at the program that task is about to execute? Not if it lies on a file system
 * that does not answer: the task, which stands still meanwhile, could not be ended by a signal
 * (far_mounts.h). Waits a bounded time. Should such a program be privileged all the same, see
 * detach_make_good(). */
bool detach_may_look(const struct task *task, struct far_mounts *far_mounts);

/* What the call that task is entering (task->call) asks for. */
enum detach detach_at_entry(const struct task *task, pid_t *ret_pid);

enum detach_crash {
	DETACH_NO_HANDLER,
	DETACH_LAST_HANDLER, /* whose program has it traced next, most likely: detach */
	DETACH_ANY_HANDLER,  /* it may repair, as those of Java do: detach_in_handler() tells */
};

/* A task is about to get a signal that tells of a fault of its own, such as SIGSEGV. Has it a handler? */
enum detach_crash detach_at_crash(const struct tracee_stop *stop);

/* In such a handler: does the call that the task is entering look as if its process were to be traced, by a
 * child, or by somebody whom it allows to? */
enum detach detach_in_handler(const struct task *task);

/* Does a process that has this file open serve a file system of FUSE? */
bool detach_is_served_by(const char *path);

/* Would an exec of path (set-user-ID ..., or a script whose interpreter is) raise privileges? Then it
 * must not be traced. */
bool detach_grants_privilege(const char *path);

/* Does the program that the process executes end by tracing itself? Known by the names in it of a sanitizer's
 * runtime with a leak check. To be asked where system calls are not looked at, or may not be. */
bool detach_is_sanitized(pid_t pid);

enum detach_redo {
	DETACH_NOTHING_LOST, /* or it cannot be helped */
	DETACH_REDONE,       /* the task is on its way, untraced */
};

/*
 * After an exec that was traced without a stop at its entry, the task standing at TRACEE_EXECED: if that cost
 * the program privileges, has it executed again, untraced. Not for a tracer with CAP_SYS_PTRACE.
 */
must_check enum detach_redo detach_make_good(struct tracee_stop *stop);

#endif
