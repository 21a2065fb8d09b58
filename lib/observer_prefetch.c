/* observer_prefetch.c - the prefetch of one launch: begun, given a head start, ended */
#include <poll.h>
#include <signal.h>

#include "observer_private.h"
#include "prefetch/physical.h"
#include "sys/clock.h"

/* Files are looked at for changes at most so long before the program starts. */
#define VALIDATION_MS 100
/* The prefetch gets at most so long a start. Together less than OBSERVER_PATIENCE_MS. */
#define HEAD_START_MS 800
#define N_THREADS 8

enum plan_unanswered launch_unanswered(const struct shadow *shadow)
{
	return shadow_leaves_out_unanswered(shadow, time(NULL)) ? PLAN_LEAVE_OUT : PLAN_ASK_AGAIN;
}

void launch_start_prefetch(struct launch *self)
{
	const struct shadow *shadow = self->options->shadow;

	if (self->options->prefetch != OBSERVER_REPLAYS)
		return;
	self->replay_began_ns = clock_now_ns();
	cleanup_free struct places *places = malloc(sizeof(*places));
	struct plan_options options = { .places = places,
					.unanswered = launch_unanswered(shadow),
					.budget_pages = readahead_budget_pages(),
					.max_age = policy_max_age(shadow) };

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
	if (stats->stale_files > 0 && self->account.shadow == ACCOUNT_SHADOW_FRESH)
		self->account.shadow = ACCOUNT_SHADOW_STALE;
	self->files =
		policy_files_changed(self->options->shadow, stats) ? POLICY_FILES_CHANGED : POLICY_FILES_SAME;
}

void launch_await_validation(struct launch *self)
{
	struct readahead_stats stats;

	if (self->replay && readahead_wait_validated(self->replay, VALIDATION_MS, &stats))
		note_changes(self, &stats);
}

void launch_give_head_start(struct launch *self)
{
	/* Without a shadow of its own the program trains, which takes longer; and the launcher, whose
	 * patience ends, has waited for others' shadows to be read. */
	if (!self->replay || self->account.shadow == ACCOUNT_SHADOW_NONE)
		return;
	(void)readahead_wait_ahead(self->replay, HEAD_START_MS);
	self->account.prefetch.head_start_ns = clock_now_ns() - self->replay_began_ns;
}

void launch_prefetch_ahead(struct launch *self)
{
	if (!self->replay)
		return;
	(void)readahead_wait_done(self->replay, HEAD_START_MS);
	self->account.prefetch.head_start_ns = clock_now_ns() - self->replay_began_ns;
	launch_account_prefetch(self);
}

void launch_account_prefetch(struct launch *self)
{
	if (!self->replay)
		return;
	readahead_account(self->replay, &self->account.prefetch.stats);
	note_changes(self, &self->account.prefetch.stats);
}

bool launch_program_has_ended(const struct launch *self)
{
	struct pollfd end = { .fd = self->program_fd, .events = POLLIN };

	if (self->program_fd < 0) /* a kernel before 5.3, or a filter */
		return kill(self->link->launcher_pid, 0) < 0 && errno == ESRCH;
	return poll(&end, 1, 0) > 0;
}

void launch_finish_prefetch(struct launch *self)
{
	if (!self->replay)
		return;
	/* It is for the program: without it, there is no more use in it. */
	while (!readahead_wait_done(self->replay, LAUNCH_LOOK_MS) && !launch_program_has_ended(self))
		;
	readahead_cancel(self->replay);
	readahead_finish(self->replay, &self->account.prefetch.stats, &self->unanswered);
	self->replay = NULL;
	note_changes(self, &self->account.prefetch.stats);
}
