#include "observer.h"

#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "prefetch/physical.h"
#include "prefetch/residency.h"
#include "recorder.h"
#include "shadow/merge.h"
#include "sys/clock.h"

/* Nothing new for so long ends the launch window. */
#define QUIET_MS 2000
/* Files are looked at for changes at most so long before the program starts. */
#define VALIDATION_MS 100
/* The prefetch gets at most so long a start. Together less than OBSERVER_PATIENCE_MS. */
#define HEAD_START_MS 800
#define LOCK_TIMEOUT_MS 10000
#define N_THREADS 8

bool observer_is_needed(struct observer_options *options)
{
	struct policy_choice choice =
		policy_choose(options->requested, options->shadow, false, options->random);

	options->prefetches = options->prefetches && options->shadow;
	if (options->wants_report)
		return true;
	if (options->prefetches &&
	    residency_is_complete(&options->shadow->files, options->program, options->random))
		options->prefetches = false;
	return options->prefetches || choice.mode != POLICY_NONE;
}

static void let_launcher_go(struct observer_link *link)
{
	if (link->fd >= 0) {
		(void)!write(link->fd, "", 1);
		close(link->fd);
		link->fd = -1;
	}
}

struct launch {
	const struct observer_options *options;
	struct observer_link *link;
	void (*completed)(const struct observer_outcome *, void *context);
	void *context;
	struct observer_outcome outcome;
	struct plan plan;
	struct readahead *replay;
	uint64_t replay_began_ns;
	struct recorder recorder;
	int milestone;    /* the last one, or -errno: what was seen is not worth keeping */
	bool is_complete; /* the outcome is known */
	bool was_told;
	pthread_t committer;
	bool is_committing;      /* still, after the program's patience has ended */
	bool calls_for_training; /* so much has changed */
	bool attaches;
	bool was_merged;   /* what was seen so far is in the shadow already */
	uint64_t n_merged; /* recorder.record.n_new at that time */
};

static void start_replay(struct launch *self)
{
	const struct shadow *shadow = self->options->shadow;

	if (!self->options->prefetches)
		return;
	self->replay_began_ns = clock_now_ns();
	cleanup_free struct places *places = malloc(sizeof(*places));
	struct plan_options options = { .places = places,
					.budget_pages = readahead_budget_pages(),
					.max_age = policy_most_age(shadow) };

	if (places)
		places_init(places, self->options->program);

	int r = plan_build(&shadow->files, &options, &self->plan);

	if (places)
		places_release(places);
	if (r < 0)
		return;
	(void)!physical_sort(&self->plan); /* else it is in order of first use: worse, not wrong */
	self->replay = readahead_start(&self->plan, N_THREADS);
}

static void note_changes(struct launch *self, const struct readahead_stats *stats)
{
	self->outcome.shadow_is_stale = stats->stale_files > 0;
	self->calls_for_training = policy_files_changed(self->options->shadow, stats);
}

static void finish_replay(struct launch *self)
{
	if (!self->replay)
		return;
	readahead_finish(self->replay, &self->outcome.prefetch);
	self->replay = NULL;
	note_changes(self, &self->outcome.prefetch);
}

static void choose_mode(struct launch *self)
{
	struct readahead_stats stats;

	if (self->replay && readahead_wait_validated(self->replay, VALIDATION_MS, &stats))
		note_changes(self, &stats);
	self->outcome.choice = policy_choose(self->options->requested, self->options->shadow,
					     self->calls_for_training, self->options->random);
	if (self->options->must_not_attach && self->outcome.choice.mode != POLICY_NONE)
		self->outcome.choice =
			(struct policy_choice){ POLICY_NONE, "the program would lose its privilege" };
}

/* Before the launcher is attached to: a signal that ends it meanwhile does so at once. */
static void give_head_start(struct launch *self)
{
	if (!self->replay)
		return;
	(void)readahead_wait_ahead(self->replay, HEAD_START_MS);
	self->outcome.head_start_ns = clock_now_ns() - self->replay_began_ns;
}

/* After OBSERVER_PATIENCE_MS it does not: the program may run already, and to attach to it would come too
 * late. */
static bool launcher_waits(const struct observer_link *link)
{
	struct pollfd pipe_end = { .fd = link->fd };

	return poll(&pipe_end, 1, 0) == 0; /* else POLLERR: nobody reads any more */
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

/* What changed while it was used, or is not there any more, is not remembered. */
static bool is_unidentified(const struct pageset_file *file, void *context)
{
	(void)context;
	return file->n_extents > 0 && file->id.size_bytes == 0;
}

/* What is remembered already need not be read from an ELF file once more, while the program waits. */
static bool is_known(const struct launch *self, const char *path, struct stat *st, struct fileid *ret_id)
{
	const struct shadow *shadow = self->options->shadow;
	const struct pageset_file *known = shadow ? pageset_find(&shadow->files, path) : NULL;

	if (!known || stat(path, st) < 0 || !S_ISREG(st->st_mode))
		return false;
	struct fileid now = fileid_from_stat(st);

	if (now.size_bytes != known->id.size_bytes || now.mtime_ns != known->id.mtime_ns)
		return false;
	*ret_id = known->id;
	return true;
}

/* Takes the whole identity, with the build-id, of each file that has pages. */
static void identify(const struct launch *self, struct pageset *seen)
{
	for (size_t i = 0; i < seen->n_files; i++) {
		struct pageset_file *file = seen->files[i];
		struct fileid id = { 0 };
		struct stat st;

		if (file->n_extents == 0)
			continue;
		if (!is_known(self, file->path, &st, &id)) {
			cleanup_close int fd = fileid_open(file->path, &st);

			if (fd < 0 || fileid_from_fd(fd, &id) < 0)
				id.size_bytes = 0;
		}
		if (id.size_bytes != file->id.size_bytes)
			id.size_bytes = 0;
		file->id = id;
	}
	pageset_remove_if(seen, is_unidentified, NULL);
}

/* A training run tells what the program uses now: what it did not use, and is not there any more or has
 * changed, would only be stale. */
static bool is_gone(const struct pageset_file *file, void *context)
{
	const struct pageset *seen = context;
	struct stat st;
	struct fileid id;

	if (file->n_extents == 0 || pageset_find(seen, file->path))
		return false;
	if (stat(file->path, &st) < 0)
		return true;
	id = fileid_from_stat(&st);
	return id.size_bytes != file->id.size_bytes || id.mtime_ns != file->id.mtime_ns;
}

/* Bridged gaps are a waste, too. */
static void note_waste(struct launch *self)
{
	struct observer_outcome *outcome = &self->outcome;
	struct plan_use use =
		plan_compare(&self->plan, &self->recorder.record.seen, outcome->choice.mode != POLICY_TRAIN);

	if (outcome->prefetch.bytes == 0 || use.n_judged == 0)
		return;
	outcome->knows_waste = true;
	outcome->wasted_bytes =
		(uint64_t)((double)outcome->prefetch.bytes * (double)use.n_unused / (double)use.n_judged);
}

static void account(const struct launch *self, struct shadow_stats *stats)
{
	const struct observer_outcome *outcome = &self->outcome;

	if (!outcome->knows_waste)
		return;
	stats->prefetched_bytes = outcome->prefetch.bytes;
	stats->wasted_bytes = outcome->wasted_bytes;
	stats->missed_bytes = outcome->cost.read_bytes;
}

static int merge_seen(struct shadow *shadow, void *context)
{
	struct launch *self = context;
	struct pageset *seen = &self->recorder.record.seen;
	bool trained = self->outcome.choice.mode == POLICY_TRAIN;
	struct merge_result result;
	int r;

	if (trained)
		pageset_remove_if(&shadow->files, is_gone, seen);
	if (!trained && self->recorder.follow.was_polite)
		r = 0; /* it was let go before much was seen: what was not seen may yet be used */
	else if (self->was_merged)
		r = trained ? merge_train_more(shadow, seen, &result)
			    : merge_sample_more(shadow, seen, &result);
	else
		r = trained ? merge_train(shadow, seen, &result) : merge_sample(shadow, seen, &result);
	if (r < 0)
		return r;
	shadow->stats.updated_s = time(NULL);
	account(self, &shadow->stats);
	if (self->recorder.follow.was_polite)
		shadow->flags |= SHADOW_DO_NOT_TRACE;
	if (self->calls_for_training && !trained)
		shadow->flags |= SHADOW_NEEDS_TRAINING;
	return 0;
}

static int ask_for_training(struct shadow *shadow, void *context)
{
	(void)context;
	if (shadow->flags & SHADOW_NEEDS_TRAINING || shadow->stats.runs == 0)
		return 1;
	shadow->flags |= SHADOW_NEEDS_TRAINING;
	return 0;
}

static int update(struct launch *self, int (*change)(struct shadow *, void *))
{
	const struct observer_options *options = self->options;
	int r = shadowdb_update(options->db, options->program, options->profile, LOCK_TIMEOUT_MS,
				options->shadow, change, self);

	return r < 0 ? r : 0;
}

/* Merges what was seen into the shadow. A thread's main function: the program waits only so long. */
static void *commit(void *context)
{
	struct launch *self = context;

	identify(self, &self->recorder.record.seen);
	self->outcome.n_files = self->recorder.record.seen.n_files;
	self->outcome.n_pages = pageset_count_pages(&self->recorder.record.seen);
	if (!self->was_merged)
		note_waste(self);
	self->outcome.update_error = update(self, merge_seen);
	self->was_merged = true;
	self->n_merged = self->recorder.record.n_new;
	return NULL;
}

static bool commits(const struct launch *self)
{
	bool has_new = !self->was_merged || self->recorder.record.n_new > self->n_merged;

	return self->outcome.choice.mode != POLICY_NONE && self->outcome.has_started && has_new &&
	       self->milestone >= 0;
}

/* False: it takes too long, the program is to be let go meanwhile. */
static bool commit_in_time(struct launch *self)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += OBSERVER_HOLD_MS / 1000;
	if (pthread_create(&self->committer, NULL, commit, self) != 0) {
		commit(self);
		return true;
	}
	self->is_committing = pthread_timedjoin_np(self->committer, NULL, &deadline) != 0;
	return !self->is_committing;
}

static bool seen_is_exact(const struct pageset *seen)
{
	for (size_t i = 0; i < seen->n_files; i++)
		if (seen->files[i]->n_extents > 0 && !seen->files[i]->exact)
			return false;
	return true;
}

/* The program's end, or that of the launch window: the outcome is known. */
static void complete(struct launch *self)
{
	struct observer_outcome *outcome = &self->outcome;

	if (self->is_complete || self->milestone < 0)
		return;
	self->is_complete = true;
	outcome->has_started = self->recorder.follow.phase != FOLLOW_BEFORE_EXEC;
	outcome->elapsed_ns = follow_elapsed_ns(&self->recorder.follow);
	outcome->has_ended = self->milestone == FOLLOW_MAIN_EXITING;
	outcome->wait_status = self->recorder.follow.wait_status;
	outcome->is_exact =
		outcome->choice.mode == POLICY_TRAIN && seen_is_exact(&self->recorder.record.seen);
	(void)!procfs_read_cost(self->link->launcher_pid, &outcome->cost);
	if (!outcome->has_ended) {
		finish_replay(self);
	} else if (self->replay) {
		/* The program waits at its end: for no thread that waits for a file system. */
		readahead_account(self->replay, &outcome->prefetch);
		note_changes(self, &outcome->prefetch);
	}
}

static void tell(struct launch *self)
{
	if (!self->was_told)
		self->completed(&self->outcome, self->context);
	self->was_told = true;
}

static bool has_followed(const struct launch *self)
{
	return self->attaches && self->outcome.attach_error == 0;
}

static void start_program(struct launch *self)
{
	if (self->replay)
		readahead_note_start(self->replay);
	let_launcher_go(self->link);
}

/* A launch is merged when its program ends, and once more when those that it left behind are done. */
static void watch(struct launch *self)
{
	while ((self->milestone = recorder_run(&self->recorder)) == FOLLOW_MAIN_EXITING) {
		complete(self);
		if (commits(self) && !commit_in_time(self))
			return;
		if (self->outcome.has_started)
			tell(self);
	}
}

static void follow(struct launch *self)
{
	const struct follow_options options = { .mode = follow_mode(self->outcome.choice.mode),
						.window_ms = self->options->window_ms,
						.quiet_ms = QUIET_MS };
	int r = recorder_attach(&self->recorder, self->link->launcher_pid, &options);

	self->outcome.attach_error = r;
	start_program(self);
	if (r == 0)
		watch(self);
}

/* What is left to do when nobody is followed any more. */
__attribute__((noreturn)) static void finish(struct launch *self)
{
	if (has_followed(self))
		complete(self);
	finish_replay(self);
	if (has_followed(self) && commits(self))
		commit(self);
	if (!has_followed(self) || self->outcome.has_started)
		tell(self);
	if (self->calls_for_training && !self->was_merged)
		(void)update(self, ask_for_training);
	if (self->attaches)
		recorder_release(&self->recorder);
	plan_release(&self->plan);
	_exit(0);
}

/* Begins when the thread that traces ends. */
static void *finish_untracing(void *context)
{
	struct launch *self = context;

	if (self->is_committing)
		pthread_join(self->committer, NULL);
	finish(self);
}

/* Lets go of everybody who is still followed, by the end of this thread (follow.h). No pthread_exit(3): what
 * is on its stack is still needed. */
__attribute__((noreturn)) static void let_go(struct launch *self)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, finish_untracing, self) != 0)
		_exit(1);
	for (;;)
		(void)syscall(SYS_exit, 0);
}

void observer_run(struct observer_link *link, const struct observer_options *options,
		  void (*completed)(const struct observer_outcome *, void *context), void *context)
{
	struct launch self = { .options = options, .link = link, .completed = completed, .context = context };
	struct policy_choice *choice = &self.outcome.choice;

	start_replay(&self);
	choose_mode(&self);
	give_head_start(&self);
	bool is_late = !launcher_waits(link);

	if (is_late)
		*choice = (struct policy_choice){ POLICY_NONE, "the program did not wait, and runs already" };
	self.attaches = !is_late && !options->must_not_attach &&
			(choice->mode != POLICY_NONE || options->wants_report);
	if (self.attaches)
		follow(&self);
	else
		start_program(&self);
	if (has_followed(&self) && self.milestone != FOLLOW_ALL_GONE)
		let_go(&self);
	finish(&self);
}
