/*
 * tracing.h - follows a target from its start to its end.
 */
#ifndef PBRUN_TEST_TRACING_H
#define PBRUN_TEST_TRACING_H

#include "target.h"
#include "trace/tracee.h"

/* A number by which a test knows a call of its target. */
#define MARK 0x1234u

static struct tracer tracer;

static inline struct tracee_stop wait_for_stop(void)
{
	struct tracee_stop stop;

	do
		ck_assert_int_eq(tracee_wait(&tracer, &stop), 0);
	while (stop.event == TRACEE_NOTHING);
	if (stop.event == TRACEE_SYSCALL)
		tracee_read_syscall(&stop);
	return stop;
}

/* Everything is let run until a stop of this kind. */
static inline struct tracee_stop run_to(enum tracee_event event)
{
	struct tracee_stop stop = wait_for_stop();

	while (stop.event != event) {
		ck_assert_int_ne(stop.event, TRACEE_NONE_LEFT);
		tracee_resume(&tracer, &stop);
		stop = wait_for_stop();
	}
	return stop;
}

/* Runs on from stop to the end of everybody. False: nobody saw pid before its exit. */
static inline bool run_to_any_end(struct tracee_stop stop, pid_t pid, int wait_status)
{
	bool has_exited = false;

	for (; stop.event != TRACEE_NONE_LEFT; stop = wait_for_stop()) {
		if (stop.event == TRACEE_EXITING && stop.tid == pid) {
			ck_assert_int_eq(stop.wait_status, wait_status);
			has_exited = true;
		}
		if (stop.event != TRACEE_GONE)
			tracee_resume(&tracer, &stop);
	}
	return has_exited;
}

static inline void run_to_end(struct tracee_stop stop, pid_t pid, int wait_status)
{
	ck_assert(run_to_any_end(stop, pid, wait_status));
}

static inline pid_t start(const char *name, void (*prepare)(void))
{
	pid_t pid = target_fork(name, prepare);

	ck_assert_int_eq(tracee_seize(&tracer, pid), 0);
	target_go();
	return pid;
}

static inline struct tracee_stop start_to_exec(const char *name, void (*prepare)(void))
{
	pid_t pid = start(name, prepare);
	struct tracee_stop stop = run_to(TRACEE_EXECED);

	ck_assert_int_eq(stop.tid, pid);
	return stop;
}

/* A target that went well, as waitpid(2) gives it. */
#define GOOD_END (TARGET_STATUS << 8)

/* A child tries it on its parent: what it attached to is free when it ends. */
static inline bool can_trace(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(tracee_seize(&tracer, getppid()) < 0);
	return waitpid(pid, &status, __WALL) == pid && status == 0;
}

#endif
