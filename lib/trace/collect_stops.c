/* collect_stops.c - what a stop of a tracee means: who it is, what it uses, whether it is let go. */
#include <string.h>
#include <sys/syscall.h>

#include "sys/clock.h"
#include "trace/collect_private.h"
#include "trace/detach.h"

/* In a launch of so many stops while others were executing, too, ... */
#define MANY_STOPS 16000
/* ... a task that has used no file for so many of its own talks with others, or waits for them. */
#define IDLE_STOPS 500
/* So many are enough of a new thread, and of a task that was let be before. */
#define PROBATION_STOPS 200

uint32_t collect_use_time_us(const struct collect *self)
{
	uint64_t us = self->state->running_ns / 1000;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* Scans one process, once or for the last time. */
static int scan_process(struct collect *self, const struct process *process, pid_t tid)
{
	struct collect_state *state = self->state;
	int r = 0;

	if (!process->addrspace || process->shares_addrspace || process->is_released)
		return 0;
	if (state->options.mode == COLLECT_SAMPLE || process->is_foreign || process->is_half_seen)
		r = addrspace_reload(process->addrspace, tid, true, &self->seen, collect_use_time_us(self),
				     &state->maps_text);
	if (process->pid != state->main_pid)
		addrspace_mark(process->addrspace, PAGESET_BEFORE_EXEC);
	if (r == 0)
		r = addrspace_scan(process->addrspace, tid, 0, UINT64_MAX, collect_use_time_us(self));
	if (r > 0)
		state->fileuse.n_new += (uint64_t)r;
	return r == -ENOMEM ? r : 0; /* else it is gone, or hidden: nothing to be had */
}

/* What stood in system calls all the time since the last look has touched nothing. */
static bool may_have_touched(const struct process *process)
{
	return process->has_run || process->n_in_syscall < process->n_known_tasks;
}

int collect_scan_all(struct collect *self)
{
	const struct proctree *tree = &self->state->tree;
	int r = 0;

	for (struct process *process = tree->processes; process && r == 0; process = process->next) {
		if (may_have_touched(process))
			r = scan_process(self, process, proctree_living_task(tree, process));
		process->has_run = false;
	}
	return r;
}

/* Whoever shares the address space with its owner, who leaves it, has it from now on. */
static void leave_addrspace(struct collect *self, struct process *process)
{
	struct process *heir = process->shares_addrspace ? NULL : self->state->tree.processes;

	while (heir && (heir == process || heir->addrspace != process->addrspace))
		heir = heir->next;
	if (heir && process->addrspace)
		heir->shares_addrspace = false;
	process->shares_addrspace = false;
	process->addrspace = addrspace_unref(process->addrspace);
}

/* A new address space: after an exec, or of a forked child. 0, -ENOMEM, -EINTR: stop was changed. */
static int watch_addrspace(struct collect *self, struct process *process, struct tracee_stop *stop)
{
	struct collect_state *state = self->state;
	int r = 0;

	leave_addrspace(self, process);
	process->addrspace = addrspace_new();
	if (!process->addrspace)
		return -ENOMEM;
	process->is_elsewhere = process_is_elsewhere(process->pid);
	if (state->options.mode != COLLECT_TRAIN)
		return 0;
	if (!process->has_seccomp_filter)
		r = addrspace_arm(process->addrspace, stop);
	if (r == -EINTR || r == -ENOMEM)
		return r;
	r = addrspace_reload(process->addrspace, process->pid, false, &self->seen, collect_use_time_us(self),
			     &state->maps_text);
	return r == -ENOMEM ? r : 0;
}

enum { COMPARE_VM = 1, COMPARE_FILES = 2 }; /* KCMP_VM, KCMP_FILES in <linux/kcmp.h> */

/* Have a new process and its parent that in common? kcmp(2). */
static bool shares(const struct process *child, const struct process *parent, int what)
{
	return syscall(SYS_kcmp, child->pid, parent->pid, what, 0, 0) == 0;
}

/* The first that is heard of a task. 0; 1: it was let go; -ENOMEM, -ESRCH, -EINTR: stop was changed. */
static int meet_task(struct collect *self, struct tracee_stop *stop, struct task **ret_task)
{
	struct collect_state *state = self->state;
	struct procfs_status status;
	bool is_new_process = false;
	int r = procfs_read_status(stop->tid, &status);

	if (r < 0)
		return r;
	if (!state->tracer.with_children && status.tgid != state->main_pid) {
		tracee_release(stop); /* a process that was made as threads are */
		return 1;
	}
	r = proctree_add(&state->tree, stop->tid, &status, ret_task, &is_new_process);
	if (r < 0)
		return r;
	if (!is_new_process) {
		(*ret_task)->n_idle = IDLE_STOPS - PROBATION_STOPS;
		return 0;
	}
	struct process *process = (*ret_task)->process;
	struct process *parent = proctree_find_process(&state->tree, status.parent_pid);

	if (parent && shares(process, parent, COMPARE_FILES)) {
		descriptors_give_up(&process->descriptors);
		descriptors_give_up(&parent->descriptors);
	}
	if (parent && parent->addrspace && shares(process, parent, COMPARE_VM)) { /* as after vfork(2) */
		process->addrspace = addrspace_ref(parent->addrspace);
		process->shares_addrspace = true;
		process->is_elsewhere = parent->is_elsewhere;
		return 0;
	}
	/* Where it does not stand at its very beginning, nothing can be put into it. */
	if (stop->event == TRACEE_STOPPED && self->has_execed)
		return watch_addrspace(self, process, stop);
	process->addrspace = addrspace_new();
	return process->addrspace ? 0 : -ENOMEM;
}

/* 1: it was let go. Else as watch_addrspace(). */
static int on_exec(struct collect *self, struct task *task, struct tracee_stop *stop)
{
	struct collect_state *state = self->state;
	struct procfs_status status;

	if (stop->former_tid && stop->former_tid != stop->tid) {
		/* The thread that called took over the leader's id; the leader is gone without a word. */
		struct task *former = proctree_find(&state->tree, stop->former_tid);

		if (former)
			proctree_remove(&state->tree, former);
		if (task->is_exiting) {
			task->is_exiting = false;
			task->process->n_tasks++;
		}
	}
	proctree_set_in_syscall(&self->state->tree, task, false);
	task->process->is_foreign = false;
	if (!self->has_execed) {
		self->has_execed = true;
		self->start_ns = clock_now_ns();
		state->running_ns = 0;
		state->last_new_ns = self->start_ns;
		state->tracer.with_syscalls = state->options.mode == COLLECT_TRAIN;
	}
	int r = detach_make_good(stop);

	if (r == 1) {
		self->was_courteous = true;
		proctree_remove(&state->tree, task);
	}
	if (r != 0)
		return r;
	descriptors_forget_all(&task->process->descriptors);
	task->process->descriptors.never_known = false; /* execve(2) unshares them */
	task->process->is_half_seen = false;
	task->process->has_seccomp_filter =
		procfs_read_status(stop->tid, &status) < 0 || status.has_seccomp_filter;
	return watch_addrspace(self, task->process, stop);
}

/* For tasks to come to a stop when they are to be let go. */
#define RELEASE_PATIENCE_NS (UINT64_C(500) * 1000 * 1000)

/* Asks every task of the process for a stop, at which it is released. */
static void request_release(struct collect *self, struct process *process)
{
	for (size_t i = 0; i < PROCTREE_N_BUCKETS; i++) {
		for (struct task *task = self->state->tree.buckets[i]; task; task = task->next) {
			if (task->process != process || task->is_exiting || task->is_wanted)
				continue;
			task->is_wanted = true;
			tracee_interrupt(task->tid);
		}
	}
}

/* Lets one stopped task go and forgets it. The others of its process are released at their next stop. */
static void release_task(struct collect *self, struct task *task, const struct tracee_stop *stop)
{
	task->process->is_released = true;
	/* Nothing is to remain of us in its address space. */
	if (task->process->n_tasks <= 1)
		leave_addrspace(self, task->process);
	tracee_release(stop);
	proctree_remove(&self->state->tree, task);
}

struct process *collect_find_process_of(const struct collect *self, pid_t tid)
{
	const struct task *task = proctree_find(&self->state->tree, tid);

	return task ? task->process : NULL;
}

void collect_resume_waiting(struct collect *self)
{
	struct collect_state *state = self->state;

	state->has_waiting_stop = false;
	tracee_resume(&state->tracer, &state->waiting_stop);
}

/* True if the stop was dealt with: its task is released, or stands waiting. */
static bool be_courteous(struct collect *self, struct task *task, const struct tracee_stop *stop)
{
	struct collect_state *state = self->state;
	struct process *wanted;
	pid_t other = 0;

	switch (detach_at_entry(task, &other)) {
	case DETACH_RELEASE_CALLER:
		self->was_courteous = true;
		release_task(self, task, stop);
		return true;
	case DETACH_RELEASE_OTHER:
		wanted = collect_find_process_of(self, other);
		if (state->has_waiting_stop || !wanted || wanted == task->process)
			return false;
		self->was_courteous = true;
		request_release(self, wanted);
		state->waiting_stop = *stop;
		state->has_waiting_stop = true;
		state->waiting_deadline_ns = clock_now_ns() + RELEASE_PATIENCE_NS;
		return true;
	case DETACH_NONE:
		break;
	}
	return false;
}

/* 1: the stop was dealt with. 0: to be resumed. -ENOMEM. */
static int on_syscall_entry(struct collect *self, struct task *task, const struct tracee_stop *stop)
{
	proctree_set_in_syscall(&self->state->tree, task, stop->is_native);
	task->nr = stop->nr;
	task->wants_exit = true;
	if (!stop->is_native) {
		task->process->is_foreign = true;
		if (!detach_translate_foreign(&task->nr))
			return 0;
	}
	memcpy(task->args, stop->args, sizeof(task->args));
	task->wants_exit = fileuse_wants_exit(task);
	if (be_courteous(self, task, stop))
		return 1;
	if (task->nr == SYS_execve || task->nr == SYS_execveat) {
		/* A child of vfork(2) leaves the address space to its parent. */
		if (!task->process->shares_addrspace)
			addrspace_mark(task->process->addrspace, PAGESET_BEFORE_EXEC);
		return scan_process(self, task->process, task->tid); /* the last look, if it succeeds */
	}
	return fileuse_entry(&self->state->fileuse, task, collect_use_time_us(self));
}

static int on_syscall_exit(struct collect *self, struct task *task, const struct tracee_stop *stop)
{
	if (!task->in_syscall || !stop->is_native)
		return 0;
	proctree_set_in_syscall(&self->state->tree, task, false);
	return fileuse_exit(&self->state->fileuse, task, stop->result, collect_use_time_us(self));
}

/* A thread may reach its exit before anything was heard of one that it has just made. */
static bool has_unmet_tasks(const struct task *task)
{
	struct procfs_status status;

	return procfs_read_status(task->tid, &status) == 0 && status.n_threads > task->process->n_known_tasks;
}

/* 1: the main process is to be held. */
static int on_exiting(struct collect *self, struct task *task)
{
	struct process *process = task->process;

	if (!task->is_exiting) {
		task->is_exiting = true;
		proctree_set_in_syscall(&self->state->tree, task, true);
		process->n_tasks--;
	}
	if (process->n_tasks > 0 || !self->has_execed || has_unmet_tasks(task))
		return 0;
	int r = scan_process(self, process, task->tid);

	if (r < 0)
		return r;
	leave_addrspace(self, process);
	return process->pid == self->state->main_pid;
}

/* One event of a task that is being followed. 1: the stop is not to be resumed; else 0 or -errno. */
static int on_stop(struct collect *self, struct task *task, struct tracee_stop *stop)
{
	int r;

	/* A thread may turn up after its process was let go. */
	if ((task->is_wanted || task->process->is_released) && stop->event != TRACEE_EXITING) {
		release_task(self, task, stop);
		return 1;
	}
	switch (stop->event) {
	case TRACEE_SYSCALL: /* an exit that says nothing */
		proctree_set_in_syscall(&self->state->tree, task, false);
		return 0;
	case TRACEE_SYSCALL_ENTRY:
		return on_syscall_entry(self, task, stop);
	case TRACEE_SYSCALL_EXIT:
		return on_syscall_exit(self, task, stop);
	case TRACEE_EXECED:
		return on_exec(self, task, stop);
	case TRACEE_EXITING:
		r = on_exiting(self, task);
		if (r == 1) {
			self->wait_status = stop->wait_status;
			self->state->main_stop = *stop;
			self->state->holds_main = true;
		}
		return r;
	default:
		return 0;
	}
}

static void forget_task(struct collect *self, pid_t tid)
{
	struct task *task = proctree_find(&self->state->tree, tid);

	if (task)
		proctree_remove(&self->state->tree, task);
}

/* Is the affinity of the task without meaning until its next stop? */
static bool is_indifferent_to_affinity(const struct task *task, const struct tracee_stop *stop)
{
	if (stop->event != TRACEE_SYSCALL_ENTRY)
		return stop->event == TRACEE_SYSCALL || stop->event == TRACEE_SYSCALL_EXIT;
	return stop->is_native && task &&
	       (onecpu_is_indifferent_call(stop->nr) ||
		fileuse_is_plain_read(task->process, stop->nr, stop->args));
}

/* What is known of a process may change unseen from now on. */
static void see_half_of(struct collect *self, const struct process *process)
{
	for (struct process *other = self->state->tree.processes; other; other = other->next) {
		if (other != process && other->addrspace != process->addrspace)
			continue;
		other->is_half_seen = true;
		descriptors_give_up(&other->descriptors);
	}
}

/* Lets an idle task be, until another stop (a child is born, a signal comes) brings it back. Most stops of a
 * program with many threads, which slow each other down, are of such. */
static void consider_letting_be(struct collect *self, struct task *task, struct tracee_stop *stop,
				bool uses_file)
{
	struct collect_state *state = self->state;
	bool is_at_exit = stop->event == TRACEE_SYSCALL || stop->event == TRACEE_SYSCALL_EXIT;

	task->n_idle = uses_file ? 0 : task->n_idle + 1;
	if (task->is_let_be)
		task->n_idle = IDLE_STOPS - PROBATION_STOPS;
	proctree_let_be(&state->tree, task, false);
	if (!is_at_exit || task->in_syscall || task->process->is_foreign || task->n_idle < IDLE_STOPS ||
	    state->n_stops_in_company < MANY_STOPS)
		return;
	see_half_of(self, task->process);
	proctree_let_be(&state->tree, task, true);
	stop->lets_be = true;
}

/* True if no other task executes anything that is of interest, and this one is not let be: it has its
 * affinity back then. */
static bool is_alone(const struct proctree *tree, pid_t tid)
{
	const struct task *task = proctree_find(tree, tid);
	size_t n_running = tree->n_tasks - tree->n_in_syscall - tree->n_let_be;

	return n_running == (task && !task->in_syscall);
}

/* Takes in one event. 0 or -errno. */
int collect_dispatch(struct collect *self, struct tracee_stop *stop)
{
	struct collect_state *state = self->state;
	struct task *task = proctree_find(&state->tree, stop->tid);
	uint64_t n_uses = state->fileuse.n_uses;
	int r = 0;

	if (stop->event == TRACEE_SYSCALL && !(task && task->in_syscall && !task->wants_exit))
		tracee_read_syscall(stop);
	bool is_indifferent = is_indifferent_to_affinity(task, stop);

	onecpu_note_stop(&state->onecpu, stop->tid, is_indifferent);
	if (state->has_waiting_stop && state->waiting_stop.tid == stop->tid)
		state->has_waiting_stop = false; /* it was killed */
	if (stop->event == TRACEE_GONE) {
		forget_task(self, stop->tid);
		return 0;
	}
	self->n_stops++;
	if (!task)
		r = meet_task(self, stop, &task);
	if (r == 0) {
		task->process->has_run = true;
		r = on_stop(self, task, stop);
	}
	if (r == -EINTR) { /* killed while a call was put into it: stop tells how far it is */
		task = proctree_find(&state->tree, stop->tid);
		if (stop->event == TRACEE_GONE || !task) {
			forget_task(self, stop->tid);
			return 0;
		}
		r = on_stop(self, task, stop);
	}
	if (r == 1)
		return 0;
	if (r == 0)
		consider_letting_be(self, task, stop, state->fileuse.n_uses != n_uses);
	bool was_alone = is_alone(&state->tree, stop->tid);

	state->n_stops_in_company += !was_alone;
	onecpu_resume(&state->onecpu, &state->tracer, stop, was_alone, is_indifferent);
	return r == -ESRCH ? 0 : r;
}
