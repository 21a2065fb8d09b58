/* observer_predict.c - the prefetch of a start of which nothing is remembered */
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "observer_private.h"
#include "sys/clock.h"

#define N_THREADS 4
/* Nothing is predicted any more after so long. */
#define MAX_MS 30000

/* Made and used by its thread; the observer reads it once the thread has said that it is done. Nobody waits
 * for it: a thread that stands in a file system keeps it until the process ends. */
struct prediction {
	pthread_mutex_t lock;
	enum { PREDICTING, PREDICTED, NOTHING_PREDICTED, GIVEN_UP } state;
	const struct observer_options *options;
	struct shadow shadow;
	struct plan plan;
	struct readahead *replay; /* NULL: not yet, or nothing was to be read */
};

/* What was predicted of late and not used says that the records of others tell nothing. */
static bool is_worth_it(const struct shadow *index)
{
	return index->stats.wasted_bytes <= index->stats.prefetched_bytes / 2;
}

static int make_plan(struct prediction *self)
{
	const struct observer_options *options = self->options;
	cleanup_with(shadow_release) struct shadow index = { 0 };
	bool has_index = shadowdb_load(options->db, SHADOWDB_INDEX, "", &index, NULL) == 0;
	int r = predict_shadow(options->program, has_index && is_worth_it(&index) ? &index : NULL,
			       &self->shadow);
	cleanup_free struct places *places = r == 0 ? malloc(sizeof(*places)) : NULL;
	struct plan_options plan_options = { .places = places,
					     .budget_pages = readahead_budget_pages(),
					     .max_age = UINT8_MAX };

	if (r < 0)
		return r;
	if (places)
		places_init(places, options->program);
	r = plan_build(&self->shadow.files, &plan_options, &self->plan);
	if (places)
		places_release(places);
	return r;
}

static void *predict(void *context)
{
	struct prediction *self = context;
	struct readahead *replay = make_plan(self) == 0 ? readahead_start(&self->plan, N_THREADS, 0) : NULL;

	pthread_mutex_lock(&self->lock);
	if (self->state == PREDICTING) {
		self->replay = replay;
		self->state = replay ? PREDICTED : NOTHING_PREDICTED;
	} else if (replay) {
		readahead_cancel(replay); /* what it has goes with the process */
	}
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

void launch_start_prediction(struct launch *self)
{
	struct prediction *prediction = calloc(1, sizeof(*prediction));
	pthread_t thread;
	sigset_t all, before;

	if (!prediction)
		return;
	pthread_mutex_init(&prediction->lock, NULL);
	prediction->options = self->options;
	/* The timer of the tracing thread is not for this one. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, predict, prediction) == 0) {
		(void)pthread_detach(thread);
		self->prediction = prediction;
	} else {
		free(prediction);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void launch_account_prediction(struct launch *self)
{
	struct prediction *prediction = self->prediction;

	if (!prediction)
		return;
	pthread_mutex_lock(&prediction->lock);
	prediction->state = prediction->state == PREDICTING ? GIVEN_UP : prediction->state;
	if (prediction->replay)
		readahead_account(prediction->replay, &self->account.predicted);
	pthread_mutex_unlock(&prediction->lock);
}

/* How much of what was read the program then used. */
static void judge(struct launch *self)
{
	const struct readahead_stats *stats = &self->account.predicted;
	struct plan_use use =
		plan_compare(&self->prediction->plan, &self->recorder.record.seen, PLAN_SEES_ALL);

	if (stats->bytes == 0 || use.n_judged == 0)
		return;
	self->predicted.predicted = stats->bytes;
	self->predicted.wasted =
		(uint64_t)((double)stats->bytes * (double)use.n_unused / (double)use.n_judged);
}

/* Is there nothing left for its threads to do? */
static bool is_over(struct prediction *self)
{
	pthread_mutex_lock(&self->lock);
	bool is_over =
		self->state == PREDICTED ? readahead_wait_done(self->replay, 0) : self->state != PREDICTING;

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
	if (!prediction || !prediction->replay)
		return;
	readahead_finish(prediction->replay, &self->account.predicted, NULL);
	if (has_trained(self))
		judge(self);
}

void launch_learn_to_predict(struct launch *self)
{
	if (has_trained(self))
		(void)!predict_update_index(self->options->db, &self->predicted);
}
