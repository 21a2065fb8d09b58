#include "readahead.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <time.h>

#include "prefetch/head_start.h"
#include "prefetch/metadata.h"
#include "sys/clock.h"
#include "sys/fd_limit.h"
#include "sys/meminfo.h"
#include "sys/page.h"
#include "sys/pagemap.h"

enum {
	MAX_THREADS = 32,
	STACK_BYTES = 65536,
	/* Requests that one thread has under way. Four threads keep a solid-state disk busy with it; more
	 * would only make the faults of the program itself wait longer. */
	WINDOW = 4,
	/* One thread in so many goes for the names first, the others for the data. */
	NAMES_SHARE = 4,
	/* How often the pace is looked at. */
	HEAD_START_LOOK_NS = 300000,
	/* Open at the same time as the files: directories, and what the caller has. */
	SPARE_FDS = 64,
};

enum target_state { TARGET_UNSEEN, TARGET_VALID, TARGET_SKIPPED };

/* What the threads know of one of plan->files. */
struct target {
	pthread_mutex_t lock;
	enum target_state state;
	int fd; /* -1: not open (any more) */
	bool was_asked;
	unsigned int n_users; /* requests under way */
	size_t n_left;        /* requests that are not over */
};

struct readahead {
	struct plan *plan;
	struct target *targets;
	atomic_size_t next_file;
	atomic_size_t next_name;
	atomic_size_t next_request;
	atomic_uint_fast64_t program_started_ns; /* 0: not yet */
	atomic_uint_fast64_t done_pages;         /* of the requests that are over */
	atomic_bool is_cancelled;
	atomic_size_t n_open;
	size_t most_open;
	uint64_t started_ns;

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t validated;
	size_t n_validated;
	struct readahead_stats stats;

	unsigned int n_threads;
	atomic_uint n_started;
	pthread_t threads[MAX_THREADS];
};

/* The file's descriptor if it is still what was recorded, else -errno (-ESTALE: it has changed). */
static int open_valid(const struct pageset_file *file)
{
	struct stat st;
	cleanup_close int fd = fileid_open(file->path, &st);

	if (fd < 0)
		return fd;
	/* The plan names all that is wanted: the kernel is to add nothing to a read, not even to those
	 * that only look at a page. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	return fileid_still_valid(&file->id, fd, &st) ? take_fd(fd) : -ESTALE;
}

static void close_target(struct readahead *self, struct target *target)
{
	if (target->fd < 0)
		return;
	close(target->fd);
	target->fd = -1;
	atomic_fetch_sub(&self->n_open, 1);
}

static void close_if_idle(struct readahead *self, struct target *target)
{
	if (target->n_users == 0 && (target->n_left == 0 || atomic_load(&self->n_open) > self->most_open))
		close_target(self, target);
}

static int open_target(struct readahead *self, struct target *target, const struct pageset_file *file)
{
	int fd = open_valid(file);

	if (fd < 0)
		return fd;
	target->fd = fd;
	atomic_fetch_add(&self->n_open, 1);
	return 0;
}

/* What r, the outcome of looking at a file, says of the recording. The lock of self is held. */
static void count_validated(struct readahead *self, const struct pageset_file *file, int r)
{
	bool is_changed = r == -ESTALE || r == -EINVAL;
	bool is_missing = r == -ENOENT || r == -ENOTDIR;

	self->n_validated++;
	self->stats.skipped_files += r < 0;
	if (!is_changed && !is_missing)
		return;
	self->stats.stale_files++;
	if (file->access & PAGESET_WRITTEN)
		return;
	self->stats.changed_code_files += pageset_file_is_code(file);
	self->stats.changed_pages += is_changed ? pageset_file_pages(file) : 0;
}

/* The lock of the target is held. */
static void validate_target(struct readahead *self, struct target *target, const struct pageset_file *file)
{
	int r = open_target(self, target, file);

	target->state = r < 0 ? TARGET_SKIPPED : TARGET_VALID;
	close_if_idle(self, target);

	pthread_mutex_lock(&self->lock);
	count_validated(self, file, r);
	if (self->n_validated == self->plan->n_files)
		pthread_cond_broadcast(&self->validated);
	pthread_mutex_unlock(&self->lock);
}

static void validate_files(struct readahead *self)
{
	size_t i;

	while (!atomic_load(&self->is_cancelled) &&
	       (i = atomic_fetch_add(&self->next_file, 1)) < self->plan->n_files) {
		struct target *target = &self->targets[i];

		pthread_mutex_lock(&target->lock);
		if (target->state == TARGET_UNSEEN)
			validate_target(self, target, self->plan->files[i].file);
		pthread_mutex_unlock(&target->lock);
	}
}

static void look_up_name(struct readahead *self, const struct pageset_file *file)
{
	if (metadata_fetch(file) >= 0)
		return;
	pthread_mutex_lock(&self->lock);
	self->stats.skipped_files++;
	pthread_mutex_unlock(&self->lock);
}

static void look_up_names(struct readahead *self)
{
	size_t i;

	while (!atomic_load(&self->is_cancelled) &&
	       (i = atomic_fetch_add(&self->next_name, 1)) < self->plan->n_names)
		look_up_name(self, self->plan->names[i].file);
}

static bool is_past(const struct readahead *self, const struct plan_file *name)
{
	uint64_t started_ns = atomic_load(&self->program_started_ns);

	return started_ns > 0 && head_start_is_past(name->first_use_us, clock_now_ns() - started_ns);
}

/* Their blocks are in memory, but not what the kernel makes of them; that takes 2 us each, which the program
 * is spared. */
static void look_up_other_names(struct readahead *self)
{
	for (size_t i = 0; i < self->plan->n_other_names && !atomic_load(&self->is_cancelled); i++)
		if (!is_past(self, &self->plan->other_names[i]))
			look_up_name(self, self->plan->other_names[i].file);
}

/*
 * The descriptor for a request, to be given back by release_target(); -1 if the file is not to be used. A
 * request that comes before the file was looked at does that itself, so that no thread waits for another's
 * turn.
 */
static int acquire_target(struct readahead *self, uint32_t file_index)
{
	struct target *target = &self->targets[file_index];
	const struct pageset_file *file = self->plan->files[file_index].file;
	int fd = -1;

	pthread_mutex_lock(&target->lock);
	if (target->state == TARGET_UNSEEN)
		validate_target(self, target, file);
	if (target->state == TARGET_VALID && target->fd < 0 && open_target(self, target, file) < 0) {
		target->state = TARGET_SKIPPED;
		pthread_mutex_lock(&self->lock);
		self->stats.skipped_files++;
		pthread_mutex_unlock(&self->lock);
	}
	if (target->state == TARGET_VALID) {
		target->n_users++;
		fd = target->fd;
	}
	pthread_mutex_unlock(&target->lock);
	return fd;
}

static void release_target(struct readahead *self, const struct plan_request *request)
{
	struct target *target = &self->targets[request->file_index];

	atomic_fetch_add(&self->done_pages, request->n_pages);

	pthread_mutex_lock(&target->lock);
	target->n_users--;
	target->n_left--;
	close_if_idle(self, target);
	pthread_mutex_unlock(&target->lock);
}

static uint64_t last_page(const struct plan_request *request)
{
	return request->first_page + request->n_pages - 1;
}

static off_t page_offset(uint64_t page_index)
{
	return (off_t)(page_index << page_shift());
}

static bool page_has_arrived(int fd, uint64_t page_index)
{
	char byte;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };

	return preadv2(fd, &to, 1, page_offset(page_index), RWF_NOWAIT) == 1;
}

/*
 * Asks for the pages of the request. Returns true if they are under way now, to be waited for.
 *
 * Whether they are in memory is looked at after asking: what arrives at once was there. Asking for
 * resident pages costs less than looking at one of them; and looking first would tear a request in two
 * disk accesses, because RWF_NOWAIT starts to read the page that it does not find (since Linux 5.10).
 */
static bool issue(struct readahead *self, struct plan_request *request, int fd)
{
	uint64_t n_bytes = request->n_pages << page_shift();
	struct target *target = &self->targets[request->file_index];
	bool was_resident;

	(void)readahead(fd, page_offset(request->first_page), n_bytes);
	was_resident = page_has_arrived(fd, last_page(request)) && page_has_arrived(fd, request->first_page);

	pthread_mutex_lock(&self->lock);
	if (was_resident) {
		self->stats.resident_bytes += n_bytes;
	} else {
		self->stats.files += !target->was_asked;
		target->was_asked = true;
		self->stats.extents++;
		self->stats.bytes += n_bytes;
	}
	self->stats.elapsed_ns = clock_now_ns() - self->started_ns;
	pthread_mutex_unlock(&self->lock);
	request->was_read = !was_resident;
	return request->was_read;
}

/* Until the last page of the request has arrived: the others do before, or nearly so. */
static void wait_for(const struct plan_request *request, int fd)
{
	char byte;

	(void)!pread(fd, &byte, 1, page_offset(last_page(request)));
}

struct under_way {
	const struct plan_request *request;
	int fd;
};

static void read_data(struct readahead *self)
{
	const struct plan *plan = self->plan;
	struct under_way window[WINDOW]; /* a ring: the oldest is at n_done % WINDOW */
	size_t n_begun = 0, n_done = 0, i;

	for (;;) {
		if (n_begun - n_done == WINDOW) {
			struct under_way *oldest = &window[n_done++ % WINDOW];

			wait_for(oldest->request, oldest->fd);
			release_target(self, oldest->request);
		}
		if (atomic_load(&self->is_cancelled) ||
		    (i = atomic_fetch_add(&self->next_request, 1)) >= plan->n_requests)
			break;

		struct plan_request *request = &plan->requests[i];
		int fd = acquire_target(self, request->file_index);

		if (fd < 0) {
			atomic_fetch_add(&self->done_pages, request->n_pages);
			continue;
		}
		if (issue(self, request, fd))
			window[n_begun++ % WINDOW] = (struct under_way){ request, fd };
		else
			release_target(self, request);
	}
	while (n_done < n_begun)
		release_target(self, window[n_done++ % WINDOW].request);
}

/*
 * All begin with the files, in order of first use. To open one takes several requests, each of which waits
 * for the one before; behind data each would wait a millisecond, and the data would wait for the file.
 */
static void *run(void *context)
{
	struct readahead *self = context;
	unsigned int number = atomic_fetch_add(&self->n_started, 1);

	validate_files(self);
	if (number % NAMES_SHARE == 0)
		look_up_names(self);
	read_data(self);
	look_up_names(self);
	if (number == 0)
		look_up_other_names(self);
	return NULL;
}

static int make_targets(struct readahead *self, const struct plan *plan)
{
	self->targets = calloc(plan->n_files + 1, sizeof(*self->targets));
	if (!self->targets)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n_files; i++) {
		pthread_mutex_init(&self->targets[i].lock, NULL);
		self->targets[i].fd = -1;
	}
	for (size_t i = 0; i < plan->n_requests; i++)
		self->targets[plan->requests[i].file_index].n_left++;
	return 0;
}

static int start_threads(struct readahead *self, unsigned int n_threads)
{
	size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_t attributes;
	sigset_t all, before;
	int r = 0;

	pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES > least ? STACK_BYTES : least);
	/* No handler of the caller may run in a thread that it does not know of. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (self->n_threads < n_threads && r == 0) {
		r = pthread_create(&self->threads[self->n_threads], &attributes, run, self);
		self->n_threads += r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	/* Fewer than asked for, because of RLIMIT_NPROC say, will do. */
	return self->n_threads > 0 ? 0 : -r;
}

static void release(struct readahead *self)
{
	for (size_t i = 0; i < self->plan->n_files; i++) {
		close_target(self, &self->targets[i]);
		pthread_mutex_destroy(&self->targets[i].lock);
	}
	pthread_mutex_destroy(&self->lock);
	pthread_cond_destroy(&self->validated);
	free(self->targets);
	free(self);
}

struct readahead *readahead_start(struct plan *plan, unsigned int n_threads)
{
	cleanup_free struct readahead *self = calloc(1, sizeof(*self));
	pthread_condattr_t attributes;
	int r;

	assert(n_threads >= 1 && n_threads <= MAX_THREADS);
	if (!self)
		return NULL;
	r = make_targets(self, plan);
	if (r < 0) {
		errno = -r;
		return NULL;
	}
	self->plan = plan;
	self->started_ns = clock_now_ns();
	self->most_open = fd_limit_get() / 2;
	pthread_mutex_init(&self->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&self->validated, &attributes);
	pthread_condattr_destroy(&attributes);

	fd_limit_widen(plan->n_files + SPARE_FDS < self->most_open ? plan->n_files + SPARE_FDS
								   : self->most_open);
	r = start_threads(self, n_threads);
	if (r < 0) {
		release(take_pointer(self));
		errno = -r;
		return NULL;
	}
	return take_pointer(self);
}

bool readahead_wait_validated(struct readahead *self, unsigned int timeout_ms,
			      struct readahead_stats *ret_stats)
{
	uint64_t until_ns = clock_now_ns() + (uint64_t)timeout_ms * 1000000u;
	struct timespec until = { (time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u) };
	bool is_done;
	int r = 0;

	pthread_mutex_lock(&self->lock);
	while (self->n_validated < self->plan->n_files && r == 0)
		r = pthread_cond_timedwait(&self->validated, &self->lock, &until);
	is_done = self->n_validated == self->plan->n_files;
	if (is_done)
		*ret_stats = self->stats;
	pthread_mutex_unlock(&self->lock);
	return is_done;
}

bool readahead_wait_ahead(struct readahead *self, unsigned int timeout_ms)
{
	uint64_t until_ns = clock_now_ns() + (uint64_t)timeout_ms * 1000000u;

	for (;;) {
		uint64_t now_ns = clock_now_ns();

		if (head_start_is_ahead(self->plan, atomic_load(&self->done_pages),
					now_ns - self->started_ns))
			return true;
		if (now_ns >= until_ns)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = HEAD_START_LOOK_NS }, NULL);
	}
}

void readahead_note_start(struct readahead *self)
{
	atomic_store(&self->program_started_ns, clock_now_ns());
}

void readahead_cancel(struct readahead *self)
{
	atomic_store(&self->is_cancelled, true);
}

void readahead_finish(struct readahead *self, struct readahead_stats *ret_stats)
{
	for (unsigned int i = 0; i < self->n_threads; i++)
		pthread_join(self->threads[i], NULL);
	*ret_stats = self->stats;
	release(self);
}

uint64_t readahead_budget_pages(void)
{
	return meminfo_available_bytes("") / 2 / page_bytes();
}
