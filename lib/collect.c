#include "collect.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "courtesy.h"
#include "fileuse.h"
#include "procstat.h"
#include "proctree.h"

/* How often the observer wakes up to train, and by that how finely the order of pages is known; and
 * otherwise. */
#define TRAIN_TICK_US 10000
#define SAMPLE_TICK_US 100000
/* Scanning may take this share of the time: one part in so many. */
#define SCAN_SHARE 8
/* For tasks to come to a stop when everybody is to be let go. */
#define RELEASE_PATIENCE_NS (UINT64_C(500) * 1000 * 1000)

struct collect_state {
	struct collect_options options;
	struct tracer tracer;
	struct proctree tree;
	struct fileuse fileuse;
	struct procmaps_text maps_text;
	pid_t main_pid;
	uint64_t last_new_ns; /* when something new was last seen */
	uint64_t next_scan_ns;
	uint64_t last_n_new;
	uint64_t release_deadline_ns; /* 0: not releasing */
	struct tracee_stop main_stop; /* at COLLECT_MAIN_EXITING */
	bool holds_main;
	bool main_is_gone;
	/* An attacher that waits, at its entry, for a process to be let go. */
	struct tracee_stop waiting_stop;
	bool has_waiting_stop;
	uint64_t waiting_deadline_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t collect_elapsed_ns(const struct collect *self)
{
	return self->has_execed ? now_ns() - self->start_ns : 0;
}

static uint32_t use_time_us(const struct collect *self)
{
	uint64_t us = collect_elapsed_ns(self) / 1000;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
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
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
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
	if (!procstat_proc_is_ours())
		return -EOPNOTSUPP;
	struct collect_state *state = self->state;

	state->options = *options;
	/* System calls are of interest from the exec on. */
	state->tracer =
		(struct tracer){ .with_syscalls = false, .with_children = options->mode == COLLECT_TRAIN };
	state->fileuse = (struct fileuse){ .pageset = &self->seen, .n_lookups_left = FILEUSE_MAX_LOOKUPS };
	state->main_pid = pid;
	return tracee_seize(&state->tracer, pid);
}

/* Scans one process, once or for the last time. */
static int scan_process(struct collect *self, const struct process *process, pid_t tid)
{
	struct collect_state *state = self->state;
	int r = 0;

	if (!process->addrspace || process->shares_addrspace || process->is_released)
		return 0;
	if (state->options.mode == COLLECT_SAMPLE || process->is_foreign)
		r = addrspace_reload(process->addrspace, tid, &self->seen, use_time_us(self),
				     &state->maps_text);
	if (process->pid != state->main_pid)
		addrspace_mark(process->addrspace, PAGESET_BEFORE_EXEC);
	if (r == 0)
		r = addrspace_scan(process->addrspace, tid, 0, UINT64_MAX, use_time_us(self));
	if (r > 0)
		state->fileuse.n_new += (uint64_t)r;
	return r == -ENOMEM ? r : 0; /* else it is gone, or hidden: nothing to be had */
}

static int scan_all(struct collect *self)
{
	const struct proctree *tree = &self->state->tree;
	int r = 0;

	for (const struct process *process = tree->processes; process && r == 0; process = process->next)
		r = scan_process(self, process, proctree_living_task(tree, process));
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
	r = addrspace_reload(process->addrspace, process->pid, &self->seen, use_time_us(self),
			     &state->maps_text);
	return r == -ENOMEM ? r : 0;
}

/* Does the new process run in its parent's address space, as after vfork(2)? */
static struct process *find_address_owner(const struct proctree *tree, pid_t pid, pid_t parent_pid)
{
	enum { COMPARE_VM = 1 }; /* KCMP_VM, kcmp(2) */
	struct process *parent = proctree_find_process(tree, parent_pid);

	if (!parent || !parent->addrspace || syscall(SYS_kcmp, pid, parent_pid, COMPARE_VM, 0, 0) != 0)
		return NULL;
	return parent;
}

/* The first that is heard of a task. 0; 1: it was let go; -ENOMEM, -ESRCH, -EINTR: stop was changed. */
static int meet_task(struct collect *self, struct tracee_stop *stop, struct task **ret_task)
{
	struct collect_state *state = self->state;
	struct proctree_status status;
	bool is_new_process = false;
	int r = proctree_read_status(stop->tid, &status);

	if (r < 0)
		return r;
	if (!state->tracer.with_children && status.tgid != state->main_pid) {
		tracee_release(stop); /* a process that was made as threads are */
		return 1;
	}
	r = proctree_add(&state->tree, stop->tid, &status, ret_task, &is_new_process);
	if (r < 0 || !is_new_process)
		return r;
	struct process *process = (*ret_task)->process;
	struct process *owner = find_address_owner(&state->tree, process->pid, status.parent_pid);

	if (owner) {
		process->addrspace = addrspace_ref(owner->addrspace);
		process->shares_addrspace = true;
		process->is_elsewhere = owner->is_elsewhere;
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
	struct proctree_status status;

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
	task->in_syscall = false;
	task->process->is_foreign = false;
	if (!self->has_execed) {
		self->has_execed = true;
		self->start_ns = now_ns();
		state->last_new_ns = self->start_ns;
		state->tracer.with_syscalls = state->options.mode == COLLECT_TRAIN;
	}
	if (state->options.mode != COLLECT_TRAIN) {
		int r = courtesy_make_good(stop);

		if (r == 1) {
			self->was_courteous = true;
			proctree_remove(&state->tree, task);
		}
		if (r != 0)
			return r;
	}
	process_forget_files(task->process);
	task->process->has_seccomp_filter =
		proctree_read_status(stop->tid, &status) < 0 || status.has_seccomp_filter;
	return watch_addrspace(self, task->process, stop);
}

/* Every task of the process is to be released at its next stop. */
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

/* Lets one stopped task go and forgets it. */
static void release_task(struct collect *self, struct task *task, const struct tracee_stop *stop)
{
	task->process->is_released = true;
	/* Nothing is to remain of us in its address space. */
	if (task->process->n_tasks <= 1)
		leave_addrspace(self, task->process);
	tracee_release(stop);
	proctree_remove(&self->state->tree, task);
}

static struct process *find_process_of(const struct collect *self, pid_t tid)
{
	const struct task *task = proctree_find(&self->state->tree, tid);

	return task ? task->process : NULL;
}

static void resume_waiting(struct collect *self)
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

	switch (courtesy_at_entry(task, &other)) {
	case COURTESY_RELEASE_CALLER:
		self->was_courteous = true;
		request_release(self, task->process);
		release_task(self, task, stop);
		return true;
	case COURTESY_RELEASE_OTHER:
		wanted = find_process_of(self, other);
		if (state->has_waiting_stop || !wanted || wanted == task->process)
			return false;
		self->was_courteous = true;
		request_release(self, wanted);
		state->waiting_stop = *stop;
		state->has_waiting_stop = true;
		state->waiting_deadline_ns = now_ns() + RELEASE_PATIENCE_NS;
		return true;
	case COURTESY_NONE:
		break;
	}
	return false;
}

/* 1: the stop was dealt with. 0: to be resumed. -ENOMEM. */
static int on_syscall_entry(struct collect *self, struct task *task, const struct tracee_stop *stop)
{
	task->in_syscall = stop->is_native;
	task->nr = stop->nr;
	if (!stop->is_native) {
		task->process->is_foreign = true;
		if (!courtesy_translate_foreign(&task->nr))
			return 0;
	}
	memcpy(task->args, stop->args, sizeof(task->args));
	if (be_courteous(self, task, stop))
		return 1;
	if (task->nr == SYS_execve || task->nr == SYS_execveat) {
		/* A child of vfork(2) leaves the address space to its parent. */
		if (!task->process->shares_addrspace)
			addrspace_mark(task->process->addrspace, PAGESET_BEFORE_EXEC);
		return scan_process(self, task->process, task->tid); /* the last look, if it succeeds */
	}
	return fileuse_entry(&self->state->fileuse, task, use_time_us(self));
}

static int on_syscall_exit(struct collect *self, struct task *task, const struct tracee_stop *stop)
{
	if (!task->in_syscall || !stop->is_native)
		return 0;
	task->in_syscall = false;
	return fileuse_exit(&self->state->fileuse, task, stop->result, use_time_us(self));
}

/* A thread may reach its exit before anything was heard of one that it has just made. */
static bool has_unmet_tasks(const struct task *task)
{
	struct proctree_status status;

	return proctree_read_status(task->tid, &status) == 0 &&
	       status.n_threads > task->process->n_known_tasks;
}

/* 1: the main process is to be held. */
static int on_exiting(struct collect *self, struct task *task)
{
	struct process *process = task->process;

	if (!task->is_exiting) {
		task->is_exiting = true;
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

/* Takes in one event. 0 or -errno. */
static int dispatch(struct collect *self, struct tracee_stop *stop)
{
	struct collect_state *state = self->state;
	struct task *task = proctree_find(&state->tree, stop->tid);
	int r = 0;

	if (state->has_waiting_stop && state->waiting_stop.tid == stop->tid)
		state->has_waiting_stop = false; /* it was killed */
	if (stop->event == TRACEE_GONE) {
		forget_task(self, stop->tid);
		return 0;
	}
	self->n_stops++;
	if (!task)
		r = meet_task(self, stop, &task);
	if (r == 0)
		r = on_stop(self, task, stop);
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
	tracee_resume(&state->tracer, stop);
	return r == -ESRCH ? 0 : r;
}

/* One of the scans now and then. Sampling looks ever more rarely. 0 or -ENOMEM. */
static int scan_in_time(struct collect *self, uint64_t now)
{
	struct collect_state *state = self->state;
	bool trains = state->options.mode == COLLECT_TRAIN;
	uint64_t pause = (uint64_t)tick_us(self) * 1000 / 2 + (trains ? 0 : (now - self->start_ns) / 2);
	int r = scan_all(self);
	uint64_t took = now_ns() - now;

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
	uint64_t now = now_ns();

	if (state->has_waiting_stop &&
	    (now >= state->waiting_deadline_ns || !find_process_of(self, (pid_t)state->waiting_stop.args[1])))
		resume_waiting(self);
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

/* Asks everybody for a stop and lets go who stops, for a while. Whoever does not is let go by the
 * kernel when the observer ends. */
static int release_all(struct collect *self)
{
	struct collect_state *state = self->state;
	uint64_t deadline = now_ns() + RELEASE_PATIENCE_NS;
	struct tracee_stop stop;

	if (state->has_waiting_stop)
		resume_waiting(self);
	for (struct process *process = state->tree.processes; process; process = process->next)
		request_release(self, process);
	/* Those just born are not in the tree yet. */
	while (now_ns() < deadline) {
		int r = tracee_wait(&state->tracer, &stop);

		if (r < 0 || stop.event == TRACEE_NONE_LEFT)
			return r;
		if (stop.event == TRACEE_NOTHING)
			continue;
		struct task *task = proctree_find(&state->tree, stop.tid);

		if (task && stop.event != TRACEE_GONE)
			release_task(self, task, &stop);
		else if (stop.event == TRACEE_GONE)
			forget_task(self, stop.tid);
		else
			tracee_release(&stop);
	}
	return 0;
}

static int run_to_milestone(struct collect *self)
{
	struct collect_state *state = self->state;
	struct tracee_stop stop;
	uint64_t next_look_ns = 0;

	for (;;) {
		int r = tracee_wait(&state->tracer, &stop);

		if (r < 0)
			return r;
		if (stop.event == TRACEE_NONE_LEFT)
			return COLLECT_ALL_GONE;
		if (stop.event != TRACEE_NOTHING)
			r = dispatch(self, &stop);
		if (r < 0)
			return r;
		if (state->holds_main && !state->main_is_gone) {
			state->main_is_gone = true;
			return COLLECT_MAIN_EXITING;
		}
		/* The tick may be lost among many stops. */
		uint64_t now = stop.event == TRACEE_NOTHING || (self->n_stops & 63) == 0 ? now_ns() : 0;

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
		int r = scan_all(self);

		if (r < 0)
			milestone = r;
	}
	if (milestone < 0 || milestone == COLLECT_WINDOW_CLOSED)
		(void)release_all(self);
	stop_ticking();
	self->n_new = state->fileuse.n_new;
	return milestone;
}

void collect_let_go(struct collect *self)
{
	struct collect_state *state = self->state;

	if (state->holds_main) {
		state->holds_main = false;
		tracee_resume(&state->tracer, &state->main_stop);
	}
	start_ticking(self);
	(void)release_all(self);
	stop_ticking();
}

void collect_release(struct collect *self)
{
	if (self->state) {
		collect_let_go(self);
		proctree_release(&self->state->tree);
		procmaps_text_release(&self->state->maps_text);
		free(self->state);
		self->state = NULL;
	}
	pageset_release(&self->seen);
}
