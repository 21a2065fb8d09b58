/* follow_stops.c - what a stop of a task means: who it is, what it tells, and how the task goes on. */
#include <assert.h>
#include <string.h>
#include <sys/syscall.h>

#include "sys/clock.h"
#include "trace/detach.h"
#include "trace/follow_private.h"

static void forget(struct follow *self, struct task *task)
{
	if (self->state->tracer.watched_tid == task->tid)
		self->state->tracer.watched_tid = 0;
	if (task->process->n_known_tasks == 1)
		follow_leave_space(self, task->process);
	proctree_remove(&self->state->tree, task);
}

/* The first that is heard of a task. */
static enum next_step meet(struct follow *self, struct tracee_stop *stop, struct task **ret_task)
{
	struct follow_state *state = self->state;
	struct procfs_status status;

	if (procfs_read_status(stop->tid, &status) < 0)
		return STEP_RESUME; /* it is gone: its end is the next to be heard of */
	if (state->tracer.births != TRACER_EVERYBODY && status.tgid != state->main_pid)
		return STEP_DETACH; /* a process that was made as threads are */
	if (status.tgid != stop->tid && !proctree_find_process(&state->tree, status.tgid))
		return STEP_DETACH; /* born while its process was detached from */
	if (proctree_add(&state->tree, stop->tid, &status, ret_task) < 0) {
		state->error = -ENOMEM;
		return STEP_RESUME;
	}
	struct process *process = (*ret_task)->process;

	if (follow_is_waited_for(self, stop->tid)) {
		follow_detach_process(self, process);
		return STEP_DETACH;
	}
	if (process->n_known_tasks > 1) {
		follow_begin_probation(*ret_task);
		return STEP_RESUME;
	}
	if (self->phase == FOLLOW_BEFORE_EXEC)
		return STEP_RESUME;
	const struct process *parent = proctree_find_process(&state->tree, status.parent_pid);

	process->flags |= parent ? parent->flags & PROCESS_NEEDS_STOPS : 0;
	follow_compare(self, process, status.parent_pid);
	if (process->space)
		return STEP_RESUME;
	if (follow_passes_over(self, process, status.parent_pid))
		return STEP_DETACH;
	/* Where it does not stand at its very beginning, nothing can be put into it. */
	if (stop->event != TRACEE_STOPPED)
		follow_enter_space_unseen(self, process);
	else if (follow_enter_space(self, process, stop, EVENT_FORKED) == ARMING_CHANGED_STOP)
		return STEP_START_AGAIN;
	return STEP_RESUME;
}

static void note_program_start(struct follow *self)
{
	struct follow_state *state = self->state;

	self->phase = FOLLOW_RUNNING;
	self->start_ns = clock_now_ns();
	state->running_ns = 0;
	state->last_new_ns = self->start_ns;
	if (state->options.mode != FOLLOW_EVERYBODY)
		state->next_tick_ns = self->start_ns + FOLLOW_COARSE_TICK_US * UINT64_C(1000);
	state->tracer.with_syscalls = state->options.mode == FOLLOW_EVERYBODY;
	follow_cost_begin(self);
}

/* The thread that called took over the leader's id; the leader is gone without a word. */
static void forget_former(struct follow *self, const struct tracee_stop *stop)
{
	struct task *former = proctree_find(&self->state->tree, stop->former_tid);

	if (former && stop->former_tid != stop->tid)
		forget(self, former);
}

static enum next_step on_exec(struct follow *self, struct task *task, struct tracee_stop *stop)
{
	struct process *process = task->process;
	struct procfs_status status;

	forget_former(self, stop);
	proctree_set_state(&self->state->tree, task, TASK_RUNNING);
	process->exit_stop.tid = 0;
	if (self->phase == FOLLOW_BEFORE_EXEC)
		note_program_start(self);
	process->flags &= ~(unsigned int)PROCESS_NEEDS_STOPS;
	if (detach_is_sanitized(stop->tid)) {
		if (self->state->options.mode != FOLLOW_EVERYBODY) {
			self->was_polite = true;
			return STEP_DETACH;
		}
		process->flags |= PROCESS_NEEDS_STOPS;
	}
	if (!self->state->is_capable && detach_make_good(stop) == DETACH_REDONE) {
		self->was_polite = true;
		return STEP_FORGET;
	}
	descriptors_start_anew(&process->descriptors); /* execve(2) unshares them */
	process->flags &= ~(unsigned int)(PROCESS_IS_FOREIGN | PROCESS_IS_HALF_SEEN | PROCESS_IS_FILTERED);
	if (procfs_read_status(stop->tid, &status) < 0)
		status = (struct procfs_status){ .has_seccomp_filter = true };
	if (status.has_seccomp_filter)
		process->flags |= PROCESS_IS_FILTERED;
	if (follow_passes_over(self, process, status.parent_pid))
		return STEP_DETACH;
	return follow_enter_space(self, process, stop, EVENT_EXECED) == ARMING_CHANGED_STOP ? STEP_START_AGAIN
											    : STEP_RESUME;
}

static enum next_step on_syscall_entry(struct follow *self, struct task *task, const struct tracee_stop *stop)
{
	struct task_call *call = &task->call;

	proctree_set_state(&self->state->tree, task, stop->is_native ? TASK_IN_SYSCALL : TASK_RUNNING);
	call->nr = stop->nr;
	if (!stop->is_native) {
		task->process->flags |= PROCESS_IS_FOREIGN;
		if (!syscall_table_translate_foreign(&call->nr))
			call->nr = UINT64_MAX;
	}
	call->row = syscall_table_find(call->nr);
	memcpy(call->args, stop->args, sizeof(call->args));
	enum next_step step = follow_be_polite(self, task, stop);

	if (step != STEP_RESUME)
		return step;
	if (call->row->politeness == SYSCALL_EXECS)
		follow_look(self, task->process, task->tid, EVENT_EXECING);
	else if (stop->is_native)
		follow_call_entry(self, task);
	return follow_needs_exit(task) ? STEP_RESUME_TO_EXIT : STEP_RESUME;
}

/* Exit is the state that a task never leaves, but by an exec that another thread called for it. */
static void set_running(struct follow *self, struct task *task)
{
	if (task->state == TASK_IN_SYSCALL)
		proctree_set_state(&self->state->tree, task, TASK_RUNNING);
}

static enum next_step on_syscall_exit(struct follow *self, struct task *task, const struct tracee_stop *stop)
{
	if (task->state == TASK_IN_SYSCALL && stop->is_native) {
		set_running(self, task);
		follow_call_exit(self, task, stop->result);
	}
	/* Who serves it must be free to answer when we ask for a file there. */
	return task->process->flags & PROCESS_SERVES_FILES ? follow_detach_others_first(self, task, stop)
							   : STEP_RESUME;
}

/* One event of a task that is being followed. */
static enum next_step on_event(struct follow *self, struct task *task, struct tracee_stop *stop)
{
	/* A thread may turn up after its process was detached from. */
	if ((task->process->flags & PROCESS_IS_DETACHING) && stop->event != TRACEE_EXITING)
		return STEP_DETACH;
	if (task->n_watched > 0 &&
	    (stop->event == TRACEE_SYSCALL_ENTRY || stop->event == TRACEE_SYSCALL_EXIT))
		return follow_on_watched_stop(self, task, stop);
	switch (stop->event) {
	case TRACEE_CRASHING:
		return follow_on_crash(self, task, stop);
	case TRACEE_SIGNALLED:
		return follow_on_watched_signal(task, stop);
	case TRACEE_SYSCALL: /* an exit that says nothing */
		set_running(self, task);
		return STEP_RESUME;
	case TRACEE_SYSCALL_ENTRY:
		return on_syscall_entry(self, task, stop);
	case TRACEE_SYSCALL_EXIT:
		return on_syscall_exit(self, task, stop);
	case TRACEE_EXECED:
		return on_exec(self, task, stop);
	case TRACEE_EXITING:
		return follow_exiting(self, task, stop);
	default:
		return STEP_RESUME;
	}
}

/* A task whose end was told. Of one that was never met the process is not known: any may wait for it. */
static void on_gone(struct follow *self, pid_t tid)
{
	struct task *task = proctree_find(&self->state->tree, tid);

	if (task && task->process->exit_stop.tid == tid)
		task->process->exit_stop.tid = 0;
	if (task)
		forget(self, task);
	follow_reconsider_exits(self, 0);
}

/* Is the affinity of the task without meaning until its next stop? */
static enum onecpu_affinity affinity_until_next(const struct task *task, const struct tracee_stop *stop)
{
	if (stop->event == TRACEE_SYSCALL || stop->event == TRACEE_SYSCALL_EXIT)
		return ONECPU_AFFINITY_IS_HIDDEN;
	if (stop->event != TRACEE_SYSCALL_ENTRY || !stop->is_native || !task)
		return ONECPU_AFFINITY_MATTERS;
	const struct syscall_row *row = syscall_table_find(stop->nr);

	return (row->flags & SYSCALL_KEEPS_AFFINITY) || follow_is_plain_read(task->process, row, stop->args)
		       ? ONECPU_AFFINITY_IS_HIDDEN
		       : ONECPU_AFFINITY_MATTERS;
}

/* True if no other task executes anything that is of interest, nor this one without stops: it has its
 * affinity back then. */
static bool is_alone(const struct proctree *tree, const struct task *task)
{
	if (task && task->state == TASK_WITHOUT_STOPS)
		return false;
	return tree->n_running == (task && task->state == TASK_RUNNING ? 1 : 0);
}

static void resume(struct follow *self, struct task *task, const struct tracee_stop *stop,
		   enum onecpu_affinity affinity)
{
	struct follow_state *state = self->state;
	bool was_alone = is_alone(&state->tree, task);

	state->n_stops_in_company += !was_alone;
	follow_cost_note_stop(self, task);
	onecpu_resume(&state->onecpu, &state->tracer, stop, was_alone ? ONECPU_RUNS_ALONE : ONECPU_IN_COMPANY,
		      affinity);
}

/* What the stop asks for. ret_task: NULL if it is of nobody who is followed. */
static enum next_step next_step(struct follow *self, struct tracee_stop *stop, struct task **ret_task)
{
	struct task *task = proctree_find(&self->state->tree, stop->tid);
	struct follow_uses before = { self->state->n_uses, self->state->n_data_uses };
	enum next_step step = STEP_RESUME;

	if (!task)
		step = meet(self, stop, &task);
	*ret_task = task;
	if (!task || step != STEP_RESUME)
		return step;
	task->process->flags |= PROCESS_HAS_RUN;
	step = on_event(self, task, stop);
	return step == STEP_RESUME || step == STEP_RESUME_TO_EXIT
		       ? follow_reconsider_stops(self, task, stop, step, before)
		       : step;
}

void follow_detach(struct follow *self, struct task *task, const struct tracee_stop *stop)
{
	assert(!task || task->process);
	/* Nothing is to remain of us in its address space. */
	if (task && task->process->n_living <= 1)
		follow_leave_space(self, task->process);
	tracee_release(stop);
	if (task)
		forget(self, task);
}

static void take_step(struct follow *self, struct task *task, struct tracee_stop *stop, enum next_step step,
		      enum onecpu_affinity affinity)
{
	struct tracer *tracer = &self->state->tracer;

	if (task)
		task->call.needs_exit = step == STEP_RESUME_TO_EXIT;
	switch (step) {
	case STEP_RESUME_WITHOUT_STOPS:
		stop->without_syscall_stops = true;
		resume(self, task, stop, affinity);
		break;
	case STEP_RESUME:
	case STEP_RESUME_TO_EXIT:
		resume(self, task, stop, affinity);
		break;
	case STEP_WATCH:
		tracer->watched_tid = stop->tid;
		tracee_resume(tracer, stop);
		break;
	case STEP_DETACH:
		follow_detach(self, task, stop);
		break;
	case STEP_FORGET:
		if (task)
			forget(self, task);
		break;
	case STEP_HOLD:
	case STEP_START_AGAIN:
		break;
	}
}

void follow_stop(struct follow *self, struct tracee_stop *stop)
{
	struct follow_state *state = self->state;
	struct task *task = proctree_find(&state->tree, stop->tid);
	enum next_step step = STEP_START_AGAIN;

	if (stop->event == TRACEE_SYSCALL &&
	    !(task && task->state == TASK_IN_SYSCALL && !task->call.needs_exit))
		tracee_read_syscall(stop);
	enum onecpu_affinity affinity = affinity_until_next(task, stop);

	onecpu_note_stop(&state->onecpu, stop->tid, affinity);
	follow_forget_waiting(self, stop->tid); /* it was killed */
	self->n_stops += stop->event != TRACEE_GONE;
	while (step == STEP_START_AGAIN && stop->event != TRACEE_GONE)
		step = next_step(self, stop, &task);
	if (stop->event == TRACEE_GONE) {
		on_gone(self, stop->tid);
		return;
	}
	take_step(self, task, stop, step, affinity);
	if (stop->event == TRACEE_EXITING)
		follow_reconsider_exits(self, 0);
	if (step == STEP_DETACH)
		follow_reconsider_waiting(self, 0);
}
