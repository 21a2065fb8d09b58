/*
 * follow_private.h - what the files of follow share. From one to the next a stop goes down only:
 *
 *     follow.c        waits for stops, and knows the time
 *     follow_stops.c  who it is, and what its stop asks for
 *     follow_polite.c who is detached from, so that he is not disturbed
 *     follow_exits.c  when a process ends
 *     follow_spaces.c address spaces: new ones, shared ones, moments to look at them
 *     follow_files.c  what a system call says of files
 *     follow_outside.c what the files are called for us, of which others have other names
 *     follow_threads.c threads of whose births nobody tells
 *     follow_cost.c   who is followed with less, since it costs too much
 *     follow_emit.c   tells
 */
#ifndef PBRUN_FOLLOW_PRIVATE_H
#define PBRUN_FOLLOW_PRIVATE_H

#include "sys/far_mounts.h"
#include "trace/budget.h"
#include "trace/follow.h"
#include "trace/mapped_files.h"
#include "trace/onecpu.h"
#include "trace/procpath.h"
#include "trace/proctree.h"
#include "trace/view.h"

/* A task that waits, at the entry of its call, until a process is detached from; it may be its own. */
#define FOLLOW_MAX_WAITING 32
struct waiting_task {
	struct tracee_stop stop; /* tid 0: there is none */
	pid_t for_pid;
	uint64_t deadline_ns;
};

struct follow_state {
	struct follow_options options;
	struct tracer tracer;
	struct proctree tree;
	struct known_files files;
	struct mapped_files maps;
	struct far_mounts *far_mounts; /* NULL: nobody asked yet */
	struct views views;            /* of those with PROCESS_IS_ELSEWHERE */
	struct onecpu onecpu;
	struct budget budget;
	uint64_t cpu_before_ns; /* of this thread, at the exec */
	pid_t main_pid;
	struct tracee_stop main_stop; /* in FOLLOW_MAIN_HELD */
	struct waiting_task waiting[FOLLOW_MAX_WAITING];
	pid_t last_tid;      /* that stopped last */
	uint64_t running_ns; /* since the exec, while nobody stood still for us or waited for the disk */
	uint64_t n_stops_in_company; /* while others were executing, too */
	uint64_t last_new_ns;        /* when something new was last told */
	uint64_t next_tick_ns;
	uint64_t n_uses;      /* counts up with each use of a file by a system call */
	uint64_t n_data_uses; /* of them: a file was opened, read or mapped, not only a name looked up */
	uint64_t next_wait_look_ns;
	int n_news;      /* since the last tick: emit() returned 1 */
	bool is_capable; /* privs_may_trace_all(): its tracees raise privileges as others do */
	int error;       /* what emit() or an allocation failed with: following ends */
};

/* Whose mappings a list from /proc holds. */
enum maps_age {
	MAPS_ARE_NEW,  /* those of one that has not run since */
	MAPS_ARE_LATE, /* those of one that may have used them before they are registered now */
};

/* Pages are looked at about so often where no system call stops. */
#define FOLLOW_COARSE_TICK_US 100000

/* What a stop asks for. */
enum next_step {
	STEP_RESUME,               /* let the task run to its next stop */
	STEP_RESUME_TO_EXIT,       /* the same, and find out there what the call returned */
	STEP_RESUME_WITHOUT_STOPS, /* let it run, without stops at its system calls, until another stop */
	STEP_WATCH,                /* let it run with stops at its system calls, though others have none */
	STEP_HOLD,                 /* leave it standing: who asks for that keeps the stop, to resume it */
	STEP_DETACH,               /* let it run on, untraced, and forget it */
	STEP_FORGET,               /* it runs on, untraced, already; or it is gone */
	STEP_START_AGAIN, /* it has gone on meanwhile: the stop is another one now, to be dealt with anew */
};

/* For tasks to come to a stop when they are to be detached from, and for the last of a process to come to its
 * exit. */
#define FOLLOW_PATIENCE_NS (UINT64_C(500) * 1000 * 1000)

/* follow_stops.c: deals with one stop, and resumes the task, or not, as it asks for. Errors: state->error. */
void follow_stop(struct follow *self, struct tracee_stop *stop);
/* Lets a stopped task run on, untraced, and forgets it; task NULL: it was not known. */
void follow_detach(struct follow *self, struct task *task, const struct tracee_stop *stop);

/* follow_polite.c. At the entry of task->call: STEP_RESUME if nobody need step aside (detach.h). */
enum next_step follow_be_polite(struct follow *self, struct task *task, const struct tracee_stop *stop);
/* Detaches from the task's process, and from the task itself last, when the others are free. */
enum next_step follow_detach_others_first(struct follow *self, struct task *task,
					  const struct tracee_stop *stop);
/* Asks every task of the process for a stop, at which it is detached from. */
void follow_detach_process(struct follow *self, struct process *process);
/* Stands somebody at the entry of a call until this task is detached from? */
bool follow_is_waited_for(const struct follow *self, pid_t tid);
/* Who waits so goes on if that has come, or is waited for in vain. now_ns: 0 if it is not known. */
void follow_reconsider_waiting(struct follow *self, uint64_t now_ns);
/* A stop of a task: it does not wait any more. */
void follow_forget_waiting(struct follow *self, pid_t tid);
/* At TRACEE_CRASHING. Without system call stops nobody tells that a crash handler is about to have its
 * process traced. So there are some for it. */
enum next_step follow_on_crash(struct follow *self, struct task *task, const struct tracee_stop *stop);
/* At TRACEE_SIGNALLED, and at each of these stops. */
enum next_step follow_on_watched_signal(struct task *task, const struct tracee_stop *stop);
enum next_step follow_on_watched_stop(struct follow *self, struct task *task, const struct tracee_stop *stop);

/* follow_cost.c. The program begins. */
void follow_cost_begin(struct follow *self);
/* A stop of task, NULL if it is of nobody who is followed. */
void follow_cost_note_stop(struct follow *self, const struct task *task);
/* Now and then: is it too much? Then others than the program are to run untraced, or the program without
 * system call stops. */
void follow_cost_check(struct follow *self);
/* Is a child that stands at its beginning, or has just executed a program, to run untraced? */
bool follow_passes_over(struct follow *self, const struct process *process, pid_t parent_pid);
/* A new thread is watched for a while before it may lose its stops. */
void follow_begin_probation(struct task *task);
/* After a stop that asked for STEP_RESUME or STEP_RESUME_TO_EXIT: STEP_RESUME_WITHOUT_STOPS or STEP_DETACH if
 * this would do, else step. The state's counts of uses as they were before the stop. */
struct follow_uses {
	uint64_t n;
	uint64_t n_data;
};
enum next_step follow_reconsider_stops(struct follow *self, struct task *task, const struct tracee_stop *stop,
				       enum next_step step, struct follow_uses before);

/* follow_exits.c: a task stands at its exit. */
enum next_step follow_exiting(struct follow *self, struct task *task, const struct tracee_stop *stop);
/* Tasks that are held at their exit go on when they are the last of their process, or when that takes too
 * long. now_ns: 0 if it is not known. */
void follow_reconsider_exits(struct follow *self, uint64_t now_ns);

/* follow_threads.c. Is it FOLLOW_PAGES with FOLLOW_THREADS_LATER from its beginning? */
bool follow_has_late_threads(const struct follow *self);
/* Attaches to the program's threads that are not known yet. Nobody stops. */
void follow_meet_threads(struct follow *self);

/* follow_spaces.c. A new address space: after an exec, or of a forked child that has one. */
enum arming { ARMED_OR_NOT, ARMING_CHANGED_STOP /* killed meanwhile: stop tells how far it is */ };
enum arming follow_enter_space(struct follow *self, struct process *process, struct tracee_stop *stop,
			       enum event_kind kind);
/* The same where nothing can be put into it. */
void follow_enter_space_unseen(struct follow *self, struct process *process);
void follow_leave_space(struct follow *self, struct process *process);
/* What a new process has in common with its parent, or, if that is none of ours, with anybody: it may get its
 * address space by that. */
void follow_compare(struct follow *self, struct process *child, pid_t parent_pid);
/* Somebody is to look at the pages of process, through its task tid, for the reason kind: EVENT_TICK,
 * EVENT_EXECING or EVENT_EXITING. */
void follow_look(struct follow *self, struct process *process, pid_t tid, enum event_kind kind);
/* EVENT_TICK for each process that may have touched anything since. */
void follow_look_at_all(struct follow *self);
/* What is known of a process, and those with the same memory, may change unseen from now on. */
void follow_lose_sight(struct follow *self, const struct process *process);

/* follow_files.c. At the entry of task->call: what is about to vanish. */
void follow_call_entry(struct follow *self, struct task *task);
/* Does the exit of the call say anything? */
bool follow_needs_exit(const struct task *task);
/* At its exit, where that was needed. */
void follow_call_exit(struct follow *self, struct task *task, int64_t result);
/* Is it a call that waits for nothing but a disk, if for anything? */
bool follow_is_disk_call(const struct task *task);
/* Does the call read a descriptor that is known to be a regular file, a pipe or a socket? */
bool follow_is_plain_read(const struct process *process, const struct syscall_row *row, const uint64_t *args);

/*
 * follow_outside.c. What a process names by path, which is from the root of its mount namespace (procfs has
 * it so), and /proc/TID/WHAT leads to: under which path (PATH_MAX, changed in place) it is to be had by us,
 * and what it is there. False: it is none of our business, not there any more, or EVENT_OUT_OF_REACH was
 * told.
 */
bool follow_find_file(struct follow *self, const struct process *process, pid_t tid, const char *what,
		      char *path, struct stat *ret_st);
/* The same of what is mapped. */
bool follow_find_mapped(struct follow *self, const struct process *process, pid_t tid,
			const struct procmaps_entry *entry, char *path, struct stat *ret_st);
/* The same of a name that a process looked up, and that may be missing; base is where it begins. */
bool follow_find_name(struct follow *self, const struct process *process, pid_t tid, enum procpath_base base,
		      char *path);

/* follow_emit.c. Is a file under this path any of our business? Not what lives in memory anyway, and not what
 * is excluded.
 */
bool follow_is_of_interest(const struct follow *self, const char *path);
/* Tells, with the time, the process's id and the number of its address space filled in. */
void follow_emit(struct follow *self, const struct process *process, struct event event);
/* From now on a fault in [start, end) maps one page only. EVENT_IS_EXACT or 0: it cannot be had. */
unsigned int follow_register(const struct process *process, uint64_t start, uint64_t end);
/* Tells all mappings of files, as /proc/TID/maps has them. */
void follow_emit_maps(struct follow *self, const struct process *process, pid_t tid, enum maps_age age);

#endif
