/* follow_polite.c - steps aside where a tracer would be in the way. */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "sys/clock.h"
#include "trace/detach.h"
#include "trace/follow_private.h"

/* A crash handler shows within so many that it wants a tracer. */
#define WATCHED_STOPS 1000

/* From here. */
static bool is_traced(pid_t tid)
{
	struct procfs_status status;

	return procfs_read_status(tid, &status) == 0 && status.tracer_tid == gettid();
}

bool follow_is_waited_for(const struct follow *self, pid_t tid)
{
	for (size_t i = 0; i < FOLLOW_MAX_WAITING; i++) {
		const struct waiting_task *waiting = &self->state->waiting[i];

		if (waiting->stop.tid != 0 && waiting->for_pid == tid)
			return true;
	}
	return false;
}

/* The one that is tid; 0: a free one. NULL: there is none. */
static struct waiting_task *find_waiting(struct follow *self, pid_t tid)
{
	for (size_t i = 0; i < FOLLOW_MAX_WAITING; i++)
		if (self->state->waiting[i].stop.tid == tid)
			return &self->state->waiting[i];
	return NULL;
}

void follow_forget_waiting(struct follow *self, pid_t tid)
{
	struct waiting_task *waiting = find_waiting(self, tid);

	if (waiting)
		waiting->stop.tid = 0;
}

void follow_detach_process(struct follow *self, struct process *process)
{
	if (process->flags & PROCESS_IS_DETACHING)
		return;
	process->flags |= PROCESS_IS_DETACHING;
	for (size_t i = 0; i < PROCTREE_N_BUCKETS; i++)
		for (struct task *task = self->state->tree.buckets[i]; task; task = task->next)
			if (task->process == process && task->state != TASK_EXITING)
				tracee_interrupt(task->tid);
}

/* Detaches from the process of task wanted, which may not have been met yet. The task of stop stands at its
 * entry until that is done, unless too many do. */
static enum next_step hold_for_detach(struct follow *self, const struct tracee_stop *stop, pid_t wanted)
{
	struct process *process = proctree_find_process_of(&self->state->tree, wanted);
	struct waiting_task *waiting = find_waiting(self, 0);

	self->was_polite = true;
	if (process)
		follow_detach_process(self, process);
	if (!waiting)
		return STEP_RESUME;
	*waiting = (struct waiting_task){ *stop, process ? process->pid : wanted,
					  clock_now_ns() + FOLLOW_PATIENCE_NS };
	return STEP_HOLD;
}

enum next_step follow_detach_others_first(struct follow *self, struct task *task,
					  const struct tracee_stop *stop)
{
	struct process *process = task->process;

	follow_look(self, process, task->tid, EVENT_TICK); /* the last one */
	if (process->n_living > 1 && hold_for_detach(self, stop, process->pid) == STEP_HOLD)
		return STEP_HOLD;
	self->was_polite = true;
	follow_detach_process(self, process);
	return STEP_DETACH;
}

/* Not even the program that is to be executed is looked at where that could take for ever. */
static bool may_look(struct follow *self, const struct task *task)
{
	struct follow_state *state = self->state;

	if (task->call.row->politeness == SYSCALL_EXECS && !state->far_mounts)
		state->far_mounts = far_mounts_new();
	return !state->far_mounts || detach_may_look(task, state->far_mounts);
}

/* In the PID namespace of the caller, which is so far below ours. */
static bool has_number(pid_t tid, pid_t number, const struct task *caller, size_t level)
{
	char namespace[64];

	if (procfs_number_at(tid, level) != number)
		return false;
	snprintf(namespace, sizeof(namespace), "/proc/%d/ns/pid", caller->tid);
	return procfs_pid_level(tid) > level || procfs_is_same(tid, "ns/pid", namespace);
}

/* Whom a task knows by a number of its own PID namespace: our number for him, 0 if he is not followed. A
 * child may be known so before its own first stop is seen. */
static pid_t find_followed(const struct follow *self, const struct task *caller, pid_t number)
{
	enum { MAX_CHILDREN = 256 };
	pid_t children[MAX_CHILDREN];
	const struct proctree *tree = &self->state->tree;
	size_t level = procfs_pid_level(caller->tid);

	if (level == 0)
		return is_traced(number) ? number : 0;
	for (size_t i = 0; i < PROCTREE_N_BUCKETS; i++)
		for (const struct task *task = tree->buckets[i]; task; task = task->next)
			if (has_number(task->tid, number, caller, level))
				return task->tid;
	size_t n = procfs_read_children(caller->process->pid, children, MAX_CHILDREN);

	for (size_t i = 0; i < n; i++)
		if (has_number(children[i], number, caller, level) && is_traced(children[i]))
			return children[i];
	return 0;
}

enum next_step follow_be_polite(struct follow *self, struct task *task, const struct tracee_stop *stop)
{
	pid_t other = 0;

	if (!may_look(self, task))
		return STEP_RESUME;
	switch (detach_at_entry(task, &other)) {
	case DETACH_CALLER_UNLESS_CAPABLE:
		/* The record is for others, too, who have to know. */
		self->was_polite = true;
		if (self->state->is_capable)
			break;
		follow_detach_process(self, task->process);
		return STEP_DETACH;
	case DETACH_CALLER:
		self->was_polite = true;
		follow_detach_process(self, task->process);
		return STEP_DETACH;
	case DETACH_FOR:
		if (find_followed(self, task, other) > 0)
			break;
		return follow_detach_others_first(self, task, stop);
	case DETACH_PROCESS:
		return follow_detach_others_first(self, task, stop);
	case DETACH_OTHER:
		other = find_followed(self, task, other);
		if (other == 0 || proctree_find_process_of(&self->state->tree, other) == task->process)
			break;
		return hold_for_detach(self, stop, other);
	case DETACH_NONE:
		break;
	}
	return STEP_RESUME;
}

enum next_step follow_on_crash(struct follow *self, struct task *task, const struct tracee_stop *stop)
{
	switch (detach_at_crash(stop)) {
	case DETACH_LAST_HANDLER:
		return follow_detach_others_first(self, task, stop);
	case DETACH_ANY_HANDLER:
		task->n_nested = task->n_watched > 0 ? task->n_nested + 1 : 0;
		task->n_watched = WATCHED_STOPS;
		return STEP_WATCH;
	case DETACH_NO_HANDLER:
		break;
	}
	return STEP_RESUME;
}

enum next_step follow_on_watched_signal(struct task *task, const struct tracee_stop *stop)
{
	task->n_nested += detach_at_crash(stop) != DETACH_NO_HANDLER;
	return STEP_WATCH;
}

/* A handler has returned, perhaps the one that could help. */
static void leave_handler(struct task *task)
{
	if (task->n_nested > 0)
		task->n_nested--;
	else
		task->n_watched = 0;
}

enum next_step follow_on_watched_stop(struct follow *self, struct task *task, const struct tracee_stop *stop)
{
	task->n_watched--;
	if (stop->event == TRACEE_SYSCALL_ENTRY && stop->is_native) {
		task->call = (struct task_call){ .row = syscall_table_find(stop->nr), .nr = stop->nr };
		memcpy(task->call.args, stop->args, sizeof(stop->args));
		if (detach_in_handler(task) != DETACH_NONE)
			return follow_detach_others_first(self, task, stop);
		if (stop->nr == SYS_rt_sigreturn && task->n_watched > 0)
			leave_handler(task);
	}
	if (task->n_watched > 0)
		return STEP_WATCH;
	self->state->tracer.watched_tid = 0;
	return STEP_RESUME;
}

static void reconsider_waiting(struct follow *self, struct waiting_task *waiting, uint64_t now_ns)
{
	struct follow_state *state = self->state;
	struct tracee_stop stop = waiting->stop;
	struct task *task = proctree_find(&state->tree, stop.tid);
	const struct process *wanted = proctree_find_process(&state->tree, waiting->for_pid);
	bool is_own = task && task->process == wanted;
	bool is_free = wanted ? is_own && wanted->n_living == 1 : !is_traced(waiting->for_pid);

	if (now_ns < waiting->deadline_ns && !is_free)
		return;
	waiting->stop.tid = 0;
	if (is_own)
		follow_detach(self, task, &stop);
	else
		tracee_resume(&state->tracer, &stop);
}

void follow_reconsider_waiting(struct follow *self, uint64_t now_ns)
{
	for (size_t i = 0; i < FOLLOW_MAX_WAITING; i++)
		if (self->state->waiting[i].stop.tid != 0)
			reconsider_waiting(self, &self->state->waiting[i], now_ns);
}
