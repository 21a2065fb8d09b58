/*
 * tracee.h - following a process tree with ptrace(2). ptrace is used in tracee*.c alone.
 *
 * One thread does all of it: the kernel ties a tracee to the thread that attached. Attached with
 * PTRACE_SEIZE, so the tracee gets no SIGSTOP, and group stops and job control work as without a
 * tracer (ptrace(2), "Group-stop"). Children are attached by the kernel as they are born. If the
 * tracer dies, the kernel detaches from its tracees, unharmed.
 */
#ifndef PBRUN_TRACEE_H
#define PBRUN_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cleanup.h"
#include "trace/stub.h"

enum tracee_event {
	TRACEE_NOTHING,   /* a signal handler of ours ran (a timer) */
	TRACEE_NONE_LEFT, /* no tracee is left */
	TRACEE_SYSCALL,   /* with_syscalls only: tracee_read_syscall() makes one of the next two of it */
	TRACEE_SYSCALL_ENTRY,
	TRACEE_SYSCALL_EXIT,
	TRACEE_EXECED,    /* the new address space stands, nothing in it has run yet */
	TRACEE_EXITING,   /* the task is about to go; its address space is still there */
	TRACEE_STOPPED,   /* at rest: the first stop of a new child or thread, after
			     tracee_interrupt(), or at the begin or end of a job control stop */
	TRACEE_CRASHING,  /* with_crashes only: about to get a signal that tells of a fault of its own */
	TRACEE_SIGNALLED, /* watched_tid only: about to get another one */
	TRACEE_GONE,      /* exited or killed: no stop, nothing to resume */
};

struct tracee_stop {
	pid_t tid;
	enum tracee_event event;
	int signal;          /* to be delivered when resumed or released */
	bool is_job_control; /* private: a job control stop, in which it remains when resumed or released */
	bool without_syscall_stops; /* set by the caller: resumed without stops at its system calls, until
			 another one */
	/* TRACEE_SYSCALL_ENTRY and _EXIT: */
	bool is_native;   /* the system call is of this program's own architecture and ABI */
	uint64_t nr;      /* at an exit: that of its entry, as far as the caller noted it: not set */
	uint64_t args[6]; /* at an entry */
	int64_t result;   /* at an exit: -errno in case of failure */
	/* TRACEE_EXITING: as waitpid(2) will give it to the parent */
	int wait_status;
	/* TRACEE_EXECED: */
	pid_t former_tid; /* the thread that called execve(2), if it was not the leader */
};

/* Who is attached to at birth, at a stop of its own and one of its parent. */
enum tracer_births {
	TRACER_THREADS,   /* what clone(2) makes */
	TRACER_EVERYBODY, /* and fork(2) and vfork(2) */
	TRACER_NOBODY,
};

struct tracer {
	bool with_syscalls; /* stop at each system call's entry and exit; may be changed at any time */
	pid_t watched_tid; /* this task does so in any case, and when it is to get a signal; 0: none; likewise
			    */
	bool with_crashes; /* tell of SIGSEGV, SIGABRT and their like */
	enum tracer_births births; /* of those that tracee_seize() attaches to from now on */
};

/*
 * Attaches to the running task tid. Fails with -EPERM under Yama's ptrace_scope unless tid allowed it
 * (PR_SET_PTRACER), -EPERM if it is traced already, -ESRCH. The task runs on until its next event.
 */
must_check int tracee_seize(const struct tracer *tracer, pid_t tid);

/*
 * Waits for the next event. Signals on their way to a tracee are passed on here and not reported, but for
 * those. Except for TRACEE_NOTHING, _NONE_LEFT and _GONE the task stays stopped until tracee_resume(),
 * tracee_release() or tracee_inject(). The calling process has no children but tracees, and such whose end
 * sends no signal (clone(2)). 0 or -errno of waitpid(2).
 */
must_check int tracee_wait(const struct tracer *tracer, struct tracee_stop *ret_stop);

/* Finds out about a TRACEE_SYSCALL. Each entry is followed by the exit, unless the task executes another
 * program (TRACEE_EXECED, then the exit) or ends: who is not interested in an exit need not ask. */
void tracee_read_syscall(struct tracee_stop *stop);

/* Lets a stopped task run on. A task that is gone meanwhile is no error: its end is reported. */
void tracee_resume(const struct tracer *tracer, const struct tracee_stop *stop);

/* Lets a stopped task run on, untraced, with the signal that it is owed. */
void tracee_release(const struct tracee_stop *stop);

/* Asks a running task for a stop: TRACEE_STOPPED follows, or another event that comes first. */
void tracee_interrupt(pid_t tid);

/*
 * Makes a task that stands at TRACEE_EXECED, or a forked child that has its address space for itself and
 * stands at its first TRACEE_STOPPED, execute up to two system calls that do not wait, and leaves its
 * registers and signal mask as they were. The code for it is put into its vDSO (stub.h).
 *
 * The task is safe at every moment: if the tracer dies, the task makes the calls that are left by itself, and
 * goes on as if nothing had been. So what calls have begun other calls are to end, the same list.
 *
 * returned() is told what each call returned (-errno as the call itself does), while the task stands at its
 * end.
 *
 * Returns 0; -ENOSYS not on this architecture or not for a foreign-ABI task; -ENOENT it has no vDSO with
 * room for it; in these cases nothing was done. -EBUSY it did not come through the calls within some stops:
 * it stands, and makes the rest by itself. -ESRCH: it was killed meanwhile, see tracee_is_ending().
 */
must_check int tracee_inject(struct tracee_stop *stop, const struct stub_call *calls, size_t n_calls,
			     void (*returned)(size_t index, int64_t result, void *context), void *context);

/* Is the stop one of a task's end: TRACEE_EXITING or TRACEE_GONE? After tracee_inject() that is to be dealt
 * with in place of the stop that it was. */
bool tracee_is_ending(const struct tracee_stop *stop);

/* What a program finds in its memory when it starts: addresses. */
struct tracee_start {
	uint64_t name; /* AT_EXECFN, getauxval(3): how it was named, or the script that it executes */
	uint64_t args; /* argv */
};
/* Of a task that stands at TRACEE_EXECED. 0 or -errno. */
must_check int tracee_read_start(const struct tracee_stop *stop, struct tracee_start *ret_start);

/*
 * Has a task that stands at TRACEE_EXECED execute path, untraced, with the environment and the arguments that
 * it was given, but for the first n_skipped: it gets the privileges that the exec would have granted. 0: it
 * is released, and should the exec fail it goes on with the program that it has. Otherwise as
 * tracee_inject(), and -EIO.
 */
must_check int tracee_release_to_exec(struct tracee_stop *stop, const char *path, uint64_t n_skipped);

/* Copies size bytes at address of the task's memory, or fewer if not all is readable. The number of
 * bytes, or -errno. */
must_check ssize_t tracee_read_memory(pid_t tid, uint64_t address, void *ret_data, size_t size);

#endif
