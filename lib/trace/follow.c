/* follow.c - the loop that waits for stops, and what time brings. */
#include "trace/follow.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "sys/clock.h"
#include "sys/far_wait.h"
#include "sys/privs.h"
#include "trace/follow_private.h"

/* How often the observer wakes up in FOLLOW_EVERYBODY, and by that how finely the order of pages is known;
 * and otherwise. */
#define FINE_TICK_US 10000
/* And for threads of which nobody tells. */
#define THREADS_TICK_US 20000
/* Looking at pages may take this share of the time: one part in so many. */
#define LOOK_SHARE 16
/* Who waits so long for a far file system is not followed any more; and how often that is looked at. */
#define FAR_WAIT_NS 250000000u
#define FAR_WAIT_LOOK_NS 50000000u
/* For the kernel to change from the observer to the program and back, on one CPU. */
#define SWITCH_NS 3000u
/* What takes longer may have been a wait for the disk. */
#define LONG_NS 60000u

uint64_t follow_elapsed_ns(const struct follow *self)
{
	return self->phase == FOLLOW_BEFORE_EXEC ? 0 : clock_now_ns() - self->start_ns;
}

static void on_alarm(int signal)
{
	(void)signal; /* it only interrupts waitpid(2) */
}

static uint32_t tick_us(const struct follow *self)
{
	if (self->state->options.mode == FOLLOW_EVERYBODY)
		return FINE_TICK_US;
	return follow_has_late_threads(self) ? THREADS_TICK_US : FOLLOW_COARSE_TICK_US;
}

/* A timer that comes again, so that an alarm just before waitpid(2) is not the last one. */
static void start_ticking(const struct follow *self)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct timeval period = { .tv_usec = tick_us(self) };
	struct itimerval tick = { .it_interval = period, .it_value = period };
	sigset_t alarm_only;

	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

static void stop_ticking(void)
{
	struct itimerval never = { 0 };

	setitimer(ITIMER_REAL, &never, NULL);
}

int follow_attach(struct follow *self, pid_t pid, const struct follow_options *options)
{
	memset(self, 0, sizeof(*self));
	self->state = calloc(1, sizeof(*self->state));
	if (!self->state)
		return -ENOMEM;
	struct follow_state *state = self->state;

	state->options.mode = FOLLOW_TO_EXIT;
	if (!procfs_is_ours())
		return -EOPNOTSUPP;
	state->options = *options;

	/* System calls are of interest from the exec on. */
	state->tracer =
		(struct tracer){ .with_syscalls = false, .with_crashes = options->mode != FOLLOW_EVERYBODY };
	if (options->mode == FOLLOW_EVERYBODY)
		state->tracer.births = TRACER_EVERYBODY;
	else if (options->mode == FOLLOW_PAGES && options->threads == FOLLOW_THREADS_LATER)
		state->tracer.births = TRACER_NOBODY;
	state->main_pid = pid;
	state->is_capable = privs_may_trace_all();
	if (options->mode == FOLLOW_EVERYBODY)
		onecpu_init(&state->onecpu);
	return tracee_seize(&state->tracer, pid);
}

/* A look at everybody's pages, now and then. Without system call stops ever more rarely. */
static void tick(struct follow *self, uint64_t now)
{
	struct follow_state *state = self->state;
	uint64_t pause = FINE_TICK_US * UINT64_C(1000) / 2;

	if (state->options.mode != FOLLOW_EVERYBODY)
		pause = FOLLOW_COARSE_TICK_US * UINT64_C(1000) / 2 + (now - self->start_ns) / 2;
	follow_look_at_all(self);
	uint64_t took = clock_now_ns() - now;

	state->next_tick_ns = now + took + (took * LOOK_SHARE > pause ? took * LOOK_SHARE : pause);
	if (state->n_news > 0)
		state->last_new_ns = now;
	state->n_news = 0;
}

/* Whatever time brings: looks at pages, the end of patience. */
static void on_time(struct follow *self, uint64_t now)
{
	struct follow_state *state = self->state;

	onecpu_reconsider(&state->onecpu);
	follow_reconsider_exits(self, now);
	follow_reconsider_waiting(self, now);
	if (self->phase == FOLLOW_BEFORE_EXEC)
		return;
	if (follow_has_late_threads(self))
		follow_meet_threads(self);
	if (state->options.mode == FOLLOW_TO_EXIT)
		state->last_new_ns = now; /* it does not look for anything new */
	else if (now >= state->next_tick_ns)
		tick(self, now);
}

/* Waits somebody for a file system that may never answer? Nothing could end him but SIGKILL. Looked at while
 * nothing happens. */
static bool keeps_alive(struct follow *self, uint64_t now)
{
	struct follow_state *state = self->state;
	bool is_long = false;

	if (now < state->next_wait_look_ns || self->phase == FOLLOW_BEFORE_EXEC)
		return false;
	state->next_wait_look_ns = now + FAR_WAIT_LOOK_NS;
	for (struct process *process = state->tree.processes; process; process = process->next)
		is_long |= far_wait_look(&process->far_wait, process->pid) >= FAR_WAIT_NS;
	return is_long;
}

static void list_left(struct follow *self)
{
	for (const struct process *process = self->state->tree.processes;
	     process && self->n_left < FOLLOW_MAX_LEFT; process = process->next)
		self->left[self->n_left++] = process->pid;
}

static bool window_is_over(const struct follow *self, uint64_t now)
{
	const struct follow_state *state = self->state;

	if (self->phase == FOLLOW_BEFORE_EXEC)
		return false;
	return now - self->start_ns >= (uint64_t)state->options.window_ms * 1000000 ||
	       now - state->last_new_ns >= (uint64_t)state->options.quiet_ms * 1000000;
}

/* How much of took_ns, until this stop, the task would have taken had all been in memory. */
static uint64_t without_disk(struct task *task, uint64_t took_ns)
{
	if (took_ns < LONG_NS) {
		task->short_ns += took_ns;
		return took_ns;
	}
	uint64_t before_ns = task->on_cpu_ns + task->short_ns;
	bool is_known = task->on_cpu_ns > 0;

	task->on_cpu_ns = procfs_on_cpu_ns(task->tid);
	task->short_ns = 0;
	if (!is_known || task->on_cpu_ns == 0 ||
	    (task->state == TASK_IN_SYSCALL && !follow_is_disk_call(task)))
		return took_ns;
	uint64_t ran_ns = task->on_cpu_ns > before_ns ? task->on_cpu_ns - before_ns : 0;

	return ran_ns < took_ns ? ran_ns : took_ns;
}

/* Waits for the next stop. Meanwhile the program runs, but for the way to us and back. */
static int wait_for_stop(struct follow *self, struct tracee_stop *ret_stop)
{
	struct follow_state *state = self->state;
	uint64_t began_ns = clock_now_ns();
	int r = tracee_wait(&state->tracer, ret_stop);
	uint64_t took_ns = clock_now_ns() - began_ns;

	if (r < 0)
		return r;
	if (ret_stop->event != TRACEE_NOTHING) /* else the one that runs on */
		state->last_tid = ret_stop->tid;
	struct task *task = proctree_find(&state->tree, state->last_tid);

	if (task && state->tracer.with_syscalls)
		took_ns = without_disk(task, took_ns);
	state->running_ns += took_ns > SWITCH_NS ? took_ns - SWITCH_NS : 0;
	return 0;
}

static int run_to_milestone(struct follow *self)
{
	struct follow_state *state = self->state;
	struct tracee_stop stop;
	uint64_t next_time_ns = 0;

	while (state->error == 0) {
		int r = wait_for_stop(self, &stop);
		uint64_t now = 0;

		if (r < 0)
			return r;
		if (stop.event == TRACEE_NONE_LEFT)
			return FOLLOW_ALL_GONE;
		if (stop.event != TRACEE_NOTHING)
			follow_stop(self, &stop);
		/* The tick may be lost among many stops. */
		if (stop.event == TRACEE_NOTHING || (self->n_stops & 63) == 0) {
			now = clock_now_ns();
			follow_cost_check(self);
		}
		if (now >= next_time_ns && now > 0 && self->phase != FOLLOW_MAIN_HELD) {
			next_time_ns = now + (uint64_t)tick_us(self) * 1000 / 2;
			on_time(self, now);
			if (self->phase != FOLLOW_MAIN_HELD &&
			    (window_is_over(self, now) ||
			     (stop.event == TRACEE_NOTHING && keeps_alive(self, now))))
				return FOLLOW_WINDOW_CLOSED;
		}
		if (self->phase == FOLLOW_MAIN_HELD)
			return FOLLOW_MAIN_EXITING;
	}
	return state->error;
}

int follow_run(struct follow *self)
{
	struct follow_state *state = self->state;

	if (self->phase == FOLLOW_MAIN_HELD) {
		self->phase = FOLLOW_MAIN_GONE;
		tracee_resume(&state->tracer, &state->main_stop);
	}
	start_ticking(self);
	int milestone = run_to_milestone(self);

	if (milestone == FOLLOW_WINDOW_CLOSED)
		follow_look_at_all(self);
	stop_ticking();
	onecpu_reconsider(&state->onecpu);
	if (state->error < 0)
		milestone = state->error;
	if (milestone == FOLLOW_WINDOW_CLOSED || milestone < 0)
		list_left(self);
	if (milestone != FOLLOW_MAIN_EXITING)
		proctree_release(&state->tree); /* nothing is to remain of us in an address space */
	return milestone;
}

void follow_release(struct follow *self)
{
	if (!self->state)
		return;
	onecpu_release(&self->state->onecpu);
	proctree_release(&self->state->tree);
	known_files_release(&self->state->files);
	mapped_files_release(&self->state->maps);
	views_release(&self->state->views);
	far_mounts_free(self->state->far_mounts);
	free(self->state);
	self->state = NULL;
}
