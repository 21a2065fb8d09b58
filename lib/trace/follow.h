/*
 * follow.h - follows a starting program, and tells by events what it uses (event.h).
 *
 *     follow_attach() ... follow_run() ... (keep what was seen so far) ... follow_run() ... follow_release()
 *
 * All by one thread (tracee.h), whose end detaches from everybody who is still followed. The kernel does that
 * without disturbing anybody; one who is asked for a stop leaves the system call in which he waits, and not
 * each is begun again: epoll_wait(2) fails with EINTR (signal(7)).
 *
 * FOLLOW_EVERYBODY follows the whole process tree with system call stops, and tells everything; mappings are
 * exact where a userfaultfd can be had (uffd.h). FOLLOW_PAGES tells of the maps and moments to look at the
 * pages of the program's own process alone; there are no system call stops, and children run untraced, but
 * for threads. FOLLOW_TO_EXIT only waits for its exit, and tells that.
 *
 * FOLLOW_EVERYBODY can be bounded in what it costs. Events tell less then, and never what is not so.
 */
#ifndef PBRUN_FOLLOW_H
#define PBRUN_FOLLOW_H

#include <stdbool.h>

#include "sys/cleanup.h"
#include "sys/exclusions.h"
#include "trace/event.h"

enum follow_mode { FOLLOW_TO_EXIT, FOLLOW_PAGES, FOLLOW_EVERYBODY };

/* May FOLLOW_EVERYBODY cost whatever it takes? */
enum follow_cost {
	FOLLOW_AT_ANY_COST,
	FOLLOW_WITHIN_BUDGET, /* no (budget.h): then it goes on with less */
};

/* How FOLLOW_PAGES comes to know the program's threads. */
enum follow_threads {
	FOLLOW_THREADS_FROM_BIRTH, /* each stops at its birth, as its parent does, and at its end */
	/*
	 * Nobody stops for a birth, nor for the end of a thread that lived for a moment only. They are looked
	 * for now and then. Until then it is not seen that one crashes (follow_stops.c); and an exec by
	 * another thread than the first counts as the program's end.
	 */
	FOLLOW_THREADS_LATER,
};

/* With how little it went on; the bits add up. */
enum follow_cut {
	FOLLOW_CUT_NAMES = 1 << 0,     /* a task that but looked up names ran without system call stops */
	FOLLOW_CUT_CHILDREN = 1 << 1,  /* children ran untraced */
	FOLLOW_CUT_PROGRAM = 1 << 2,   /* and the program itself as in FOLLOW_PAGES, from some moment on */
	FOLLOW_SKIPPED_KNOWN = 1 << 3, /* children ran untraced of which enough is known: is_known() */
};

struct follow_options {
	enum follow_mode mode;
	uint32_t window_ms;                /* the launch window ends so long after the exec */
	uint32_t quiet_ms;                 /* or when no event was new for so long */
	const struct exclusions *excluded; /* paths of which nothing is told, nor asked; NULL: none */
	enum follow_cost cost;
	enum follow_threads threads;
	uint32_t known_us; /* so long the program is known to run, without being followed; 0: not known */
	/*
	 * Is the file under this path, absolute, remembered? If so, a child that names it as its last
	 * argument is not followed, in FOLLOW_EVERYBODY. Not called any more when the program has come to its
	 * exit. NULL: nothing is.
	 */
	bool (*is_known)(const char *path, const void *known);
	const void *known;
	/*
	 * Takes one event. 0, or 1 if it told something new, which puts off the end of the launch window.
	 * -errno ends following: follow_run() returns it.
	 */
	int (*emit)(const struct event *event, void *context);
	void *context;
};

enum follow_milestone {
	FOLLOW_MAIN_EXITING,  /* the program stands before its exit until the next follow_run() */
	FOLLOW_WINDOW_CLOSED, /* the thread is to end now; there are no more events */
	FOLLOW_ALL_GONE,      /* nobody is left, nor an event */
};

/* How far the program is. */
enum follow_phase {
	FOLLOW_BEFORE_EXEC, /* it is still the launcher */
	FOLLOW_RUNNING,
	FOLLOW_MAIN_HELD, /* stands before its exit */
	FOLLOW_MAIN_GONE, /* went on from there; those that it left behind are followed */
};

#define FOLLOW_MAX_LEFT 64

struct follow {
	enum follow_phase phase;
	int wait_status;   /* from FOLLOW_MAIN_HELD on: as waitpid(2) will give it to the parent */
	bool was_polite;   /* somebody was detached from for politeness' sake (detach.h) */
	uint64_t start_ns; /* CLOCK_MONOTONIC at the exec */
	uint64_t n_stops;
	unsigned int cuts; /* FOLLOW_CUT_ bits, FOLLOW_SKIPPED_KNOWN */
	uint32_t cut_us;   /* how long the program had run at the first cut, without what following it took */
	/* Those who are detached from by the end of the thread, or the first of them: far_wait_make_good().
	 */
	pid_t left[FOLLOW_MAX_LEFT];
	size_t n_left;
	struct follow_state *state; /* private */
};

/* Attaches the calling thread to pid, which has not yet called execve(2). 0; -errno of tracee_seize();
 * -ENOMEM; -EOPNOTSUPP if /proc does not show our processes. As long as it follows, the process should
 * not stay stopped (keep_running.h). self is to be released in any case. */
must_check int follow_attach(struct follow *self, pid_t pid, const struct follow_options *options);

/*
 * Runs to the next milestone. Interrupted every few milliseconds by SIGALRM, for which it has a handler
 * while it runs; no other use of that signal must be made, and unless this is the process's first thread the
 * others must block it. Returns an enum follow_milestone, or -errno (of emit(), -ENOMEM ...): then the thread
 * is to end, too, and the events were not all.
 */
must_check int follow_run(struct follow *self);

/* When the thread has ended. */
void follow_release(struct follow *self);

/* Nanoseconds since the exec, of CLOCK_MONOTONIC now; 0 before. */
uint64_t follow_elapsed_ns(const struct follow *self);

#endif
