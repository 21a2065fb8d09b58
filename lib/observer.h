/*
 * observer.h - the second role of pbrun: the process that prefetches, watches and remembers, while the
 * first one becomes the program.
 *
 *     launcher -- observer_fork() --+-- observer_await() -- execvp(3)
 *                                   +-- observer_run()
 *
 * The observer is no child of the launcher (the program's wait(2) must not meet a stranger), is in a
 * session of its own, and holds no descriptor but those it is told to keep.
 */
#ifndef PBRUN_OBSERVER_H
#define PBRUN_OBSERVER_H

#include "policy.h"
#include "readahead.h"
#include "shadowdb.h"
#include "sys/procfs.h"

/* The launcher waits at most so long for the observer to be ready. */
#define OBSERVER_PATIENCE_MS 1000
/* The program is held at its exit at most so long. */
#define OBSERVER_HOLD_MS 1000

enum observer_role { OBSERVER_LAUNCHER, OBSERVER_OBSERVER };

struct observer_link {
	pid_t launcher_pid;
	int fd; /* launcher: to read from; observer: to write to; close-on-exec */
};

/*
 * Splits the process in two. kept_fds are the descriptors that the observer keeps; the others it
 * closes, and 0, 1 and 2 become /dev/null. Returns an enum observer_role; or -errno of fork(2), pipe(2)
 * ..., or -EBUSY if this process is one to which orphans are given (PID 1, PR_SET_CHILD_SUBREAPER:
 * the program would have the observer for a child); then there is only the launcher.
 */
must_check int observer_fork(const int *kept_fds, size_t n_kept_fds, struct observer_link *ret_link);

/* In the launcher: waits until the observer is ready, or gone, or patience ends. */
void observer_await(struct observer_link *link);

struct observer_options {
	const char *program;
	const char *profile;
	struct shadowdb *db;
	struct shadow *shadow; /* what was loaded from db, NULL: nothing; zeroed when it is updated */
	enum policy_mode requested;
	bool must_not_attach; /* the program is one that loses by being traced */
	bool wants_report;    /* watch for the program's end even if nothing is to be recorded */
	bool prefetches;
	uint32_t window_ms;
	uint32_t random; /* any number, equally distributed */
};

/*
 * Is there anything to record, report or prefetch? If not, the launcher does best to exec at once. Turns
 * prefetches off if everything is in memory, which is found out in a small part of a millisecond
 * (residency.h), and nobody wants a report of it. must_not_attach need not be known yet.
 */
bool observer_is_needed(struct observer_options *options);

/* What came of it. */
struct observer_outcome {
	struct policy_choice choice;
	bool shadow_is_stale; /* some file in it has changed or is missing */
	struct readahead_stats prefetch;
	uint64_t head_start_ns; /* from the start of the prefetch to that of the program */
	bool knows_waste;       /* of what was prefetched something is known to have been used or not */
	uint64_t wasted_bytes;
	int attach_error; /* 0 or -errno */
	int update_error; /* 0 or -errno: the shadow was not written */
	bool is_exact;
	uint64_t n_files; /* seen in this launch */
	uint64_t n_pages;
	uint64_t elapsed_ns;
	struct procfs_cost cost;
	bool has_started;
	bool has_ended;
	int wait_status;
};

/*
 * In the observer, whose only thread this is: everything, and then _exit(2). completed() is called once, by
 * any thread, when the outcome of the launch stands: while the program is held before its exit, or at the end
 * of the launch window; it must be quick.
 */
__attribute__((noreturn)) void observer_run(struct observer_link *link,
					    const struct observer_options *options,
					    void (*completed)(const struct observer_outcome *, void *context),
					    void *context);

#endif
