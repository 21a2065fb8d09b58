/*
 * record.h - from events (trace/event.h) and page tables to a page set.
 *
 *     record_init() ... record_take() for each event ... self->seen is what was used ... record_release()
 *
 * Knows nothing of how events come about: a list of them, and a pagemap made up, will do.
 */
#ifndef PBRUN_RECORD_H
#define PBRUN_RECORD_H

#include "record/addrspace.h"
#include "trace/event.h"

#define RECORD_MAX_FILES 25000
#define RECORD_MAX_LOOKUPS 20000
#define RECORD_MAX_MOUNTS 8

/* What was used and cannot be had by us: EVENT_OUT_OF_REACH. */
struct record_unreached {
	struct pageset files;            /* by their names where they are */
	char *mounts[RECORD_MAX_MOUNTS]; /* that they lie on, the first ones: "squashfs /dev/loop0 on /" */
	size_t n_mounts;
};

struct record {
	struct pageset seen; /* the caller's to take or read between events */
	uint64_t n_new;      /* counts up with each new file, use of a file, or page */
	struct record_unreached unreached;
	size_t n_files_left;          /* how many more files may be noted ... */
	size_t n_lookups_left;        /* ... and of them because they were only looked up */
	pid_t main_pid;               /* private: 0: no exec was told yet */
	struct addrspace *addrspaces; /* private */
	struct addrspace_pages pages; /* private */
};

/* pages, if not NULL, in place of pagemap.h. */
void record_init(struct record *self, const struct addrspace_pages *pages);
void record_release(struct record *self);

/*
 * Takes in one event: fills seen, and looks at the pages of the event's task where it is a moment to do so. 1
 * if anything was new, else 0; -ENOMEM. What is too much (RECORD_MAX_FILES ...) is passed over, and so is an
 * address space that is gone.
 */
must_check int record_take(struct record *self, const struct event *event);

#endif
