/* observer_commit.c - what was seen of a launch becomes part of the shadow */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "observer_private.h"
#include "record/in_image.h"
#include "shadow/merge.h"
#include "sys/clock.h"
#include "sys/threads.h"

#define LOCK_TIMEOUT_MS 10000
/* So long a program waits for a thread to get a CPU, ... */
#define BEGIN_MS 250
/* ... and for the file system of the shadows, that is to know of what is to be written. */
#define ANNOUNCEMENT_MS 50

/* A training run tells what the program uses now: what it did not use, and is not there any more or has
 * changed, would only be stale. */
static bool is_gone(const struct pageset_file *file, void *context)
{
	return gone_files_have(context, file->path);
}

static void add_to_stats(const struct account *account, struct shadow_stats *stats)
{
	if (!account->prefetch.knows_waste)
		return;
	stats->prefetched_bytes = account->prefetch.stats.bytes;
	stats->wasted_bytes = account->prefetch.wasted_bytes;
	stats->missed_bytes = account->launch.cost.read_bytes;
}

static void add_to_history(const struct launch *self, struct shadow *shadow)
{
	const struct account *account = &self->account;
	const bool replayed =
		account->shadow != ACCOUNT_SHADOW_NONE && self->options->prefetch == OBSERVER_REPLAYS;
	const struct procfs_cost *cost = &account->launch.cost;
	const uint64_t bytes = account->prefetch.stats.bytes + account->predicted.bytes;
	const bool knows_waste = bytes == 0 || account->prefetch.knows_waste;
	struct history_start start = {
		.time_s = shadow->stats.updated_s,
		.prefetched_bytes = bytes,
		.wasted_bytes = account->prefetch.knows_waste ? account->prefetch.wasted_bytes : 0,
		.missed_bytes = cost->read_bytes,
		.faults = cost->major_faults < UINT32_MAX ? (uint32_t)cost->major_faults : UINT32_MAX,
		.flags = (knows_waste ? HISTORY_KNOWS_WASTE : 0u) |
			 (cost->knows_read_bytes ? HISTORY_KNOWS_MISSED : 0u) |
			 (replayed ? HISTORY_REPLAYED : 0u),
	};

	history_add(&shadow->history, &start);
}

/* From outside, nobody knows which part; but an agent tells what a program has at its end. */
static bool is_seen_in_part(const struct launch *self)
{
	return self->sight == LAUNCH_FROM_OUTSIDE && !(self->recorder.onlooker.flags & ONLOOKER_SAW_END);
}

static int merge_trained(const struct launch *self, struct shadow *shadow, struct pageset *seen)
{
	unsigned int cuts = self->recorder.follow.cuts;
	bool is_part = cuts || is_seen_in_part(self);
	struct merge_result result;
	int r;

	if (self->commit.n_done > 0 && self->sight != LAUNCH_FROM_OUTSIDE)
		r = merge_train_more(shadow, seen, &result);
	else
		r = is_part ? merge_train_part(shadow, seen, &result) : merge_train(shadow, seen, &result);
	if (r == 0 && (cuts & ~(unsigned int)FOLLOW_SKIPPED_KNOWN))
		shadow->flags |= SHADOW_TRAINING_WAS_CUT;
	/* Where the program itself was cut, the next would be cut at the same place. */
	if (r == 0 && (cuts & FOLLOW_CUT_CHILDREN) && !(cuts & FOLLOW_CUT_PROGRAM))
		shadow->flags |= SHADOW_TRAINING_GOES_ON;
	return r;
}

static int merge(const struct launch *self, struct shadow *shadow, struct pageset *seen)
{
	struct merge_result result;

	if (self->account.record.choice.mode == POLICY_TRAIN)
		return merge_trained(self, shadow, seen);
	if (is_seen_in_part(self))
		return merge_sample_part(shadow, seen, &result);
	return self->commit.n_done > 0 ? merge_sample_more(shadow, seen, &result)
				       : merge_sample(shadow, seen, &result);
}

static int merge_seen(struct shadow *shadow, void *context)
{
	struct launch *self = context;
	struct pageset *seen = &self->recorder.record.seen;
	bool trained = self->account.record.choice.mode == POLICY_TRAIN;
	bool is_first = shadow->stats.runs == 0;
	int r;

	if (trained)
		pageset_remove_if(&shadow->files, is_gone, &self->commit.gone);
	if (!trained && self->recorder.follow.was_polite)
		r = 0; /* it was detached from before much was seen: what was not seen may yet be used */
	else
		r = merge(self, shadow, seen);
	if (r < 0)
		return r;
	shadow->stats.updated_s = time(NULL);
	add_to_stats(&self->account, &shadow->stats);
	if (self->commit.n_done == 0)
		add_to_history(self, shadow);
	if (is_first)
		shadow->history.first_faults = shadow->history.starts[0].faults;
	if (self->recorder.follow.was_polite)
		shadow->flags |= SHADOW_DO_NOT_TRACE;
	if (self->files == POLICY_FILES_CHANGED && !trained)
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

static void commit(struct launch *self)
{
	struct pageset *seen = &self->recorder.record.seen;
	int r = in_image_resolve(seen);

	if (r == 0)
		r = launch_identify(self, seen, &self->commit.gone);
	if (r == 0)
		r = launch_mark_operands(self, seen);
	self->commit.result.n_files = seen->n_files;
	self->commit.result.n_pages = pageset_count_pages(seen);
	self->commit.result.error = r < 0 ? r : update(self, merge_seen);
	gone_files_release(&self->commit.gone);
}

static void *commit_in_thread(void *context)
{
	struct launch *self = context;

	commit(self);
	pthread_mutex_lock(&self->commit.lock);
	self->commit.state = COMMIT_DONE;
	pthread_cond_broadcast(&self->commit.changed);
	pthread_mutex_unlock(&self->commit.lock);
	return NULL;
}

void launch_init_commit(struct launch *self)
{
	self->commit.announced_fd = -1;
	pthread_mutex_init(&self->commit.lock, NULL);
	threads_init_condition(&self->commit.changed);
}

static void take_result(struct launch *self)
{
	self->commit.state = COMMIT_IDLE;
	self->commit.n_done++;
	self->account.record.n_files = self->commit.result.n_files;
	self->account.record.n_pages = self->commit.result.n_pages;
	self->account.record.update_error = self->commit.result.error;
}

static enum commit_state state_of(struct launch *self)
{
	pthread_mutex_lock(&self->commit.lock);
	enum commit_state state = self->commit.state;

	pthread_mutex_unlock(&self->commit.lock);
	return state;
}

bool launch_is_committing(struct launch *self)
{
	return state_of(self) == COMMIT_BUSY;
}

bool launch_has_to_commit(struct launch *self)
{
	/* Else nothing of it may be looked at. */
	if (state_of(self) != COMMIT_IDLE)
		return false;
	/* From outside not even the program itself may have been seen. */
	if (self->sight == LAUNCH_FROM_OUTSIDE && self->recorder.record.n_new == 0)
		return false;
	bool has_new = self->commit.n_done == 0 || self->recorder.record.n_new > self->commit.n_new;

	return has_new && self->milestone >= 0 && self->account.record.choice.mode != POLICY_NONE &&
	       self->account.progress != ACCOUNT_UNSEEN;
}

/* Bridged gaps are a waste, too. */
static void note_waste(struct launch *self)
{
	struct account *account = &self->account;
	uint64_t n_bytes = account->prefetch.stats.bytes;
	bool sees_all = account->record.choice.mode == POLICY_TRAIN && account->record.cuts == 0;
	enum plan_sight sight = sees_all ? PLAN_SEES_ALL : PLAN_SEES_MAPPED;
	struct plan_use use = plan_compare(&self->plan, &self->recorder.record.seen, sight);
	struct plan_use operands = launch_compare_operands(self, sight);

	use.n_judged += operands.n_judged;
	use.n_unused += operands.n_unused;

	if (n_bytes == 0 || use.n_judged == 0)
		return;
	account->prefetch.knows_waste = true;
	account->prefetch.wasted_bytes =
		(uint64_t)((double)n_bytes * (double)use.n_unused / (double)use.n_judged);
}

bool launch_commit(struct launch *self, uint64_t until_ns)
{
	struct commit *commit_state = &self->commit;
	uint64_t n_new_before = commit_state->n_new;
	pthread_t thread;

	/* Without memory, what is not settled counts as not used; the merge then fails as well. */
	if (self->options->shadow)
		(void)!merge_settle(&self->options->shadow->files, &self->recorder.record.seen);
	if (commit_state->n_done == 0)
		note_waste(self);
	/* Until more is known; the thread is alone with what follows. */
	self->account.record.n_files = self->recorder.record.seen.n_files;
	self->account.record.n_pages = pageset_count_pages(&self->recorder.record.seen);
	self->account.record.update_error = -EINPROGRESS;
	commit_state->n_new = self->recorder.record.n_new;
	commit_state->state = COMMIT_BUSY;
	if (pthread_create(&thread, NULL, commit_in_thread, self) == 0) {
		pthread_detach(thread);
		return launch_await_commit(self, until_ns);
	}
	commit_state->state = COMMIT_IDLE;
	commit_state->n_new = n_new_before;
	return true;
}

void launch_commit_here(struct launch *self)
{
	self->commit.n_new = self->recorder.record.n_new;
	commit(self);
	take_result(self);
}

bool launch_await_commit(struct launch *self, uint64_t until_ns)
{
	pthread_mutex_lock(&self->commit.lock);
	while (self->commit.state == COMMIT_BUSY &&
	       threads_wait(&self->commit.changed, &self->commit.lock, until_ns))
		;
	enum commit_state state = self->commit.state;

	pthread_mutex_unlock(&self->commit.lock);
	if (state == COMMIT_DONE)
		take_result(self);
	return state != COMMIT_BUSY;
}

static void handle_ends_by(void (*handler)(int))
{
	const struct sigaction action = { .sa_handler = handler };

	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

void launch_plan_announcement(struct launch *self)
{
	self->commit.announcement = COMMIT_TO_ANNOUNCE;
}

static enum commit_announcement announcement_of(struct launch *self)
{
	pthread_mutex_lock(&self->commit.lock);
	enum commit_announcement announcement = self->commit.announcement;

	pthread_mutex_unlock(&self->commit.lock);
	return announcement;
}

static void set_announcement(struct launch *self, enum commit_announcement announcement)
{
	pthread_mutex_lock(&self->commit.lock);
	self->commit.announcement = announcement;
	pthread_cond_broadcast(&self->commit.changed);
	pthread_mutex_unlock(&self->commit.lock);
}

void launch_announce_commit(struct launch *self)
{
	if (announcement_of(self) != COMMIT_TO_ANNOUNCE)
		return;
	set_announcement(self, COMMIT_ANNOUNCING);
	handle_ends_by(SIG_IGN);
	self->commit.announced_fd = shadowdb_announce(self->options->db);
	set_announcement(self, COMMIT_ANNOUNCED);
}

void launch_withdraw_commit(struct launch *self)
{
	handle_ends_by(SIG_DFL);
	if (self->commit.announced_fd >= 0)
		close(take_fd(self->commit.announced_fd));
}

/* Waits while no more than that has come of it, for so long at most. */
static void await_more_than(struct launch *self, enum commit_announcement announcement, unsigned int ms)
{
	uint64_t until_ns = clock_now_ns() + (uint64_t)ms * 1000000;

	pthread_mutex_lock(&self->commit.lock);
	while (self->commit.announcement == announcement &&
	       threads_wait(&self->commit.changed, &self->commit.lock, until_ns))
		;
	pthread_mutex_unlock(&self->commit.lock);
}

void launch_await_announcement(struct launch *self)
{
	await_more_than(self, COMMIT_TO_ANNOUNCE, BEGIN_MS);
	await_more_than(self, COMMIT_ANNOUNCING, ANNOUNCEMENT_MS);
}

static int mark_unanswered(struct shadow *shadow, void *context)
{
	const struct launch *self = context;
	size_t n_marked = 0;

	for (size_t i = 0; i < self->unanswered.n_files; i++) {
		struct pageset_file *file = pageset_find(&shadow->files, self->unanswered.files[i]->path);

		if (file)
			file->is_unanswered = true;
		n_marked += file != NULL;
	}
	shadow->stats.updated_s = time(NULL);
	return n_marked > 0 ? 0 : 1;
}

void launch_remember_unanswered(struct launch *self)
{
	if (self->unanswered.n_files > 0)
		(void)update(self, mark_unanswered);
}

static int ask_for_training(struct shadow *shadow, void *context)
{
	(void)context;
	if (shadow->flags & SHADOW_NEEDS_TRAINING || shadow->stats.runs == 0)
		return 1;
	shadow->flags |= SHADOW_NEEDS_TRAINING;
	return 0;
}

void launch_ask_for_training(struct launch *self)
{
	(void)update(self, ask_for_training);
}
