/*
 * collect.h - watches a starting program and fills a page set with what it uses.
 *
 *     collect_attach() ... collect_run() ... (commit what is in the page set) ... collect_run() ...
 *
 * All by one thread (tracee.h), whose end lets go of everybody who is still followed. The kernel does that
 * without disturbing anybody; one who is asked for a stop leaves the system call in which he waits, and not
 * each is begun again: epoll_wait(2) fails with EINTR (signal(7)).
 *
 * COLLECT_TRAIN follows the whole process tree with system call stops and finds mapped and read pages,
 * lookups, and their order; pages exactly where a userfaultfd can be had (uffd.h). COLLECT_SAMPLE looks
 * at the maps and the pagemap of the program's own process at a few times and before it exits; there are no
 * system call stops, and children run untraced, but for threads. COLLECT_EXIT_ONLY only waits for its exit.
 */
#ifndef PBRUN_COLLECT_H
#define PBRUN_COLLECT_H

#include "pageset.h"
#include "trace/tracee.h"

enum collect_mode { COLLECT_EXIT_ONLY, COLLECT_SAMPLE, COLLECT_TRAIN };

struct collect_options {
	enum collect_mode mode;
	uint32_t window_ms; /* the launch window ends so long after the exec */
	uint32_t quiet_ms;  /* or when nothing new was seen for so long */
};

enum collect_milestone {
	COLLECT_MAIN_EXITING,  /* the program stands before its exit until the next collect_run() */
	COLLECT_WINDOW_CLOSED, /* the thread is to end now; the page set is complete */
	COLLECT_ALL_GONE,      /* nobody is left; the page set is complete */
};

struct collect {
	struct pageset seen; /* the caller's to take or read between collect_run()s */
	bool has_execed;     /* the program was really started */
	int wait_status;     /* at COLLECT_MAIN_EXITING: as waitpid(2) will give it to the parent */
	bool was_courteous;  /* somebody was let go for politeness' sake (detach.h) */
	uint64_t start_ns;   /* CLOCK_MONOTONIC at the exec */
	uint64_t n_stops;
	uint64_t n_new;              /* counts up with all that is added to seen */
	struct collect_state *state; /* private */
};

/* Attaches the calling thread to pid, which has not yet called execve(2). 0; -errno of tracee_seize();
 * -ENOMEM; -EOPNOTSUPP if /proc does not show our processes. self is to be released in any case. */
must_check int collect_attach(struct collect *self, pid_t pid, const struct collect_options *options);

/*
 * Runs to the next milestone. Interrupted every few milliseconds by SIGALRM, for which it has a handler
 * while it runs; no other use of that signal must be made, and unless this is the process's first thread the
 * others must block it. Returns an enum collect_milestone, or -errno (-ENOMEM ...): then the thread is to
 * end, too, and what is in seen is incomplete.
 */
must_check int collect_run(struct collect *self);

/* Frees what was seen, when the thread has ended. */
void collect_release(struct collect *self);

/* Milliseconds after the exec, of CLOCK_MONOTONIC now; 0 before. */
uint64_t collect_elapsed_ns(const struct collect *self);

#endif
