/* observer_prefetch.c - the prefetch of one launch: begun, given a head start, ended */
#include <poll.h>
#include <signal.h>

#include "observer_private.h"
#include "prefetch/physical.h"
#include "sys/clock.h"
#include "sys/huge.h"

/* Files are looked at for changes at most so long before the program starts. */
#define VALIDATION_MS 100
/* The prefetch gets at most so long a start. Together less than OBSERVER_PATIENCE_MS. */
#define HEAD_START_MS 800
#define N_THREADS 8
/* So much is read without a look at how much memory there is: to find out takes longer than to read it. */
#define SMALL_PAGES 1024u

enum plan_unanswered launch_unanswered(const struct shadow *shadow)
{
	return shadow_leaves_out_unanswered(shadow, time(NULL)) ? PLAN_LEAVE_OUT : PLAN_ASK_AGAIN;
}

uint64_t launch_budget_pages(const struct pageset *wanted, uint64_t n_taken)
{
	uint64_t n_pages = 0, n_wanted = 0;

	for (size_t i = 0; i < wanted->n_files && n_wanted <= SMALL_PAGES; i++)
		n_wanted += pageset_file_pages(wanted->files[i]);
	if (n_wanted <= SMALL_PAGES)
		return SMALL_PAGES * 4; /* with what is read to bridge gaps */
	n_pages = readahead_budget_pages();
	return n_taken < n_pages ? n_pages - n_taken : 0;
}

int launch_build_plan(const struct pageset *files, const char *program, struct plan_options options,
		      struct plan *ret_plan)
{
	cleanup_free struct places *places = malloc(sizeof(*places));

	options.places = places;
	if (places)
		places_init(places, program);
	int r = plan_build(files, &options, ret_plan);

	if (r == 0) /* else it is in order of first use: worse, not wrong */
		(void)!physical_sort(ret_plan, places ? &places->mounts : NULL);
	if (places)
		places_release(places);
	return r;
}

void launch_start_prefetch(struct launch *self)
{
	const struct shadow *shadow = self->options->shadow;

	if (self->options->prefetch != OBSERVER_REPLAYS)
		return;
	self->replay_began_ns = clock_now_ns();
	struct plan_options options = { .unanswered = launch_unanswered(shadow),
					.folios = huge_is_enabled("") ? PLAN_HUGE_FOLIOS : PLAN_SMALL_FOLIOS,
					.budget_pages = launch_budget_pages(&shadow->files, 0),
					.max_age = policy_max_age(shadow) };

	if (launch_build_plan(&shadow->files, self->options->program, options, &self->plan) < 0)
		return;
	self->replay = readahead_start(&self->plan, N_THREADS, 0);
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
	uint64_t until_ns = clock_now_ns() + HEAD_START_MS * UINT64_C(1000000);

	if (self->replay) {
		(void)readahead_wait_done(self->replay, HEAD_START_MS);
		self->account.prefetch.head_start_ns = clock_now_ns() - self->replay_began_ns;
		launch_account_prefetch(self);
	}
	launch_prefetch_operands_ahead(self, until_ns);
}

void launch_sum_prefetch(struct launch *self)
{
	const struct readahead_stats *operands = &self->account.operands;
	struct readahead_stats sum = self->replayed;

	sum.files += operands->files;
	sum.extents += operands->extents;
	sum.bytes += operands->bytes;
	sum.resident_bytes += operands->resident_bytes;
	sum.skipped_files += operands->skipped_files;
	sum.unanswered_files += operands->unanswered_files;
	if (operands->elapsed_ns > sum.elapsed_ns)
		sum.elapsed_ns = operands->elapsed_ns;
	/* That an operand has changed says nothing of the program. */
	self->account.prefetch.stats = sum;
}

void launch_account_prefetch(struct launch *self)
{
	if (!self->replay)
		return;
	readahead_account(self->replay, &self->replayed);
	note_changes(self, &self->replayed);
	launch_sum_prefetch(self);
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
	readahead_finish(self->replay, &self->replayed, &self->unanswered);
	self->replay = NULL;
	note_changes(self, &self->replayed);
	launch_sum_prefetch(self);
}
