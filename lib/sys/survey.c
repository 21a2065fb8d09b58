/* survey.c - threads that look at files one after the other, and that can be left alone. */
#include "sys/survey.h"

#include <string.h>

#include "sys/analyzer.h"
#include "sys/bounds.h"
#include "sys/clock.h"
#include "sys/threads.h"

/* Who leaves last frees, and no one else. */
ANALYZER_IGNORES("-Wanalyzer-use-after-free")
ANALYZER_IGNORES("-Wanalyzer-use-of-uninitialized-value")

/* Shared by the caller and the threads; who leaves last frees it. */
struct survey {
	pthread_mutex_t lock;
	pthread_cond_t progress;
	size_t n, next, n_answered;
	bool *is_answered;
	void (*look)(size_t i, void *context);
	void *context;
	bool is_over; /* the caller has gone */
	unsigned int n_users;
};

static struct survey *survey_new(size_t n, void (*look)(size_t i, void *context), void *context)
{
	struct survey *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	*self = (struct survey){ .n = n, .look = look, .context = context, .n_users = 1 };
	self->is_answered = calloc(n + 1, sizeof(*self->is_answered));
	if (!self->is_answered) {
		free(self);
		return NULL;
	}
	pthread_mutex_init(&self->lock, NULL);
	threads_init_condition(&self->progress);
	return self;
}

/* The lock is held, and given up. */
static void leave(struct survey *self)
{
	bool is_last = --self->n_users == 0;

	pthread_mutex_unlock(&self->lock);
	if (!is_last)
		return;
	pthread_mutex_destroy(&self->lock);
	pthread_cond_destroy(&self->progress);
	free(self->is_answered);
	free(self);
}

static void *work(void *context)
{
	struct survey *self = context;

	pthread_mutex_lock(&self->lock);
	while (!self->is_over && self->next < self->n) {
		size_t i = self->next++;

		pthread_mutex_unlock(&self->lock);
		self->look(i, self->context);
		pthread_mutex_lock(&self->lock);
		if (self->is_over)
			break;
		self->is_answered[i] = true;
		self->n_answered++;
	}
	pthread_cond_signal(&self->progress);
	leave(self);
	return NULL;
}

/* False: there is none to be had. The lock is held. */
static bool start_thread(struct survey *self)
{
	if (threads_start_detached(work, self) < 0)
		return false;
	self->n_users++;
	return true;
}

/* The lock is held. */
static void wait_for_answers(struct survey *self, uint64_t until_ns)
{
	unsigned int n_threads = 1;
	size_t n_before = 0;

	while (self->n_answered < self->n) {
		uint64_t now_ns = clock_now_ns();
		uint64_t look_ns = now_ns + SURVEY_PATIENCE_MS * UINT64_C(1000000);

		if (now_ns >= until_ns)
			return;
		(void)threads_wait(&self->progress, &self->lock, min_u64(look_ns, until_ns));
		if (self->n_answered > n_before || clock_now_ns() < look_ns) {
			n_before = self->n_answered;
			continue;
		}
		if (n_threads == SURVEY_MAX_THREADS || !start_thread(self))
			return;
		n_threads++;
	}
}

bool survey_run(size_t n, void (*look)(size_t i, void *context), void *context, uint64_t until_ns,
		bool *ret_is_answered)
{
	struct survey *self = survey_new(n, look, context);

	memset(ret_is_answered, 0, n * sizeof(*ret_is_answered));
	if (!self)
		return false;
	pthread_mutex_lock(&self->lock);
	if (start_thread(self)) {
		wait_for_answers(self, until_ns);
	} else {
		self->n_users++;
		pthread_mutex_unlock(&self->lock);
		(void)work(self);
		pthread_mutex_lock(&self->lock);
	}
	bool is_complete = self->n_answered == n;

	memcpy(ret_is_answered, self->is_answered, n * sizeof(*ret_is_answered));
	self->is_over = true;
	leave(self);
	return is_complete;
}
