/*
 * readahead.h - carries out a plan: brings files' metadata and pages into memory, with threads.
 *
 * A run has some steps, so that its caller can decide between them:
 *   readahead_start()   opens and validates every file, in threads, and goes straight on to the data
 *   readahead_wait_validated()   has every near file of which there are pages been looked at? bounded
 *   readahead_wait_ahead()   is it time for the program to start? bounded
 *   readahead_account()  ends it and tells what came of it; waits for nobody
 *   readahead_finish()  waits for the threads as long as they get on, and frees
 *
 * Any call on a remembered path may hang: a network that is gone, a FUSE server that is stopped, a dead disk.
 * So each is made by a thread that nobody waits for without a bound. What is far away (place.h) has threads
 * of its own, and no other thread ever stands behind one that hangs.
 */
#ifndef PBRUN_READAHEAD_H
#define PBRUN_READAHEAD_H

#include "prefetch/plan.h"

struct readahead_stats {
	uint64_t files;            /* with at least one extent as follows */
	uint64_t extents;          /* requests issued: not in memory yet, or not known to be */
	uint64_t bytes;            /* of these extents */
	uint64_t resident_bytes;   /* of the other requests: found in memory (or read while it was looked) */
	uint64_t skipped_files;    /* missing, changed, not regular, unreadable */
	uint64_t unanswered_files; /* whose file system did not answer in time, now or before */
	uint64_t stale_files;      /* of these: with pages, and changed or missing */
	uint64_t changed_code_files; /* of these: code. What the program writes itself does not count ... */
	uint64_t changed_pages;      /* remembered, of files that are there but changed; ... nor here */
	uint64_t elapsed_ns;         /* from readahead_start() to the last request issued */
};

struct readahead;

/*
 * Carries out plan with n_threads (1 to 28; fewer if the system refuses some; with all signals blocked), and
 * up to four more if some of it is far away. plan belongs to the caller and outlives the run, which sets
 * was_read and is_unanswered in it. program_started_ns: by CLOCK_MONOTONIC; 0: see
 * readahead_note_start(). NULL, errno ENOMEM or of pthread_create(3), if there is not even one
 * thread.
 *
 * The threads open all files, then ask for data; one in four looks up names before. When all is asked for,
 * one goes on with the deferred names, as long as the program does not overtake it. At most half of the
 * descriptors that RLIMIT_NOFILE allows are kept open. Requests should be no longer than the kernel reads
 * ahead at once: max(queue/read_ahead_kb, queue/max_sectors_kb) of the disk, 128 KiB anywhere. Holes of files
 * are not read. Nothing is asked for any more after 30 s.
 */
struct readahead *readahead_start(struct plan *plan, unsigned int n_threads, uint64_t program_started_ns);

/* Waits until each near file with pages was validated, at most timeout_ms. True if so; then the numbers of
 * stale and changed files in ret_stats are the final ones, but for far files. */
bool readahead_wait_validated(struct readahead *self, unsigned int timeout_ms,
			      struct readahead_stats *ret_stats);

/* Waits until the data will be there before a program that starts now asks for it (head_start.h), at most
 * timeout_ms, and not once the near disks have answered nothing for READAHEAD_STALL_MS. True if so. */
bool readahead_wait_ahead(struct readahead *self, unsigned int timeout_ms);
#define READAHEAD_STALL_MS 100

/* To be told when the program starts: what it needs only later is worth a look even when all data are there,
 * and what is streamed (plan.h) is left to the kernel as soon as the program has come to it. */
void readahead_note_start(struct readahead *self);

/* Makes the threads stop at the next request. */
void readahead_cancel(struct readahead *self);

/* Waits until nothing is left to do, at most timeout_ms. True if so. */
bool readahead_wait_done(struct readahead *self, unsigned int timeout_ms);

/* Ends it as readahead_cancel() does, and tells what was done so far, at once. From now on the plan stays as
 * it is until readahead_finish().
 */
void readahead_account(struct readahead *self, struct readahead_stats *ret_stats);

/*
 * Waits for the threads as long as one gets an answer from its file system every READAHEAD_PATIENCE_MS. Those
 * that are left then are abandoned: plan and page set may go all the same, but self, which they use, stays
 * until the process ends, and so may they. Sets plan_file.is_unanswered of what they wait for, and of all
 * that lies on a far mount with it, and adds the paths to unanswered (NULL: not wanted). Fills ret_stats (as
 * after readahead_account(), but for unanswered_files), frees self if it can.
 *
 * After readahead_account() the page set may be gone before, the plan must not.
 */
void readahead_finish(struct readahead *self, struct readahead_stats *ret_stats, struct pageset *unanswered);
#define READAHEAD_PATIENCE_MS 1000

/* Pages that may be prefetched without pushing the machine, or this process's cgroup, into reclaim: half
 * of the smaller of MemAvailable (/proc/meminfo) and what the memory cgroups (v1, v2) leave. */
uint64_t readahead_budget_pages(void);

#endif
