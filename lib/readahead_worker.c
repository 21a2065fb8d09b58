/* readahead_worker.c - what the threads of a replay do: open files, look up names, ask for data */
#include "readahead_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "prefetch/head_start.h"
#include "prefetch/metadata.h"
#include "sys/clock.h"
#include "sys/huge.h"
#include "sys/page.h"
#include "sys/resident.h"
#include "sys/threads.h"

/* What has not been asked for by then is of no use to the start any more. */
#define REPLAY_MAX_NS UINT64_C(30000000000)

/* What is asked for by one call of a window that is not to be had as a huge folio. The kernel may cut it. */
#define HUGE_PIECE_BYTES ((size_t)(128 * 1024))

/* For so long at most a huge folio waits for those before it. */
#define HUGE_WAIT_NS UINT64_C(50000000)

/* Before a call that may take long, or for ever, because of file. */
static void worker_leave(struct worker *self, struct plan_file *file)
{
	self->asked = file;
	self->asked_ns = clock_now_ns();
	pthread_mutex_unlock(&self->owner->lock);
}

/* With the lock, after it was not held: does not return if the replay was abandoned meanwhile. */
static void end_if_abandoned(struct readahead *owner)
{
	while (owner->end == READAHEAD_ABANDONED) {
		pthread_mutex_unlock(&owner->lock);
		/* Nobody joins it; and the process is about to end. */
		(void)syscall(SYS_exit, 0);
	}
}

/* After it. Does not return if the replay was abandoned meanwhile. */
static void worker_enter(struct worker *self)
{
	struct readahead *owner = self->owner;

	pthread_mutex_lock(&owner->lock);
	end_if_abandoned(owner);
	self->asked = NULL;
	owner->fronts[self->reach].last_answer_ns = clock_now_ns();
}

/* The plan and what it points to may go during a call. */
static void copy_path(struct worker *self, const struct plan_file *file)
{
	snprintf(self->path, sizeof(self->path), "%s", file->file->path);
}

static bool goes_on(const struct readahead *self)
{
	return self->end == READAHEAD_GOES_ON && clock_now_ns() - self->started_ns < REPLAY_MAX_NS;
}

/* A file that was cut to length without being written, or has been punched: most of it may be nowhere. */
static bool has_holes(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size;
}

/* The descriptor of the file if it is still what was recorded, else -errno (-ESTALE: it has changed). */
static int open_valid(const char *path, const struct fileid *id, bool *ret_has_holes)
{
	struct stat st;
	cleanup_close int fd = fileid_open(path, &st);

	if (fd < 0)
		return fd;
	/* The plan names all that is wanted: the kernel is to add nothing to a read, not even to those
	 * that only look at a page. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	*ret_has_holes = has_holes(&st);
	return fileid_still_valid(id, fd, &st) ? take_fd(fd) : -ESTALE;
}

/* On a network file system close(2) may wait as any other call. */
static void close_target(struct worker *self, uint32_t file_index)
{
	struct target *target = &self->owner->targets[file_index];
	int fd = target->fd;

	if (fd < 0)
		return;
	target->fd = -1;
	self->owner->n_open--;
	worker_leave(self, &self->owner->plan->files[file_index]);
	close(fd);
	worker_enter(self);
}

static void close_if_idle(struct worker *self, uint32_t file_index)
{
	const struct target *target = &self->owner->targets[file_index];

	if (target->n_users == 0 && (target->n_left == 0 || self->owner->n_open > self->owner->max_open))
		close_target(self, file_index);
}

static void close_all(struct worker *self)
{
	struct readahead *owner = self->owner;

	for (uint32_t i = 0; i < owner->plan->n_files; i++)
		if (readahead_reach(&owner->plan->files[i]) == self->reach && owner->targets[i].n_users == 0)
			close_target(self, i);
}

/* What r, the outcome of looking at a file, says of the recording. */
static void count_validated(struct readahead *self, const struct pageset_file *file, int r)
{
	bool is_changed = r == -ESTALE || r == -EINVAL;
	bool is_missing = r == -ENOENT || r == -ENOTDIR;

	if (self->end >= READAHEAD_ACCOUNTED)
		return;
	self->stats.skipped_files += r < 0;
	if (!is_changed && !is_missing)
		return;
	self->stats.stale_files++;
	if (file->access & PAGESET_WRITTEN)
		return;
	self->stats.changed_code_files += pageset_file_is_code(file);
	self->stats.changed_pages += is_changed ? pageset_file_pages(file) : 0;
}

static void note_validated(struct worker *self, uint32_t file_index, int r)
{
	struct readahead *owner = self->owner;
	struct target *target = &owner->targets[file_index];

	if (target->was_validated) {
		owner->stats.skipped_files += r < 0 && owner->end < READAHEAD_ACCOUNTED;
		return;
	}
	target->was_validated = true;
	count_validated(owner, owner->plan->files[file_index].file, r);
	if (--owner->fronts[self->reach].n_unvalidated == 0)
		pthread_cond_broadcast(&owner->changed);
}

static void finish_request(struct worker *self, uint32_t file_index, uint64_t n_pages)
{
	struct target *target = &self->owner->targets[file_index];

	self->owner->fronts[self->reach].done_pages += n_pages;
	target->n_left--;
	close_if_idle(self, file_index);
}

static off_t page_offset(uint64_t page_index)
{
	return (off_t)(page_index << page_shift());
}

static void release_oldest(struct worker *self)
{
	struct under_way oldest = self->queue[self->n_done++ % READAHEAD_QUEUE_DEPTH];

	self->owner->targets[oldest.file_index].n_users--;
	finish_request(self, oldest.file_index, oldest.n_pages);
}

/* Until the last page of the oldest request has arrived: the others do before, or nearly so. */
static void wait_for_oldest(struct worker *self)
{
	const struct under_way *oldest = &self->queue[self->n_done % READAHEAD_QUEUE_DEPTH];
	char byte;

	worker_leave(self, &self->owner->plan->files[oldest->file_index]);
	(void)!pread(oldest->fd, &byte, 1, page_offset(oldest->last_page));
	worker_enter(self);
	release_oldest(self);
}

static bool is_hole(int fd, off_t offset, size_t n_bytes)
{
	off_t data = lseek(fd, offset, SEEK_DATA);

	return data >= offset + (off_t)n_bytes || (data < 0 && errno == ENXIO);
}

enum outcome { OUTCOME_READ, OUTCOME_ARRIVED, OUTCOME_RESIDENT, OUTCOME_HOLE };

/*
 * Asks for the pages.
 *
 * Whether they were in memory is told afterwards, by what this thread had read from the disk. To look first
 * would tear a request in two disk accesses, because RWF_NOWAIT starts to read the page that it does not
 * find. Where nothing was read the last page is looked at: it may be on its way, asked for by another.
 *
 * A window that is to be a huge folio is waited for at once. If its first page was there it can be none: then
 * it is asked for as all else.
 *
 * A hole is on no disk. To have it read would fill memory with zeros, as much as somebody claims was used.
 */
static enum outcome issue(const struct worker *self, const struct target *target, uint64_t first_page,
			  uint64_t n_pages, enum plan_how how)
{
	int fd = target->fd; /* stays, as do the holes, while there are users */
	uint64_t last_page = first_page + n_pages - 1, n_read = resident_disk_reads();
	off_t offset = page_offset(first_page);
	size_t n_bytes = n_pages << page_shift();

	if (target->has_holes && is_hole(fd, offset, n_bytes))
		return OUTCOME_HOLE;
	if (how == PLAN_HUGE && !target->has_holes && huge_read(fd, offset) == 0 &&
	    resident_disk_reads() != n_read)
		return OUTCOME_ARRIVED;
	for (size_t n_asked = 0; n_asked < n_bytes; n_asked += how == PLAN_HUGE ? HUGE_PIECE_BYTES : n_bytes)
		(void)readahead(fd, offset + (off_t)n_asked, n_bytes - n_asked);
	if (resident_disk_reads() != n_read)
		return OUTCOME_READ;
	switch (resident_look(fd, last_page)) {
	case RESIDENT_YES:
		return OUTCOME_RESIDENT;
	case RESIDENT_NO:
		return OUTCOME_READ;
	case RESIDENT_UNKNOWN:
		break;
	}
	/* On no disk of this machine only a read that waits tells. */
	if (self->reach == PLACE_FAR || !self->owner->counts_disk_reads)
		return resident_read(fd, last_page, RESIDENT_OTHER) ? OUTCOME_RESIDENT : OUTCOME_READ;
	return OUTCOME_RESIDENT;
}

/*
 * Huge folios come one after the other. Nothing of one is there before all of it is: side by side they would
 * all come at the end, and the program waits for the first. Waits with a bound, because a disk may hang.
 */
static void begin_huge(struct readahead *self)
{
	uint64_t until_ns = clock_now_ns() + HUGE_WAIT_NS;

	while (self->n_huge_under_way >= READAHEAD_HUGE_AT_ONCE &&
	       threads_wait(&self->huge_is_over, &self->lock, until_ns))
		;
	end_if_abandoned(self);
	self->n_huge_under_way++;
}

static void end_huge(struct readahead *self)
{
	self->n_huge_under_way--;
	pthread_cond_signal(&self->huge_is_over);
}

static void account(struct readahead *self, struct plan_request *request, enum outcome outcome)
{
	uint64_t n_bytes = request->n_pages << page_shift();
	struct target *target = &self->targets[request->file_index];

	if (self->end >= READAHEAD_ACCOUNTED)
		return;
	self->stats.elapsed_ns = clock_now_ns() - self->started_ns;
	if (outcome == OUTCOME_RESIDENT)
		self->stats.resident_bytes += n_bytes;
	if (outcome != OUTCOME_READ && outcome != OUTCOME_ARRIVED)
		return;
	self->stats.files += !target->was_asked;
	target->was_asked = true;
	self->stats.extents++;
	self->stats.bytes += n_bytes;
	request->was_read = true;
}

/* Its file is open. */
static void ask(struct worker *self, uint32_t i)
{
	struct readahead *owner = self->owner;
	struct plan_request request = owner->plan->requests[i];
	struct target *target = &owner->targets[request.file_index];
	enum outcome outcome;

	target->n_users++;
	if (self->n_begun - self->n_done == READAHEAD_QUEUE_DEPTH)
		wait_for_oldest(self);

	if (request.how == PLAN_HUGE)
		begin_huge(owner);

	int fd = target->fd;

	worker_leave(self, &owner->plan->files[request.file_index]);
	outcome = issue(self, target, request.first_page, request.n_pages, request.how);
	worker_enter(self);
	if (request.how == PLAN_HUGE)
		end_huge(owner);
	account(owner, &owner->plan->requests[i], outcome);
	if (outcome == OUTCOME_READ) {
		self->queue[self->n_begun++ % READAHEAD_QUEUE_DEPTH] =
			(struct under_way){ request.file_index, fd, request.first_page + request.n_pages - 1,
					    request.n_pages };
		return;
	}
	target->n_users--;
	finish_request(self, request.file_index, request.n_pages);
}

/* The file is about to be opened by another thread, which then goes on with this request: to wait for it
 * might take for ever. */
static void leave_to_opener(struct readahead *self, uint32_t i)
{
	struct target *target = &self->targets[self->plan->requests[i].file_index];

	self->next_waiting[i] = NO_REQUEST;
	if (target->first_waiting == NO_REQUEST)
		target->first_waiting = i;
	else
		self->next_waiting[target->last_waiting] = i;
	target->last_waiting = i;
}

/* A lookup that never ended would keep the program from ending, too (far_mounts.h): as long as the file
 * system does not answer, this waits in its place. -ETIMEDOUT: abandoned; -EXDEV: would be mounted. */
static int check_way(struct worker *self)
{
	struct readahead *owner = self->owner;
	bool is_over = false;

	if (owner->traps && traps_on_way(owner->traps, self->path))
		return -EXDEV;
	while (!is_over && self->reach == PLACE_FAR && !far_mounts_answer(owner->far_mounts, self->path)) {
		far_mounts_ask_again(owner->far_mounts);
		pthread_mutex_lock(&owner->lock);
		is_over = owner->end == READAHEAD_ABANDONED;
		pthread_mutex_unlock(&owner->lock);
	}
	return is_over ? -ETIMEDOUT : 0;
}

static void open_target(struct worker *self, uint32_t file_index)
{
	struct readahead *owner = self->owner;
	struct target *target = &owner->targets[file_index];
	struct plan_file *file = &owner->plan->files[file_index];
	struct fileid id = file->file->id;
	bool is_sparse = false;

	target->state = TARGET_OPENING;
	copy_path(self, file);
	worker_leave(self, file);
	int fd = check_way(self);

	fd = fd < 0 ? fd : open_valid(self->path, &id, &is_sparse);

	worker_enter(self);
	target->state = fd < 0 ? TARGET_SKIPPED : TARGET_VALID;
	target->fd = fd < 0 ? -1 : fd;
	target->has_holes = is_sparse;
	owner->n_open += fd >= 0;
	note_validated(self, file_index, fd);
}

static bool is_past(const struct readahead *self, const struct plan_file *file)
{
	return self->program_started_ns > 0 &&
	       head_start_is_past(file->first_use_us, clock_now_ns() - self->program_started_ns);
}

static void take_request(struct worker *self, uint32_t i)
{
	struct readahead *owner = self->owner;
	const struct plan_request *request = &owner->plan->requests[i];
	const struct plan_file *file = &owner->plan->files[request->file_index];
	struct target *target = &owner->targets[request->file_index];

	if (file->is_streamed && is_past(owner, file)) {
		finish_request(self, request->file_index, request->n_pages);
		return;
	}
	if (target->state == TARGET_UNSEEN || (target->state == TARGET_VALID && target->fd < 0))
		open_target(self, request->file_index);
	if (target->state == TARGET_OPENING)
		leave_to_opener(owner, i);
	else if (target->state == TARGET_VALID && target->fd >= 0)
		ask(self, i);
	else
		finish_request(self, request->file_index, request->n_pages);
}

static void take_waiting(struct worker *self, struct target *target)
{
	struct readahead *owner = self->owner;

	while (target->first_waiting != NO_REQUEST && target->state != TARGET_OPENING && goes_on(owner)) {
		uint32_t i = target->first_waiting;

		target->first_waiting = owner->next_waiting[i];
		take_request(self, i);
	}
}

static void validate_files(struct worker *self)
{
	struct readahead *owner = self->owner;
	struct front *front = &owner->fronts[self->reach];

	while (goes_on(owner) && front->next_file < owner->plan->n_files) {
		uint32_t i = (uint32_t)front->next_file++;

		if (readahead_reach(&owner->plan->files[i]) != self->reach ||
		    owner->targets[i].state != TARGET_UNSEEN)
			continue;
		open_target(self, i);
		take_waiting(self, &owner->targets[i]);
		close_if_idle(self, i);
	}
}

static void look_up(struct worker *self, struct plan_file *name)
{
	uint8_t access = name->file->access;

	if (readahead_reach(name) != self->reach)
		return;
	copy_path(self, name);
	worker_leave(self, name);
	int r = check_way(self);

	r = r < 0 ? r : metadata_fetch(self->path, access);

	worker_enter(self);
	self->owner->stats.skipped_files += r < 0 && self->owner->end < READAHEAD_ACCOUNTED;
}

static void look_up_names(struct worker *self)
{
	struct readahead *owner = self->owner;
	struct front *front = &owner->fronts[self->reach];

	while (goes_on(owner) && front->next_name < owner->plan->n_names)
		look_up(self, &owner->plan->names[front->next_name++]);
}

/* Their blocks are in memory, but not what the kernel makes of them; that takes 2 us each, which the program
 * is spared. */
static void look_up_deferred_names(struct worker *self)
{
	struct readahead *owner = self->owner;

	for (size_t i = 0; i < owner->plan->n_deferred_names && goes_on(owner); i++)
		if (!is_past(owner, &owner->plan->deferred_names[i]))
			look_up(self, &owner->plan->deferred_names[i]);
}

static void read_data(struct worker *self)
{
	struct readahead *owner = self->owner;
	struct front *front = &owner->fronts[self->reach];

	while (goes_on(owner) && front->next_request < owner->plan->n_requests) {
		uint32_t i = (uint32_t)front->next_request++;

		uint32_t file_index = owner->plan->requests[i].file_index;

		if (readahead_reach(&owner->plan->files[file_index]) != self->reach)
			continue;
		take_request(self, i);
		take_waiting(self, &owner->targets[file_index]);
	}
	while (self->n_done < self->n_begun)
		release_oldest(self);
}

/*
 * All begin with the files, in order of first use. To open one takes several requests, each of which waits
 * for the one before; behind data each would wait a millisecond, and the data would wait for the file.
 */
void *readahead_work(void *worker)
{
	struct worker *self = worker;
	struct readahead *owner = self->owner;

	pthread_mutex_lock(&owner->lock);
	validate_files(self);
	if (self->begins_with_names)
		look_up_names(self);
	read_data(self);
	look_up_names(self);
	if (self->is_first)
		look_up_deferred_names(self);
	close_all(self);
	self->state = WORKER_ENDED;
	owner->n_running--;
	pthread_cond_broadcast(&owner->changed);
	pthread_mutex_unlock(&owner->lock);
	return NULL;
}
