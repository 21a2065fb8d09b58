/* follow_exits.c - the end of a process, which is that of its last task. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "trace/follow_private.h"

/* A thread may reach its exit before anything was heard of one that it has just made. */
static bool has_unmet_tasks(const struct process *process, pid_t tid)
{
	struct procfs_status status;

	return procfs_read_status(tid, &status) == 0 && status.n_threads > process->n_known_tasks;
}

/* Dead, though its parent or tracer was not told: of a leader nobody is, before its threads are gone. */
static bool is_dead(pid_t tid)
{
	char state = procfs_read_state(tid);

	return state == 0 || state == 'Z' || state == 'X';
}

/* Has every task of the process reached its exit, that at which it is held included? */
static bool has_ended(struct follow *self, const struct process *process, pid_t tid)
{
	struct proctree *tree = &self->state->tree;

	for (size_t i = 0; i < PROCTREE_N_BUCKETS && process->n_living > 0; i++)
		for (struct task *task = tree->buckets[i]; task; task = task->next)
			if (task->process == process && task->state != TASK_EXITING && is_dead(task->tid))
				proctree_set_state(tree, task, TASK_EXITING);
	return process->n_living == 0 && !has_unmet_tasks(process, tid);
}

/* The call in which a task stands, -1: none; or -errno. */
static int64_t current_call(pid_t tid)
{
	char text[32];
	ssize_t n = procfs_read(tid, "syscall", text, sizeof(text));

	return n <= 0 ? -EIO : strtoll(text, NULL, 10);
}

/* Does a task that stands at its exit, the first of its process to do so, take all others with it? */
static bool takes_all_along(const struct process *process, const struct tracee_stop *stop)
{
	static const int with_core[] = { SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
					 SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };

	if (WIFSIGNALED(stop->wait_status)) {
		/* Before Linux 5.16 a core dump waits for all of them to come further than this stop. */
		for (size_t i = 0; i < sizeof(with_core) / sizeof(with_core[0]); i++)
			if (WTERMSIG(stop->wait_status) == with_core[i])
				return false;
		return true;
	}
	return !(process->flags & PROCESS_IS_FOREIGN) && current_call(stop->tid) == SYS_exit_group;
}

/* The last of its process stands at its exit. */
static enum next_step on_end(struct follow *self, struct process *process, const struct tracee_stop *stop)
{
	follow_look(self, process, stop->tid, EVENT_EXITING);
	follow_leave_space(self, process);
	if (process->pid != self->state->main_pid)
		return STEP_RESUME;
	self->phase = FOLLOW_MAIN_HELD;
	self->wait_status = stop->wait_status;
	self->state->main_stop = *stop;
	return STEP_HOLD;
}

/*
 * Where threads are met late, the leader's exit is the one that is sure to be seen. It ends the process, with
 * all that are not known, unless it called exit(2) for itself alone: then they are met, and the last of them
 * counts.
 */
static enum next_step on_exit_among_strangers(struct follow *self, struct process *process,
					      const struct tracee_stop *stop)
{
	const struct task *leader = proctree_find(&self->state->tree, process->pid);

	if (self->phase != FOLLOW_RUNNING || (leader && leader->state != TASK_EXITING))
		return STEP_RESUME;
	if (current_call(stop->tid) == SYS_exit) {
		follow_meet_threads(self);
		if (process->n_living > 0)
			return STEP_RESUME;
	}
	return on_end(self, process, stop);
}

/*
 * The end of a process is that of its last task. But not each is seen at its exit. One that is killed while
 * it stands, at its exit or elsewhere, may go on from there before anything was heard of that, or be resumed
 * from both stops at once. So when all are on their way to their exit, because of exit_group(2) or a signal,
 * the first to come to it is held until the others have passed theirs, or are dead.
 */
enum next_step follow_exiting(struct follow *self, struct task *task, const struct tracee_stop *stop)
{
	struct process *process = task->process;

	proctree_set_state(&self->state->tree, task, TASK_EXITING);
	if (follow_has_late_threads(self))
		return on_exit_among_strangers(self, process, stop);
	if (self->phase == FOLLOW_BEFORE_EXEC || process->exit_stop.tid != 0)
		return STEP_RESUME;
	if (process->n_living == 0 && !has_unmet_tasks(process, stop->tid))
		return on_end(self, process, stop);
	if ((process->flags & (PROCESS_IS_DETACHING | PROCESS_IS_LEAVING)) || !takes_all_along(process, stop))
		return STEP_RESUME;
	if (has_ended(self, process, stop->tid))
		return on_end(self, process, stop);
	process->exit_stop = *stop;
	process->exit_deadline_ns = clock_now_ns() + FOLLOW_PATIENCE_NS;
	return STEP_HOLD;
}

/* The task that is held at its exit goes on when it is the last, or when that takes too long. */
static void reconsider_exit(struct follow *self, struct process *process, uint64_t now_ns)
{
	struct tracee_stop stop = process->exit_stop;
	enum next_step step = STEP_RESUME;

	if (stop.tid == 0)
		return;
	if (has_ended(self, process, stop.tid))
		step = on_end(self, process, &stop);
	else if (now_ns < process->exit_deadline_ns)
		return;
	process->exit_stop.tid = 0;
	if (step == STEP_RESUME)
		tracee_resume(&self->state->tracer, &stop);
}

void follow_reconsider_exits(struct follow *self, uint64_t now_ns)
{
	for (struct process *process = self->state->tree.processes; process; process = process->next)
		reconsider_exit(self, process, now_ns);
}
