#include "trace/collect.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "sys/clock.h"
#include "sys/procfs.h"
#include "trace/collect_private.h"

/* How often the observer wakes up to train, and by that how finely the order of pages is known; and
 * otherwise. */
#define TRAIN_TICK_US 10000
#define SAMPLE_TICK_US 100000
/* Scanning may take this share of the time: one part in so many. */
#define SCAN_SHARE 16
/* For the kernel to change from the observer to the program and back, on one CPU. */
#define SWITCH_NS 3000u
/* What takes longer may have been a wait for the disk. */
#define LONG_NS 60000u

uint64_t collect_elapsed_ns(const struct collect *self)
{
	return self->has_execed ? clock_now_ns() - self->start_ns : 0;
}

static void on_alarm(int signal)
{
	(void)signal; /* it only interrupts waitpid(2) */
}

static uint32_t tick_us(const struct collect *self)
{
	return self->state->options.mode == COLLECT_TRAIN ? TRAIN_TICK_US : SAMPLE_TICK_US;
}

/* A timer that comes again, so that an alarm just before waitpid(2) is not the last one. */
static void start_ticking(const struct collect *self)
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

int collect_attach(struct collect *self, pid_t pid, const struct collect_options *options)
{
	memset(self, 0, sizeof(*self));
	pageset_init(&self->seen);
	self->state = calloc(1, sizeof(*self->state));
	if (!self->state)
		return -ENOMEM;
	if (!procfs_is_ours())
		return -EOPNOTSUPP;
	struct collect_state *state = self->state;

	state->options = *options;
	/* System calls are of interest from the exec on. */
	state->tracer =
		(struct tracer){ .with_syscalls = false, .with_children = options->mode == COLLECT_TRAIN };
	state->fileuse = (struct fileuse){ .pageset = &self->seen,
					   .n_files_left = FILEUSE_MAX_FILES,
					   .n_lookups_left = FILEUSE_MAX_LOOKUPS };
	state->main_pid = pid;
	if (options->mode == COLLECT_TRAIN)
		onecpu_init(&state->onecpu);
	return tracee_seize(&state->tracer, pid);
}

/* One of the scans now and then. Sampling looks ever more rarely. 0 or -ENOMEM. */
static int scan_in_time(struct collect *self, uint64_t now)
{
	struct collect_state *state = self->state;
	bool trains = state->options.mode == COLLECT_TRAIN;
	uint64_t pause = (uint64_t)tick_us(self) * 1000 / 2 + (trains ? 0 : (now - self->start_ns) / 2);
	int r = collect_scan_all(self);
	uint64_t took = clock_now_ns() - now;

	state->next_scan_ns = now + took + (took * SCAN_SHARE > pause ? took * SCAN_SHARE : pause);
	if (state->fileuse.n_new != state->last_n_new)
		state->last_new_ns = now;
	state->last_n_new = state->fileuse.n_new;
	return r;
}

/* Whatever time brings: scans, the end of the window, the end of patience. True: the window is over. */
static bool on_time(struct collect *self, int *ret_error)
{
	struct collect_state *state = self->state;
	uint64_t now = clock_now_ns();

	onecpu_reconsider(&state->onecpu);
	if (state->has_waiting_stop && (now >= state->waiting_deadline_ns ||
					!collect_find_process_of(self, (pid_t)state->waiting_stop.args[1])))
		collect_resume_waiting(self);
	if (!self->has_execed)
		return false;
	if (state->options.mode == COLLECT_EXIT_ONLY)
		state->last_new_ns = now; /* it does not look for anything new */
	else if (now >= state->next_scan_ns) {
		*ret_error = scan_in_time(self, now);
	}
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
	if (!is_known || task->on_cpu_ns == 0 || (task->in_syscall && !fileuse_is_disk_call(task)))
		return took_ns;
	uint64_t ran_ns = task->on_cpu_ns > before_ns ? task->on_cpu_ns - before_ns : 0;

	return ran_ns < took_ns ? ran_ns : took_ns;
}

/* Waits for the next stop. Meanwhile the program runs, but for the way to us and back. */
static int wait_for_stop(struct collect *self, struct tracee_stop *ret_stop)
{
	struct collect_state *state = self->state;
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
	return r;
}

static int run_to_milestone(struct collect *self)
{
	struct collect_state *state = self->state;
	struct tracee_stop stop;
	uint64_t next_look_ns = 0;

	for (;;) {
		int r = wait_for_stop(self, &stop);

		if (r < 0)
			return r;
		if (stop.event == TRACEE_NONE_LEFT)
			return COLLECT_ALL_GONE;
		if (stop.event != TRACEE_NOTHING)
			r = collect_dispatch(self, &stop);
		if (r < 0)
			return r;
		if (state->holds_main && !state->main_is_gone) {
			state->main_is_gone = true;
			return COLLECT_MAIN_EXITING;
		}
		/* The tick may be lost among many stops. */
		uint64_t now = stop.event == TRACEE_NOTHING || (self->n_stops & 63) == 0 ? clock_now_ns() : 0;

		if (now < next_look_ns)
			continue;
		next_look_ns = now + (uint64_t)tick_us(self) * 1000 / 2;
		if (on_time(self, &r))
			return COLLECT_WINDOW_CLOSED;
		if (r < 0)
			return r;
	}
}

int collect_run(struct collect *self)
{
	struct collect_state *state = self->state;

	if (state->holds_main) {
		state->holds_main = false;
		tracee_resume(&state->tracer, &state->main_stop);
	}
	start_ticking(self);
	int milestone = run_to_milestone(self);

	if (milestone == COLLECT_WINDOW_CLOSED && self->has_execed) {
		int r = collect_scan_all(self);

		if (r < 0)
			milestone = r;
	}
	stop_ticking();
	onecpu_reconsider(&state->onecpu);
	self->n_new = state->fileuse.n_new;
	if (milestone != COLLECT_MAIN_EXITING)
		proctree_release(&state->tree); /* nothing is to remain of us in an address space */
	return milestone;
}

void collect_release(struct collect *self)
{
	if (self->state) {
		onecpu_release(&self->state->onecpu);
		proctree_release(&self->state->tree);
		procmaps_text_release(&self->state->maps_text);
		free(self->state);
		self->state = NULL;
	}
	pageset_release(&self->seen);
}
