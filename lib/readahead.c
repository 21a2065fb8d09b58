/* readahead.c - starts, waits for and ends the threads of a replay */
#include "readahead.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefetch/head_start.h"
#include "readahead_private.h"
#include "sys/clock.h"
#include "sys/fd_limit.h"
#include "sys/meminfo.h"
#include "sys/page.h"
#include "sys/resident.h"
#include "sys/threads.h"

enum {
	STACK_BYTES = 65536,
	/* One thread in so many goes for the names first, the others for the data. */
	NAMES_SHARE = 4,
	/* How often is looked whether it is ahead. */
	HEAD_START_LOOK_NS = 300000,
	/* How often, when nothing is heard, is looked whether anything will be. */
	FINISH_LOOK_MS = 20,
	/* Open at the same time as the files: directories, and what the caller has. */
	SPARE_FDS = 64,
	/* A call has gone unanswered if it takes longer, when the account is made before the end. */
	UNANSWERED_FAR_MS = 20,
	UNANSWERED_NEAR_MS = 500,
};

#define NS_PER_MS UINT64_C(1000000)

static int make_targets(struct readahead *self, struct plan *plan)
{
	self->targets = calloc(plan->n_files + 1, sizeof(*self->targets));
	self->next_waiting = calloc(plan->n_requests + 1, sizeof(*self->next_waiting));
	if (!self->targets || !self->next_waiting)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n_files; i++) {
		self->targets[i].fd = -1;
		self->targets[i].first_waiting = NO_REQUEST;
		self->fronts[readahead_reach(&plan->files[i])].n_unvalidated++;
	}
	for (size_t i = 0; i < plan->n_requests; i++)
		self->targets[plan->requests[i].file_index].n_left++;
	return 0;
}

static bool has_far_files(const struct plan_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (readahead_reach(&files[i]) == PLACE_FAR)
			return true;
	return false;
}

static bool has_far_part(const struct plan *plan)
{
	return has_far_files(plan->files, plan->n_files) || has_far_files(plan->names, plan->n_names) ||
	       has_far_files(plan->deferred_names, plan->n_deferred_names);
}

static int start_thread(struct readahead *self, enum place_reach reach, unsigned int number)
{
	struct worker *worker = &self->workers[self->n_started];

	worker->owner = self;
	worker->state = WORKER_RUNS;
	worker->reach = reach;
	worker->is_first = number == 0;
	worker->begins_with_names = number % NAMES_SHARE == 0;
	pthread_mutex_lock(&self->lock);
	self->n_running++;
	pthread_mutex_unlock(&self->lock);

	int r = threads_start(&worker->thread, STACK_BYTES, readahead_work, worker);

	if (r == 0) {
		self->n_started++;
		return 0;
	}
	worker->state = WORKER_UNUSED;
	pthread_mutex_lock(&self->lock);
	self->n_running--;
	pthread_mutex_unlock(&self->lock);
	return r;
}

static int start_threads(struct readahead *self, unsigned int n_threads)
{
	unsigned int n_far_threads = self->far_mounts ? READAHEAD_FAR_THREADS : 0;
	int r = 0;

	for (unsigned int i = 0; i < n_threads && r == 0; i++)
		r = start_thread(self, PLACE_NEAR, i);
	for (unsigned int i = 0; i < n_far_threads && r == 0; i++)
		r = start_thread(self, PLACE_FAR, i);
	/* Fewer than asked for, because of RLIMIT_NPROC say, will do. */
	return self->n_started > 0 ? 0 : r;
}

static void release(struct readahead *self)
{
	pthread_mutex_destroy(&self->lock);
	pthread_cond_destroy(&self->changed);
	pthread_cond_destroy(&self->huge_is_over);
	free(self->pending);
	pageset_release(&self->pending_paths);
	far_mounts_free(self->far_mounts);
	free(self->targets);
	free(self->next_waiting);
	free(self);
}

struct readahead *readahead_start(struct plan *plan, unsigned int n_threads, uint64_t program_started_ns)
{
	struct readahead *self = calloc(1, sizeof(*self));
	int r;

	assert(n_threads >= 1 && n_threads <= READAHEAD_MAX_THREADS - READAHEAD_FAR_THREADS);
	if (!self)
		return NULL;
	self->plan = plan;
	self->started_ns = clock_now_ns();
	self->program_started_ns = program_started_ns;
	self->stats.unanswered_files = plan->n_left_out;
	self->max_open = fd_limit_get() / 2;
	self->counts_disk_reads = resident_counts_disk_reads();
	self->stats.resident_bytes = plan->n_memory_pages << page_shift();
	self->fronts[PLACE_NEAR].last_answer_ns = self->fronts[PLACE_FAR].last_answer_ns = self->started_ns;
	pthread_mutex_init(&self->lock, NULL);
	threads_init_condition(&self->changed);
	threads_init_condition(&self->huge_is_over);

	fd_limit_widen(plan->n_files + SPARE_FDS < self->max_open ? plan->n_files + SPARE_FDS
								  : self->max_open);
	/* What is far and cannot be asked whether it answers is left alone. */
	if (has_far_part(plan) || plan->has_traps)
		self->far_mounts = far_mounts_new();
	/* A thread that is abandoned outlives the plan. */
	if (plan->has_traps && self->far_mounts)
		self->traps = &self->far_mounts->mounts;
	r = plan->has_traps && !self->traps ? -ENOMEM : make_targets(self, plan);
	if (r == 0)
		r = start_threads(self, n_threads);
	if (r < 0) {
		release(self);
		errno = -r;
		return NULL;
	}
	return self;
}

/* With the lock. False: the time has come. */
static bool wait_for_change(struct readahead *self, uint64_t until_ns)
{
	return threads_wait(&self->changed, &self->lock, until_ns);
}

bool readahead_wait_validated(struct readahead *self, unsigned int timeout_ms,
			      struct readahead_stats *ret_stats)
{
	uint64_t until_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	const struct front *front = &self->fronts[PLACE_NEAR];
	bool is_done;

	pthread_mutex_lock(&self->lock);
	while (front->n_unvalidated > 0 && wait_for_change(self, until_ns))
		;
	is_done = front->n_unvalidated == 0;
	if (is_done)
		*ret_stats = self->stats;
	pthread_mutex_unlock(&self->lock);
	return is_done;
}

bool readahead_wait_ahead(struct readahead *self, unsigned int timeout_ms)
{
	uint64_t until_ns = clock_now_ns() + timeout_ms * NS_PER_MS;

	for (;;) {
		uint64_t now_ns = clock_now_ns(), done_pages, silent_ns;

		pthread_mutex_lock(&self->lock);
		done_pages = self->fronts[PLACE_NEAR].done_pages;
		silent_ns = now_ns - self->fronts[PLACE_NEAR].last_answer_ns;
		pthread_mutex_unlock(&self->lock);
		if (head_start_is_ahead(self->plan, done_pages, now_ns - self->started_ns))
			return true;
		/* An answer may be later than now_ns. */
		if (now_ns >= until_ns || (int64_t)silent_ns >= (int64_t)(READAHEAD_STALL_MS * NS_PER_MS))
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = HEAD_START_LOOK_NS }, NULL);
	}
}

void readahead_note_start(struct readahead *self)
{
	pthread_mutex_lock(&self->lock);
	self->program_started_ns = clock_now_ns();
	pthread_mutex_unlock(&self->lock);
}

void readahead_cancel(struct readahead *self)
{
	pthread_mutex_lock(&self->lock);
	if (self->end < READAHEAD_CANCELLED)
		self->end = READAHEAD_CANCELLED;
	pthread_mutex_unlock(&self->lock);
}

static bool waits(const struct worker *worker, uint64_t now_ns, unsigned int limit_ms)
{
	return worker->state == WORKER_RUNS && worker->asked &&
	       now_ns - worker->asked_ns >= limit_ms * NS_PER_MS;
}

/* What worker waits for, and all that lies on a far mount with it. */
static uint64_t mark_with(const struct worker *worker, struct plan_file *files, size_t n)
{
	const struct plan_file *asked = worker->asked;
	uint64_t n_marked = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_with = worker->reach == PLACE_FAR && files[i].place.mount == asked->place.mount;

		if ((&files[i] != asked && !is_with) || files[i].is_unanswered)
			continue;
		files[i].is_unanswered = true;
		n_marked++;
	}
	return n_marked;
}

/* The lists of a plan, one after the other. */
struct list {
	struct plan_file *files;
	size_t n;
};
enum { N_LISTS = 3 };

static void list_files(const struct plan *plan, struct list ret_lists[N_LISTS])
{
	ret_lists[0] = (struct list){ plan->files, plan->n_files };
	ret_lists[1] = (struct list){ plan->names, plan->n_names };
	ret_lists[2] = (struct list){ plan->deferred_names, plan->n_deferred_names };
}

/* With the lock. Marks what threads have waited for so long; returns how many files that are. */
static uint64_t mark_unanswered(struct readahead *self, unsigned int far_ms, unsigned int near_ms)
{
	struct list lists[N_LISTS];
	uint64_t now_ns = clock_now_ns(), n_marked = 0;

	list_files(self->plan, lists);
	for (size_t i = 0; i < READAHEAD_MAX_THREADS; i++) {
		const struct worker *worker = &self->workers[i];

		if (waits(worker, now_ns, worker->reach == PLACE_FAR ? far_ms : near_ms))
			for (size_t k = 0; k < N_LISTS; k++)
				n_marked += mark_with(worker, lists[k].files, lists[k].n);
	}
	return n_marked;
}

/* With the lock. What is marked may turn out to be unanswered, when its path is gone. */
static void keep_pending(struct readahead *self, uint64_t n_marked)
{
	struct list lists[N_LISTS];

	self->pending = n_marked > 0 ? calloc(n_marked, sizeof(*self->pending)) : NULL;
	list_files(self->plan, lists);
	for (size_t k = 0; k < N_LISTS && self->pending; k++)
		for (size_t i = 0; i < lists[k].n; i++) {
			const struct plan_file *file = &lists[k].files[i];
			struct pageset_file *copy = NULL;

			if (!file->is_unanswered || self->n_pending == n_marked ||
			    pageset_add(&self->pending_paths, file->file->path, 0, &copy) < 0 || !copy)
				continue;
			self->pending[self->n_pending++] = (struct pending){ file, copy->path };
		}
}

static void forget_marks(struct readahead *self)
{
	struct list lists[N_LISTS];

	list_files(self->plan, lists);
	for (size_t k = 0; k < N_LISTS; k++)
		for (size_t i = 0; i < lists[k].n; i++)
			lists[k].files[i].is_unanswered = false;
}

/*
 * A file system may need a moment. What is reported are those that had more; but whoever has not answered yet
 * is kept in mind, since a short program may be over before it can be told.
 */
void readahead_account(struct readahead *self, struct readahead_stats *ret_stats)
{
	pthread_mutex_lock(&self->lock);
	if (self->end < READAHEAD_ACCOUNTED) {
		uint64_t n_late = mark_unanswered(self, UNANSWERED_FAR_MS, UNANSWERED_NEAR_MS);

		keep_pending(self, n_late + mark_unanswered(self, 0, 0));
		self->stats.unanswered_files += n_late;
		self->end = READAHEAD_ACCOUNTED;
	}
	*ret_stats = self->stats;
	pthread_mutex_unlock(&self->lock);
}

bool readahead_wait_done(struct readahead *self, unsigned int timeout_ms)
{
	uint64_t until_ns = clock_now_ns() + timeout_ms * NS_PER_MS;

	pthread_mutex_lock(&self->lock);
	while (self->n_running > 0 && wait_for_change(self, until_ns))
		;
	bool is_done = self->n_running == 0;

	pthread_mutex_unlock(&self->lock);
	return is_done;
}

/* With the lock. True if all have ended. */
static bool wait_for_threads(struct readahead *self)
{
	uint64_t began_ns = clock_now_ns();

	while (self->n_running > 0) {
		uint64_t now_ns = clock_now_ns(), heard_ns = began_ns;

		for (int reach = PLACE_NEAR; reach <= PLACE_FAR; reach++)
			if (self->fronts[reach].last_answer_ns > heard_ns)
				heard_ns = self->fronts[reach].last_answer_ns;
		if (now_ns > heard_ns && now_ns - heard_ns > READAHEAD_PATIENCE_MS * NS_PER_MS)
			return false;
		(void)wait_for_change(self, now_ns + FINISH_LOOK_MS * NS_PER_MS);
	}
	return true;
}

/* Those that have ended leave nothing behind. The others are nobody's any more. */
static void join_threads(const struct worker *workers)
{
	for (size_t i = 0; i < READAHEAD_MAX_THREADS; i++)
		if (workers[i].state == WORKER_ENDED)
			pthread_join(workers[i].thread, NULL);
		else if (workers[i].state == WORKER_RUNS)
			pthread_detach(workers[i].thread);
}

/* Pending ones are all that can be: after the account nothing is asked for but what was under way. */
static void list_unanswered(const struct readahead *self, struct pageset *unanswered)
{
	for (size_t i = 0; self->pending && i < self->n_pending; i++) {
		const struct plan_file *asked = self->pending[i].file;
		struct pageset_file *file = NULL;

		if (asked && asked->is_unanswered &&
		    pageset_add(unanswered, self->pending[i].path, 0, &file) < 0)
			return; /* then it is tried once more */
	}
}

void readahead_finish(struct readahead *self, struct readahead_stats *ret_stats, struct pageset *unanswered)
{
	bool is_accounted, have_ended;

	pthread_mutex_lock(&self->lock);
	is_accounted = self->end >= READAHEAD_ACCOUNTED;
	have_ended = wait_for_threads(self);
	forget_marks(self);
	self->stats.unanswered_files = self->plan->n_left_out + mark_unanswered(self, 0, 0);
	if (!is_accounted)
		keep_pending(self, self->stats.unanswered_files);
	if (unanswered)
		list_unanswered(self, unanswered);
	self->end = READAHEAD_ABANDONED;
	*ret_stats = self->stats;
	pthread_mutex_unlock(&self->lock);
	join_threads(self->workers);
	if (have_ended)
		release(self);
}

uint64_t readahead_budget_pages(void)
{
	return meminfo_available_bytes("") / 2 / page_bytes();
}
