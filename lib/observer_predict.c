/* observer_predict.c - the prefetch of a start of which nothing is remembered */
#include <poll.h>

#include "observer_private.h"
#include "sys/clock.h"
#include "sys/threads.h"

/* A few files are not worth more than one: a small program would wait for the CPU. */
#define N_THREADS 4
#define FEW_FILES 16
/* Nothing is predicted any more after so long. */
#define MAX_MS 30000

/* What is foretold at once, and what only after other files were read. */
struct part {
	struct shadow shadow;
	struct plan plan;
	struct readahead *replay; /* NULL: not yet, or nothing is to be read */
};
#define N_PARTS 2

/* Made and used by its thread; the observer reads of it what has a replay. Nobody waits for it: a thread that
 * stands in a file system keeps it until the process ends. */
struct prediction {
	pthread_mutex_t lock;
	enum { PREDICTING, PREDICTED, GIVEN_UP } state;
	const struct observer_options *options;
	struct part parts[N_PARTS];
};

/* What was predicted of late and not used says that the records of others tell nothing. */
static bool is_worth_it(const struct shadow *index)
{
	return index->stats.wasted_bytes <= index->stats.prefetched_bytes / 2;
}

static int make_plan(struct part *part, const char *program)
{
	const struct plan_options options = { .budget_pages = readahead_budget_pages(),
					      .max_age = UINT8_MAX };

	return launch_build_plan(&part->shadow.files, program, options, &part->plan);
}

/* False: nobody wants any more of it. */
static bool begin(struct prediction *self, struct part *part)
{
	shadow_drop_excluded(&part->shadow, self->options->db->excluded);
	if (part->shadow.files.n_files == 0)
		return true;
	unsigned int n_threads = part->shadow.files.n_files < FEW_FILES ? 1 : N_THREADS;
	struct readahead *replay = make_plan(part, self->options->program) == 0
					   ? readahead_start(&part->plan, n_threads, 0)
					   : NULL;

	pthread_mutex_lock(&self->lock);
	bool is_wanted = self->state == PREDICTING;

	if (is_wanted)
		part->replay = replay;
	pthread_mutex_unlock(&self->lock);
	if (!is_wanted && replay)
		readahead_cancel(replay); /* what it has goes with the process */
	return is_wanted;
}

static void *predict(void *context)
{
	struct prediction *self = context;
	const struct observer_options *options = self->options;
	struct part *first = &self->parts[0], *second = &self->parts[1];
	cleanup_with(shadow_release) struct shadow loaded = { 0 };
	bool has_index = shadowdb_load(options->db, SHADOWDB_INDEX, "", &loaded, NULL) == 0;
	const struct shadow *index = has_index && is_worth_it(&loaded) ? &loaded : NULL;
	bool is_wanted = true;

	if (index && predict_shadow(options->program, index, PREDICT_FROM_INDEX, NULL, &first->shadow) == 0)
		is_wanted = begin(self, first);
	if (is_wanted && predict_shadow(options->program, index, PREDICT_FROM_FILES, &first->shadow.files,
					&second->shadow) == 0)
		(void)begin(self, second);
	pthread_mutex_lock(&self->lock);
	self->state = self->state == PREDICTING ? PREDICTED : self->state;
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

void launch_start_prediction(struct launch *self)
{
	struct prediction *prediction = calloc(1, sizeof(*prediction));

	if (!prediction)
		return;
	pthread_mutex_init(&prediction->lock, NULL);
	prediction->options = self->options;
	if (threads_start_detached(predict, prediction) == 0)
		self->prediction = prediction;
	else
		free(prediction);
}

static void add_stats(struct readahead_stats *sum, const struct readahead_stats *stats)
{
	sum->files += stats->files;
	sum->extents += stats->extents;
	sum->bytes += stats->bytes;
	sum->resident_bytes += stats->resident_bytes;
	sum->skipped_files += stats->skipped_files;
}

void launch_account_prediction(struct launch *self)
{
	struct prediction *prediction = self->prediction;
	struct readahead_stats stats;

	if (!prediction)
		return;
	self->account.predicted = (struct readahead_stats){ 0 };
	pthread_mutex_lock(&prediction->lock);
	prediction->state = prediction->state == PREDICTING ? GIVEN_UP : prediction->state;
	for (size_t i = 0; i < N_PARTS; i++) {
		if (!prediction->parts[i].replay)
			continue;
		readahead_account(prediction->parts[i].replay, &stats);
		add_stats(&self->account.predicted, &stats);
	}
	pthread_mutex_unlock(&prediction->lock);
}

/* How much of what was read the program then used. */
static void judge(struct launch *self, const struct part *part, uint64_t bytes)
{
	struct plan_use use = plan_compare(&part->plan, &self->recorder.record.seen, PLAN_SEES_ALL);

	if (bytes == 0 || use.n_judged == 0)
		return;
	self->predicted.predicted += bytes;
	self->predicted.wasted += (uint64_t)((double)bytes * (double)use.n_unused / (double)use.n_judged);
}

/* Is there nothing left for its threads to do? */
static bool is_over(struct prediction *self)
{
	pthread_mutex_lock(&self->lock);
	bool is_over = self->state != PREDICTING;

	for (size_t i = 0; i < N_PARTS; i++)
		is_over =
			is_over && (!self->parts[i].replay || readahead_wait_done(self->parts[i].replay, 0));
	pthread_mutex_unlock(&self->lock);
	return is_over;
}

static bool has_trained(const struct launch *self)
{
	return self->account.record.choice.mode == POLICY_TRAIN && self->commit.n_done > 0;
}

void launch_finish_prediction(struct launch *self)
{
	struct prediction *prediction = self->prediction;
	uint64_t until_ns = clock_now_ns() + (uint64_t)MAX_MS * 1000000;

	/* It is for the program: without it, there is no more use in it. */
	while (prediction && !is_over(prediction) && !launch_program_has_ended(self) &&
	       clock_now_ns() < until_ns)
		(void)poll(NULL, 0, LAUNCH_LOOK_MS);
	launch_account_prediction(self);
	self->account.predicted = (struct readahead_stats){ 0 };
	for (size_t i = 0; prediction && i < N_PARTS; i++) {
		struct part *part = &prediction->parts[i];
		struct readahead_stats stats;

		if (!part->replay)
			continue;
		readahead_finish(part->replay, &stats, NULL);
		add_stats(&self->account.predicted, &stats);
		if (has_trained(self))
			judge(self, part, stats.bytes);
	}
}

void launch_learn_to_predict(struct launch *self)
{
	if (has_trained(self))
		(void)!predict_update_index(self->options->db, &self->predicted);
}
