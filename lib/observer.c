/* observer.c - the order of things in a launch, as the observer goes through it */
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include "notice.h"
#include "observer_private.h"
#include "prefetch/residency.h"
#include "sys/clock.h"
#include "sys/far_wait.h"
#include "sys/keep_running.h"
#include "trace/agent_fit.h"

/* Nothing new for so long ends the launch window. */
#define QUIET_MS 2000
/* When the program is on its own, a shadow is given so long to be written. */
#define COMMIT_MS 20000

/* The policy knows nothing of operands: one more training run tells which of the files in a directory that
 * was named the program needs, when another directory is named. */
static struct policy_choice choose(const struct observer_options *options, enum policy_files files)
{
	struct policy_choice choice =
		policy_choose(options->requested, options->shadow, files, options->random);

	if (options->requested == POLICY_AUTO && choice.mode != POLICY_TRAIN && options->shadow &&
	    options->shadow->stats.trained_runs == 1 && launch_has_other_operands(options))
		choice = (struct policy_choice){ POLICY_TRAIN, "it is given another directory" };
	return choice;
}

bool observer_is_needed(struct observer_options *options)
{
	struct policy_choice choice = choose(options, POLICY_FILES_SAME);

	if (options->audience != OBSERVER_UNHEARD)
		return true;
	if (options->prefetch == OBSERVER_REPLAYS &&
	    residency_is_complete(&options->shadow->files, options->program,
				  launch_unanswered(options->shadow), options->random) &&
	    launch_operands_are_resident(options))
		options->prefetch = OBSERVER_PREFETCHES_NOTHING;
	return options->prefetch != OBSERVER_PREFETCHES_NOTHING || choice.mode != POLICY_NONE;
}

bool observer_needs_names(const struct observer_options *options)
{
	return options->prefetch != OBSERVER_PREFETCHES_NOTHING ||
	       choose(options, POLICY_FILES_SAME).mode == POLICY_TRAIN;
}

static uint64_t after_ms(unsigned int ms)
{
	return clock_now_ns() + (uint64_t)ms * 1000000;
}

/* After OBSERVER_PATIENCE_MS it does not: the program may run already, and to attach to it would come too
 * late. */
static bool launcher_waits(const struct observer_link *link)
{
	struct pollfd pipe_end = { .fd = link->fd };

	return poll(&pipe_end, 1, 0) == 0; /* else POLLERR: nobody reads any more */
}

static void choose_mode(struct launch *self)
{
	struct policy_choice *choice = &self->account.record.choice;
	const struct observer_options *options = self->options;

	launch_await_validation(self);
	*choice = choose(options, self->files);
	if (choice->mode == POLICY_NONE)
		return;
	if (options->obstacle)
		*choice = (struct policy_choice){ POLICY_NONE, options->obstacle };
	else if (options->must_not_attach)
		*choice = (struct policy_choice){ POLICY_NONE, "the program would lose its privilege" };
	else if (faccessat(AT_FDCWD, options->program, R_OK, AT_EACCESS) < 0 && errno == EACCES)
		*choice = (struct policy_choice){ POLICY_NONE, "the program's file may not be read, so that "
							       "the program cannot be watched" };
}

/* Training steps aside where it has to. Others would be in the way of what training has found, even where
 * they only wait for the program's exit. */
static bool may_attach(const struct launch *self)
{
	const struct observer_options *options = self->options;
	bool stays_away = options->shadow && (options->shadow->flags & SHADOW_DO_NOT_TRACE);

	return !options->must_not_attach && (self->account.record.choice.mode == POLICY_TRAIN || !stays_away);
}

static enum follow_mode follow_mode(enum policy_mode mode)
{
	switch (mode) {
	case POLICY_TRAIN:
		return FOLLOW_EVERYBODY;
	case POLICY_SAMPLE:
		return FOLLOW_PAGES;
	case POLICY_AUTO:
	case POLICY_NONE:
		break;
	}
	return FOLLOW_TO_EXIT;
}

/* Of a program of which nothing was seen, nothing is known exactly. */
static bool seen_is_exact(const struct pageset *seen)
{
	bool has_pages = false;

	for (size_t i = 0; i < seen->n_files; i++) {
		if (seen->files[i]->n_extents > 0 && !seen->files[i]->exact)
			return false;
		has_pages |= seen->files[i]->n_extents > 0;
	}
	return has_pages;
}

/* The program's end, or that of the launch window: the account stands. */
static void close_account(struct launch *self)
{
	struct account *account = &self->account;

	if (self->phase >= LAUNCH_ACCOUNTED)
		return;
	self->phase = LAUNCH_ACCOUNTED;
	if (self->milestone < 0) {
		account->record.update_error = self->milestone;
		return;
	}
	if (self->recorder.follow.phase != FOLLOW_BEFORE_EXEC)
		account->progress =
			self->recorder.follow.phase == FOLLOW_RUNNING ? ACCOUNT_RUNNING : ACCOUNT_ENDED;
	account->record.cuts = self->recorder.follow.cuts;
	account->record.cut_us = self->recorder.follow.cut_us;
	account->launch.elapsed_ns = follow_elapsed_ns(&self->recorder.follow);
	account->launch.wait_status = self->sight == LAUNCH_FROM_OUTSIDE ? ACCOUNT_STATUS_UNKNOWN
									 : self->recorder.follow.wait_status;
	account->record.is_exact =
		account->record.choice.mode == POLICY_TRAIN && seen_is_exact(&self->recorder.record.seen);
	account->record.n_unreached = self->recorder.record.unreached.files.n_files;
	account->record.unreached = (const char *const *)self->recorder.record.unreached.mounts;
	account->record.n_unreached_mounts = self->recorder.record.unreached.n_mounts;
	launch_account_prediction(self);
	/* Of one who was not held, nothing may be left. */
	if (procfs_read_cost(self->link->launcher_pid, &account->launch.cost) < 0)
		account->launch.cost = self->recorder.onlooker.cost;
	/* A program that has ended waits: not for a thread that waits for a file system. */
	if (account->progress == ACCOUNT_ENDED) {
		launch_account_prefetch(self);
		launch_account_operands(self);
	} else {
		launch_finish_prefetch(self);
		launch_finish_operands(self);
	}
}

static void tell(struct launch *self)
{
	if (self->phase < LAUNCH_TOLD)
		self->completed(&self->account, self->context);
	self->phase = LAUNCH_TOLD;
}

/* agent_fd: -1, or what the launcher is to open. */
static void start_program(struct launch *self, int agent_fd)
{
	struct observer_word word = { self->account.record.attach_error, getpid(), agent_fd };

	if (self->replay)
		readahead_note_start(self->replay);
	launch_note_operands_start(self);
	(void)!write(self->link->fd, &word, sizeof(word));
	close(take_fd(self->link->fd));
	self->phase = LAUNCH_STARTED;
}

/* Does a program that stands at its exit go on before its record is written? What training has found is not
 * to be lost with a machine, or a container, that ends with the program; and who asks for a report wants it
 * when the program has ended. */
static bool is_saved_afterwards(const struct launch *self)
{
	return self->account.record.choice.mode == POLICY_SAMPLE &&
	       self->options->audience == OBSERVER_UNHEARD && self->link->kinship == OBSERVER_ORPHAN;
}

/* A launch is merged when its program ends, and once more when those that it left behind are done. */
static void watch(struct launch *self)
{
	while ((self->milestone = recorder_run(&self->recorder)) == FOLLOW_MAIN_EXITING) {
		uint64_t until_ns = after_ms(OBSERVER_HOLD_MS);

		close_account(self);
		if (is_saved_afterwards(self))
			return;
		if (launch_has_to_commit(self) && !launch_commit(self, until_ns))
			return;
		if (self->account.progress != ACCOUNT_UNSEEN && !launch_has_to_commit(self))
			tell(self);
	}
}

/* Is this what a child would be followed for? */
static bool is_remembered(const char *path, const void *known)
{
	const struct pageset_file *file = pageset_find(known, path);

	return file && (file->n_extents > 0 || (file->access & PAGESET_WRITTEN));
}

/* So long the program ran at least: when it used something for the first time. */
static uint32_t known_us(const struct shadow *shadow)
{
	uint32_t last_us = 0;

	if (!shadow || shadow->stats.runs == 0)
		return 0;
	for (size_t i = 0; i < shadow->files.n_files; i++)
		if (shadow->files.files[i]->first_use_us > last_us)
			last_us = shadow->files.files[i]->first_use_us;
	return last_us;
}

/* Of what is not ours, or has no /proc, there is nothing to be seen from outside either. */
static bool is_refused(int attach_error)
{
	return attach_error == -EPERM || attach_error == -EACCES || attach_error == -ENOSYS;
}

static int offer_agent(struct launch *self)
{
	const struct observer_options *options = self->options;
	int fd = -1;

	if (options->agent == OBSERVER_HAS_NO_AGENT || self->account.record.choice.mode == POLICY_NONE ||
	    !agent_fits(options->program, "/proc/self/exe") || recorder_offer_agent(&self->recorder, &fd) < 0)
		return -1;
	return fd;
}

static void look_from_outside(struct launch *self, const struct follow_options *options)
{
	int r = recorder_prepare_to_look(&self->recorder, self->link->launcher_pid, self->program_fd,
					 options);
	/* Open until the launcher has opened it, and longer. */
	cleanup_close int agent_fd = r < 0 ? -1 : offer_agent(self);

	self->account.record.way = ACCOUNT_OUTSIDE;
	self->account.record.attach_error = r;
	start_program(self, agent_fd);
	if (r < 0) {
		recorder_release(&self->recorder);
		return;
	}
	self->sight = LAUNCH_FROM_OUTSIDE;
	self->milestone = recorder_look(&self->recorder);
	if (self->recorder.onlooker.flags & ONLOOKER_HEARD_AGENT)
		self->account.record.way = ACCOUNT_AGENT;
}

static void follow(struct launch *self)
{
	const struct shadow *shadow = self->options->shadow;
	bool trains_further = shadow && (shadow->flags & SHADOW_TRAINING_GOES_ON);
	const struct follow_options options = {
		.mode = follow_mode(self->account.record.choice.mode),
		.window_ms = self->options->window_ms,
		.quiet_ms = QUIET_MS,
		.excluded = self->options->db->excluded,
		.cost = self->options->requested == POLICY_TRAIN ? FOLLOW_AT_ANY_COST : FOLLOW_WITHIN_BUDGET,
		.threads = self->options->audience == OBSERVER_UNHEARD ? FOLLOW_THREADS_LATER
								       : FOLLOW_THREADS_FROM_BIRTH,
		.known_us = known_us(shadow),
		.is_known = trains_further ? is_remembered : NULL,
		.known = trains_further ? &shadow->files : NULL
	};
	int r = self->keep_running;

	/* Whoever stops us must not stop the program. */
	if (r >= 0)
		r = recorder_attach(&self->recorder, self->link->launcher_pid, &options);
	if (is_refused(r)) {
		look_from_outside(self, &options);
		return;
	}
	self->sight = r == 0 ? LAUNCH_FOLLOWED : LAUNCH_UNSEEN;
	self->account.record.attach_error = r;
	start_program(self, -1);
	if (r == 0)
		watch(self);
	else
		recorder_release(&self->recorder);
}

/* What went wrong and could not be told to anybody is left for the next launch to tell. The launcher has told
 * of itself that the program cannot be watched: that is left for --list. */
static void settle_notice(const struct launch *self)
{
	const struct observer_options *options = self->options;
	const struct account *account = &self->account;
	cleanup_free char *problem = account_problem(account, options->program, options->db->path, 0);
	bool was_told = options->audience == OBSERVER_HEARD || account->record.attach_error < 0;

	if (problem)
		(void)!notice_leave(options->db, options->program, options->profile,
				    was_told ? NOTICE_TOLD : NOTICE_NEW, problem);
	else if (options->has_notice && self->commit.n_done > 0)
		(void)!notice_remove(options->db, options->program, options->profile);
}

/* What is left to do when nobody is followed any more, so that nobody waits. */
__attribute__((noreturn)) static void finish(struct launch *self)
{
	uint64_t until_ns = after_ms(COMMIT_MS);
	const struct follow *follow = &self->recorder.follow;

	for (size_t i = 0; self->sight == LAUNCH_FOLLOWED && i < follow->n_left; i++)
		far_wait_make_good(follow->left[i]);
	keep_running_spare(self->keep_running);
	if (self->sight != LAUNCH_UNSEEN) {
		close_account(self);
	} else {
		launch_finish_prefetch(self);
		launch_finish_operands(self);
	}
	if (launch_has_to_commit(self))
		(void)launch_commit(self, until_ns);
	if (launch_has_to_commit(self))
		launch_commit_here(self);
	if (self->sight == LAUNCH_UNSEEN || self->account.progress != ACCOUNT_UNSEEN || self->milestone < 0)
		tell(self);
	if (!launch_await_commit(self, until_ns))
		_exit(1); /* its thread cannot be waited for, nor what it uses be freed */
	launch_withdraw_commit(self);
	settle_notice(self);
	launch_finish_prediction(self);
	if (self->files == POLICY_FILES_CHANGED && self->commit.n_done == 0)
		launch_ask_for_training(self);
	if (self->sight != LAUNCH_UNSEEN)
		recorder_release(&self->recorder);
	launch_finish_prefetch(self);
	launch_finish_operands(self);
	launch_remember_unanswered(self);
	plan_release(&self->plan);
	(void)!shadowdb_tidy(self->options->db);
	launch_learn_to_predict(self);
	_exit(0);
}

/* Begins when the thread that traces ends. */
static void *finish_untracing(void *context)
{
	struct launch *self = context;

	launch_announce_commit(self);
	finish(self);
}

/* Detaches from everybody who is still followed, by the end of this thread (follow.h). No pthread_exit(3):
 * what is on its stack is still needed. */
__attribute__((noreturn)) static void detach_all(struct launch *self)
{
	pthread_t thread;

	if (is_saved_afterwards(self) || launch_is_committing(self))
		launch_plan_announcement(self);
	if (pthread_create(&thread, NULL, finish_untracing, self) != 0)
		_exit(1);
	launch_await_announcement(self);
	for (;;)
		(void)syscall(SYS_exit, 0);
}

/* The observer is a child of the program-to-be, which is to have none: all is done before it starts. */
__attribute__((noreturn)) static void run_briefly(struct launch *self)
{
	launch_prefetch_ahead(self);
	tell(self);
	if (self->files == POLICY_FILES_CHANGED)
		launch_ask_for_training(self);
	_exit(0);
}

void observer_run(struct observer_link *link, const struct observer_options *options,
		  void (*completed)(const struct account *, void *context), void *context)
{
	struct launch self = { .options = options,
			       .link = link,
			       .completed = completed,
			       .context = context,
			       .program_fd = (int)syscall(SYS_pidfd_open, link->launcher_pid, 0) };
	struct policy_choice *choice = &self.account.record.choice;

	launch_init_commit(&self);
	self.keep_running = keep_running_start();
	/* What profiles have in common is no shadow of this one. */
	self.account.shadow = options->shadow && options->shadow->stats.runs > 0 ? ACCOUNT_SHADOW_FRESH
										 : ACCOUNT_SHADOW_NONE;
	self.account.launch.first_faults = options->shadow ? options->shadow->history.first_faults : 0;
	launch_start_operands(&self);
	launch_start_prefetch(&self);
	if (options->prefetch == OBSERVER_PREDICTS)
		launch_start_prediction(&self);
	choose_mode(&self);
	if (link->kinship == OBSERVER_BRIEF)
		*choice =
			(struct policy_choice){ POLICY_NONE, "the program adopts orphans, and has children" };
	if (link->kinship != OBSERVER_ORPHAN && choice->mode == POLICY_NONE)
		run_briefly(&self);
	launch_give_head_start(&self);
	bool is_late = !launcher_waits(link);

	if (is_late)
		*choice = (struct policy_choice){ POLICY_NONE, "the program did not wait, and runs already" };
	if (!is_late && may_attach(&self) &&
	    (choice->mode != POLICY_NONE || options->audience != OBSERVER_UNHEARD))
		follow(&self);
	else
		start_program(&self, -1);
	if (self.sight == LAUNCH_FOLLOWED && self.milestone != FOLLOW_ALL_GONE)
		detach_all(&self);
	finish(&self);
}
