/* readahead_private.h - what readahead.c and readahead_worker.c share. */
#ifndef PBRUN_READAHEAD_PRIVATE_H
#define PBRUN_READAHEAD_PRIVATE_H

#include <limits.h>
#include <pthread.h>

#include "readahead.h"
#include "sys/far_mounts.h"
#include "sys/traps.h"

enum {
	/* Near and far together. */
	READAHEAD_MAX_THREADS = 32,
	/* For what is far away: they may all hang. */
	READAHEAD_FAR_THREADS = 4,
	/* Requests that one thread has under way. Four threads keep a solid-state disk busy with it; more
	 * would only make the faults of the program itself wait longer. */
	READAHEAD_QUEUE_DEPTH = 4,
	/* Huge folios that are read at the same time. */
	READAHEAD_HUGE_AT_ONCE = 1,
};

#define NO_REQUEST UINT32_MAX

enum target_state { TARGET_UNSEEN, TARGET_OPENING, TARGET_VALID, TARGET_SKIPPED };

/* What the threads know of one of plan->files. */
struct target {
	enum target_state state;
	int fd; /* -1: not open (any more) */
	bool was_validated;
	bool was_asked;
	bool has_holes;
	unsigned int n_users;   /* requests under way */
	size_t n_left;          /* requests that are not over */
	uint32_t first_waiting; /* requests that came while it was being opened; NO_REQUEST: none */
	uint32_t last_waiting;
};

/* A request that was issued. Nothing in it belongs to the plan. */
struct under_way {
	uint32_t file_index;
	int fd;
	uint64_t last_page;
	uint64_t n_pages;
};

enum worker_state { WORKER_UNUSED, WORKER_RUNS, WORKER_ENDED };

struct worker {
	struct readahead *owner;
	pthread_t thread;
	enum worker_state state;
	enum place_reach reach; /* PLACE_FAR, or PLACE_NEAR for all else */
	bool is_first;          /* of its reach */
	bool begins_with_names;
	struct plan_file *asked; /* whose file system it waits for; NULL: for none */
	uint64_t asked_ns;
	struct under_way queue[READAHEAD_QUEUE_DEPTH]; /* a ring: the oldest is at n_done */
	size_t n_begun;
	size_t n_done;
	char path[PATH_MAX];
};

/* A file that had not answered, or might not, when the account was made. */
struct pending {
	const struct plan_file *file;
	const char *path; /* in pending_paths: that of the page set may be gone */
};

/* What the threads of one reach have come to, and have heard. */
struct front {
	size_t next_file;
	size_t next_name;
	size_t next_request;
	size_t n_unvalidated; /* files */
	uint64_t done_pages;  /* of the requests that are over */
	uint64_t last_answer_ns;
};

enum readahead_end {
	READAHEAD_GOES_ON,
	READAHEAD_CANCELLED, /* no more calls */
	READAHEAD_ACCOUNTED, /* and the plan and the account change no more */
	READAHEAD_ABANDONED, /* nobody waits for the threads, and the plan may be gone: they touch nothing */
};

/*
 * One lock for everything. A thread holds it but for its calls to the kernel, any of which may take for ever;
 * worker_leave() and worker_enter() stand around each.
 */
struct readahead {
	struct plan *plan;
	struct pending *pending; /* at the time of the account */
	size_t n_pending;
	struct pageset pending_paths;
	struct target *targets;
	uint32_t *next_waiting; /* by request: the one that waits for the same file after it */
	uint64_t started_ns;
	size_t max_open;
	struct far_mounts *far_mounts; /* NULL: nothing is far, or no memory */
	const struct mounts *traps;    /* where a lookup may mount something (traps.h); NULL: nowhere */
	bool counts_disk_reads;        /* the kernel, by thread */
	unsigned int n_started;        /* workers */

	pthread_mutex_t lock;   /* for what follows */
	pthread_cond_t changed; /* a file was validated or a thread has ended */
	enum readahead_end end;
	uint64_t program_started_ns; /* 0: not yet */
	size_t n_open;
	unsigned int n_huge_under_way;
	pthread_cond_t huge_is_over;
	struct front fronts[PLACE_FAR + 1]; /* by reach */
	struct readahead_stats stats;
	size_t n_running;
	struct worker workers[READAHEAD_MAX_THREADS];
};

static inline enum place_reach readahead_reach(const struct plan_file *file)
{
	return file->place.reach == PLACE_FAR ? PLACE_FAR : PLACE_NEAR;
}

/* The main function of a thread. */
void *readahead_work(void *worker);

#endif
