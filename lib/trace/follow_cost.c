/* follow_cost.c - who is followed with less, because it costs too much or tells too little. */
#include <limits.h>
#include <string.h>

#include "sys/clock.h"
#include "trace/follow_private.h"

/* In a launch of so many stops while others were executing, too, ... */
#define MANY_STOPS 16000
/* ... a task that has used no file for so many of its own talks with others, or waits for them. */
#define IDLE_STOPS 500
/* So many are enough of a new thread, and of a task that ran without stops before. */
#define PROBATION_STOPS 200
/* So many without a file that was opened, read or mapped make dry ones (budget.h). */
#define DRY_STOPS 128
/* As much of a command line is read. */
#define MAX_COMMAND_BYTES 4096

static bool is_bounded(const struct follow *self)
{
	const struct follow_options *options = &self->state->options;

	return self->phase != FOLLOW_BEFORE_EXEC && options->mode == FOLLOW_EVERYBODY &&
	       options->cost == FOLLOW_WITHIN_BUDGET;
}

static void note_cut(struct follow *self, enum follow_cut cut)
{
	uint64_t us = self->state->running_ns / 1000;

	if (self->cuts == 0)
		self->cut_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	self->cuts |= cut;
}

void follow_cost_begin(struct follow *self)
{
	struct follow_state *state = self->state;

	state->cpu_before_ns = clock_thread_cpu_ns();
	state->budget.known_ns = state->options.known_us * UINT64_C(1000);
}

void follow_cost_note_stop(struct follow *self, const struct task *task)
{
	bool is_own = task && task->process->pid == self->state->main_pid;
	bool is_dry = task && task->n_dry >= DRY_STOPS;

	budget_note_stop(&self->state->budget,
			 (is_own ? BUDGET_STOP_OWN : 0u) | (is_dry ? BUDGET_STOP_DRY : 0u));
}

/* One whose memory another process has, too, is to be seen until it executes a program. */
static bool may_leave(const struct process *process)
{
	return !(process->flags & (PROCESS_IS_LEAVING | PROCESS_NEEDS_STOPS)) &&
	       (!process->space || process->space->n_users == 1);
}

/* Has all but the program's own process run untraced, each task from its next stop on. Was there any? */
static bool leave_children(struct follow *self)
{
	const struct proctree *tree = &self->state->tree;
	bool has_left = false;

	for (struct process *process = tree->processes; process; process = process->next) {
		if (process->pid == self->state->main_pid || !may_leave(process))
			continue;
		follow_look(self, process, proctree_living_task(tree, process),
			    EVENT_TICK); /* the last one */
		process->flags |= PROCESS_IS_LEAVING;
		note_cut(self, FOLLOW_CUT_CHILDREN);
		has_left = true;
	}
	return has_left;
}

/* From now on as if it were but sampled (FOLLOW_PAGES). What was exact remains so. */
static void go_on_with_pages(struct follow *self)
{
	struct follow_state *state = self->state;
	const struct process *program = proctree_find_process(&state->tree, state->main_pid);

	if (!program || (program->flags & PROCESS_NEEDS_STOPS))
		return;
	note_cut(self, FOLLOW_CUT_PROGRAM);
	follow_lose_sight(self, program);
	state->options.mode = FOLLOW_PAGES;
	state->tracer.with_syscalls = false;
	state->tracer.births = TRACER_THREADS;
	state->tracer.with_crashes = true;
}

void follow_cost_check(struct follow *self)
{
	struct follow_state *state = self->state;

	if (!is_bounded(self))
		return;
	budget_update(&state->budget, clock_thread_cpu_ns() - state->cpu_before_ns, state->running_ns);
	if (!budget_is_spent(&state->budget) || leave_children(self))
		return;
	if (budget_own_is_spent(&state->budget))
		go_on_with_pages(self);
}

/* Where a word of a command line ends, be it for a shell or not: "sh" "-c" "cc -c 'a.c' >log". */
static bool ends_word(char c)
{
	return c == '\0' || strchr(" \t\n'\"`;&|()<>=", c);
}

/* Is the last argument of a child that has just executed a program, options aside, a file that is remembered?
 * Those before it may be common to many, as a script is. Only names are compared: a file system might not
 * answer. */
static bool names_known_file(struct follow *self, pid_t pid)
{
	const struct follow_options *options = &self->state->options;
	char text[MAX_COMMAND_BYTES];
	char directory[PATH_MAX];
	char path[2 * PATH_MAX];
	ssize_t n_bytes = procfs_read(pid, "cmdline", text, sizeof(text));
	const char *last = NULL;
	size_t last_length = 0;

	if (n_bytes <= 0 || procfs_read_link(pid, "cwd", directory) <= 0)
		return false;
	for (const char *word = text + strlen(text) + 1; word < text + n_bytes; word++) {
		size_t length = 0;

		while (!ends_word(word[length])) /* the text is terminated */
			length++;
		if (length > 0 && word[0] != '-') {
			last = word;
			last_length = length;
		}
		word += length;
	}
	if (!last)
		return false;
	snprintf(path, sizeof(path), "%s%s%.*s", last[0] == '/' ? "" : directory, last[0] == '/' ? "" : "/",
		 (int)last_length, last);
	return options->is_known(path, options->known);
}

bool follow_passes_over(struct follow *self, const struct process *process, pid_t parent_pid)
{
	const struct follow_state *state = self->state;
	bool is_child = parent_pid == state->main_pid;

	if (!is_bounded(self) || process->pid == state->main_pid || (process->flags & PROCESS_NEEDS_STOPS))
		return false;
	if (is_child ? !budget_affords_another(&state->budget) : budget_is_spent(&state->budget)) {
		note_cut(self, FOLLOW_CUT_CHILDREN);
		return true;
	}
	if (!is_child || !state->options.is_known || self->phase != FOLLOW_RUNNING ||
	    !names_known_file(self, process->pid))
		return false;
	self->cuts |= FOLLOW_SKIPPED_KNOWN;
	return true;
}

void follow_begin_probation(struct task *task)
{
	task->n_idle = IDLE_STOPS - PROBATION_STOPS;
}

/* Most stops of a program with many threads, which slow each other down, are of idle ones. */
static bool is_idle(const struct follow *self, const struct task *task)
{
	return task->n_idle >= IDLE_STOPS && self->state->n_stops_in_company >= MANY_STOPS;
}

static bool is_too_dry(struct follow *self, const struct task *task)
{
	if (!is_bounded(self) || task->n_dry < DRY_STOPS || !budget_dry_is_spent(&self->state->budget))
		return false;
	note_cut(self, FOLLOW_CUT_NAMES);
	return true;
}

enum next_step follow_reconsider_stops(struct follow *self, struct task *task, const struct tracee_stop *stop,
				       enum next_step step, struct follow_uses before)
{
	struct follow_state *state = self->state;
	struct process *process = task->process;
	bool is_at_exit = stop->event == TRACEE_SYSCALL || stop->event == TRACEE_SYSCALL_EXIT;

	task->n_idle = state->n_uses > before.n ? 0 : task->n_idle + 1;
	task->n_dry = state->n_data_uses > before.n_data ? 0 : task->n_dry + 1;
	if (task->state == TASK_WITHOUT_STOPS) {
		follow_begin_probation(task);
		proctree_set_state(&state->tree, task, TASK_RUNNING);
	}
	if (process->flags & PROCESS_IS_LEAVING)
		return task->state == TASK_EXITING ? step : STEP_DETACH;
	if (!state->tracer.with_syscalls) {
		if (task->state == TASK_IN_SYSCALL) /* nobody will tell of the call's exit */
			proctree_set_state(&state->tree, task, TASK_RUNNING);
		return step;
	}
	if (!is_at_exit || task->state != TASK_RUNNING ||
	    (process->flags & (PROCESS_IS_FOREIGN | PROCESS_NEEDS_STOPS)) ||
	    !(is_idle(self, task) || is_too_dry(self, task)))
		return step;
	follow_lose_sight(self, process);
	proctree_set_state(&state->tree, task, TASK_WITHOUT_STOPS);
	return STEP_RESUME_WITHOUT_STOPS;
}
