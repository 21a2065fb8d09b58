/* onlooker.c - a program and its children, found in /proc again and again, and told of by events. */
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "sys/clock.h"
#include "sys/page.h"
#include "trace/onlooker_private.h"

/* So long the launcher has to become the program. */
#define EXEC_MS 5000
/* Looks come at first so often, and ever more rarely: at an age, after so large a part of it. */
#define FIRST_PAUSE_NS (UINT64_C(3) * 1000 * 1000)
#define LAST_PAUSE_NS (UINT64_C(500) * 1000 * 1000)
#define PAUSE_SHARE 8
/* Looking may take this share of the time: one part in so many. */
#define LOOK_SHARE 10

/* Whoever confines itself further may not be troubled. */
static size_t count_filters(pid_t pid)
{
	struct procfs_status status;

	return procfs_read_status(pid, &status) == 0 ? status.n_seccomp_filters : 0;
}

int onlooker_init(struct onlooker *self, pid_t pid, int pidfd, const struct follow_options *options)
{
	*self = (struct onlooker){ .state = calloc(1, sizeof(*self->state)) };
	if (!self->state)
		return -ENOMEM;
	self->state->options = *options;
	self->state->pid = pid;
	self->state->pidfd = pidfd;
	self->state->maps.excluded = options->excluded;
	self->state->launcher_mark = procfs_exec_mark(pid);
	self->state->n_launcher_filters = count_filters(pid);
	return 0;
}

void onlooker_release(struct onlooker *self)
{
	if (self->state) {
		mapped_files_release(&self->state->maps);
		agent_log_release(&self->state->agent);
	}
	free(self->state);
	self->state = NULL;
}

void onlooker_emit(struct onlooker *self, const struct seen_process *process, uint64_t at_ns,
		   struct event event)
{
	struct onlooker_state *state = self->state;
	uint64_t now_ns = clock_now_ns();
	uint64_t since_ns = at_ns > 0 ? at_ns : now_ns;
	uint64_t us = since_ns > self->start_ns ? (since_ns - self->start_ns) / 1000 : 0;

	if (state->error < 0)
		return;
	event.pid = process->pid;
	event.space = process->space;
	event.time_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	int r = state->options.emit(&event, state->options.context);

	if (r < 0)
		state->error = r;
	else if (r > 0)
		state->last_new_ns = now_ns;
}

void onlooker_emit_maps(struct onlooker *self, const struct seen_process *process, uint64_t at_ns)
{
	struct mapped_files *maps = &self->state->maps;
	struct procmaps_entry entry;
	pid_t tid = process->pid;

	onlooker_emit(self, process, at_ns, (struct event){ .kind = EVENT_MAPS_BEGIN, .tid = tid });
	while (self->state->error == 0 && mapped_files_next(maps, &entry))
		onlooker_emit(self, process, at_ns,
			      (struct event){ .kind = EVENT_MAPPED,
					      .tid = tid,
					      .path = maps->path,
					      .id = &maps->id,
					      .start = entry.start,
					      .end = entry.end,
					      .first_page = entry.offset_bytes >> page_shift() });
	onlooker_emit(self, process, at_ns, (struct event){ .kind = EVENT_MAPS_END, .tid = tid });
}

int onlooker_offer_agent(struct onlooker *self, int *ret_fd)
{
	return agent_log_create(&self->state->agent, ret_fd);
}

static struct seen_process *find_process(struct onlooker_state *state, pid_t pid)
{
	for (size_t i = 0; i < state->n_processes; i++)
		if (state->processes[i].pid == pid)
			return &state->processes[i];
	return NULL;
}

static struct seen_process *add_process(struct onlooker_state *state, pid_t pid)
{
	struct seen_process *process = &state->processes[state->n_processes];

	if (state->n_processes == ONLOOKER_MAX_PROCESSES)
		return NULL;
	state->n_processes++;
	*process = (struct seen_process){ .pid = pid };
	return process;
}

void onlooker_leave_space(struct onlooker *self, const struct seen_process *process, uint64_t at_ns)
{
	/* Its pages can be looked at no more: without a task, nobody tries. */
	onlooker_emit(self, process, at_ns, (struct event){ .kind = EVENT_EXECING });
	onlooker_emit(self, process, at_ns, (struct event){ .kind = EVENT_LEFT });
}

static void look_at(struct onlooker *self, pid_t pid)
{
	struct onlooker_state *state = self->state;
	uint64_t mark = procfs_exec_mark(pid);
	struct seen_process *process = find_process(state, pid);

	if (mark == 0) /* it is gone, or hides */
		return;
	if (!process)
		process = add_process(state, pid);
	if (!process)
		return;
	if (process->space != 0 && process->mark != mark)
		onlooker_leave_space(self, process, 0);
	if (process->mark != mark) {
		process->mark = mark;
		process->space = ++state->n_spaces;
		onlooker_emit(self, process, 0, (struct event){ .kind = EVENT_EXECED, .tid = pid });
	}
	process->last_seen = AT_THIS_LOOK;
	if (count_filters(pid) != state->n_launcher_filters)
		agent_log_confine(&state->agent);
	if (mapped_files_read(&state->maps, pid) < 0)
		return;
	onlooker_emit_maps(self, process, 0);
	onlooker_emit(self, process, 0, (struct event){ .kind = EVENT_TICK, .tid = pid });
}

/* Forgets those that were not there any more. */
static void forget_the_gone(struct onlooker *self)
{
	struct onlooker_state *state = self->state;

	for (size_t i = 0; i < state->n_processes;) {
		struct seen_process *process = &state->processes[i];

		if (process->last_seen == AT_THIS_LOOK) {
			process->last_seen = BEFORE;
			i++;
			continue;
		}
		if (process->pid != state->pid)
			onlooker_leave_space(self, process, 0);
		*process = state->processes[--state->n_processes];
	}
}

static void look(struct onlooker *self)
{
	struct onlooker_state *state = self->state;
	pid_t pids[ONLOOKER_MAX_PROCESSES] = { state->pid };
	size_t n = 1;

	if (state->options.mode == FOLLOW_TO_EXIT)
		n = 0;
	for (size_t i = 0; i < n && state->error == 0; i++) {
		look_at(self, pids[i]);
		n += procfs_read_children(pids[i], pids + n, ONLOOKER_MAX_PROCESSES - n);
	}
	forget_the_gone(self);
	onlooker_listen(self, AGENT_LOG_GOES_ON);
	(void)!procfs_read_cost(state->pid, &self->cost);
	self->n_looks++;
}

/* Waits for the program's end, or for so long. */
static bool has_ended_after(const struct onlooker_state *state, uint64_t pause_ns)
{
	struct pollfd end = { .fd = state->pidfd, .events = POLLIN };
	struct timespec pause = clock_timespec(pause_ns);
	int r = ppoll(&end, state->pidfd >= 0, &pause, NULL);

	if (state->pidfd >= 0)
		return r > 0;
	return kill(state->pid, 0) < 0 && errno == ESRCH; /* a kernel before 5.3, or a filter */
}

/* The first process that is told of is the program, whoever speaks first. */
static void announce(struct onlooker *self)
{
	const struct seen_process program = { .pid = self->state->pid, .space = ++self->state->n_spaces };

	onlooker_emit(self, &program, 0, (struct event){ .kind = EVENT_EXECED });
	onlooker_emit(self, &program, 0, (struct event){ .kind = EVENT_LEFT });
}

/* The launcher's end of waiting is close to its exec, which shows in /proc alone. A program that has ended
 * already has had its own. */
static bool await_exec(struct onlooker *self)
{
	struct onlooker_state *state = self->state;
	uint64_t until_ns = clock_now_ns() + EXEC_MS * UINT64_C(1000000);

	while (procfs_exec_mark(state->pid) == state->launcher_mark && !has_ended_after(state, 500000))
		if (clock_now_ns() > until_ns)
			return false;
	self->start_ns = clock_now_ns();
	state->last_new_ns = self->start_ns;
	return true;
}

static uint64_t pause_after(const struct onlooker *self, uint64_t now_ns, uint64_t took_ns)
{
	uint64_t pause_ns = (now_ns - self->start_ns) / PAUSE_SHARE;

	if (pause_ns < FIRST_PAUSE_NS)
		pause_ns = FIRST_PAUSE_NS;
	if (pause_ns > LAST_PAUSE_NS)
		pause_ns = LAST_PAUSE_NS;
	return took_ns * LOOK_SHARE > pause_ns ? took_ns * LOOK_SHARE : pause_ns;
}

static bool window_is_over(const struct onlooker *self, uint64_t now_ns)
{
	const struct follow_options *options = &self->state->options;

	return now_ns - self->start_ns >= (uint64_t)options->window_ms * 1000000 ||
	       (options->mode != FOLLOW_TO_EXIT &&
		now_ns - self->state->last_new_ns >= (uint64_t)options->quiet_ms * 1000000);
}

int onlooker_run(struct onlooker *self)
{
	struct onlooker_state *state = self->state;
	uint64_t pause_ns = 0;

	if (!await_exec(self))
		return FOLLOW_ALL_GONE;
	announce(self);
	while (!has_ended_after(state, pause_ns)) {
		uint64_t began_ns = clock_now_ns();

		look(self);
		if (state->error < 0)
			return state->error;
		uint64_t now_ns = clock_now_ns();

		if (window_is_over(self, now_ns))
			return FOLLOW_WINDOW_CLOSED;
		pause_ns = pause_after(self, now_ns, now_ns - began_ns);
	}
	onlooker_listen(self, AGENT_LOG_IS_OVER);
	return state->error < 0 ? state->error : FOLLOW_ALL_GONE;
}
