/*
 * observer.h - the second role of pbrun: the process that prefetches, watches and remembers, while the
 * first one becomes the program.
 *
 *     launcher -- observer_fork() --+-- observer_await() -- execvp(3)
 *                                   +-- observer_run()
 *
 * The observer is no child of the launcher (the program's wait(2) must not meet a stranger), is in a
 * session of its own, and holds no descriptor but those it is told to keep. Who is given orphans
 * would have it for a child all the same: see enum observer_kinship.
 */
#ifndef PBRUN_OBSERVER_H
#define PBRUN_OBSERVER_H

#include "account.h"
#include "operands.h"
#include "policy.h"
#include "shadowdb.h"

/* The launcher waits at most so long for the observer to be ready. With a sanitizer all takes several times
 * as long. */
#ifndef OBSERVER_PATIENCE_MS
#define OBSERVER_PATIENCE_MS 1000
#endif
/* The program is held at its exit at most so long; what is not done then is done when it has gone. */
#define OBSERVER_HOLD_MS 1000

enum observer_role { OBSERVER_LAUNCHER, OBSERVER_OBSERVER };

/*
 * What the observer is to the launcher, and so to the program.
 *
 * A child that was made with no exit signal is not shown by wait(2) and its kind without __WALL or __WCLONE.
 * But after the launcher's exec its end sends SIGCHLD all the same, and leaves a zombie that nobody reaps
 * (exit_notify(), kernel/exit.c). So such a child stays only with the first process of a PID namespace, which
 * has to cope with strangers anyway, and only if there is something to record.
 */
enum observer_kinship {
	OBSERVER_ORPHAN, /* none: it is init's, or that of the nearest subreaper (prctl(2)) above */
	OBSERVER_HIDDEN, /* a child that wait(2) does not show: the launcher is PID 1 */
	OBSERVER_BRIEF, /* the same, and gone before the exec: the launcher adopts orphans and has children */
};

struct observer_link {
	pid_t launcher_pid;
	int fd; /* launcher: to read from; observer: to write to; close-on-exec */
	enum observer_kinship kinship;
	bool gave_up_orphans; /* launcher: until observer_await() it is no subreaper */
	pid_t child_pid;      /* launcher: the observer, or the middle process that has left it behind */
	int agent_fd;         /* launcher, after observer_await(): for the agent (trace/agent_log.h), not
				 close-on-exec; -1: there is to be none */
};

/*
 * Splits the process in two. kept_fds are the descriptors that the observer keeps; the others it
 * closes, and 0, 1 and 2 become /dev/null. Returns an enum observer_role; or -errno of fork(2), pipe(2)
 * ...; then there is only the launcher.
 *
 * A launcher that is a subreaper and has no children is none until observer_await(): the observer becomes an
 * orphan like any other.
 */
must_check int observer_fork(const int *kept_fds, size_t n_kept_fds, struct observer_link *ret_link);

/* In the launcher: waits until the observer is ready, or gone, or OBSERVER_PATIENCE_MS are over. A child that
 * is gone, or late, is no child any more afterwards. 0; -errno if the observer says that it cannot watch the
 * program. */
must_check int observer_await(struct observer_link *link);

/* Does anybody hear what came of a launch? */
enum observer_audience {
	OBSERVER_UNHEARD, /* no: what goes wrong is left as a notice (notice.h) for the next launch */
	OBSERVER_HEARD,   /* yes; so the program is watched to its end even if nothing is to be recorded */
};

/* Can the launcher load an agent into the program (trace/agent_log.h)? */
enum observer_agent { OBSERVER_HAS_NO_AGENT, OBSERVER_HAS_AGENT };

enum observer_prefetch {
	OBSERVER_PREFETCHES_NOTHING,
	OBSERVER_REPLAYS,  /* what shadow remembers */
	OBSERVER_PREDICTS, /* there is no shadow: what can be foretold (predict.h) */
};

struct observer_options {
	const char *program;
	const char *profile;
	struct shadowdb *db;
	struct shadow *shadow; /* what was loaded from db, or a common part (common_part.h), without a run;
				  NULL: nothing; zeroed when it is updated */
	const struct operands *operands; /* what this start is given */
	enum policy_mode requested;
	const char *obstacle; /* why nothing can be recorded, a constant; NULL: it can */
	bool must_not_attach; /* the program is one that loses by being traced */
	bool has_notice; /* something went wrong at an earlier launch (notice.h): to be taken back if this one
			    goes well */
	enum observer_prefetch prefetch;
	enum observer_audience audience;
	enum observer_agent agent;
	uint32_t window_ms;
	uint32_t random; /* any number, equally distributed */
};

/*
 * Is there anything to record, report or prefetch? If not, the launcher does best to exec at once. Sets
 * OBSERVER_PREFETCHES_NOTHING if everything is in memory, which is found out in a small part of a millisecond
 * (residency.h), and nobody wants a report of it. must_not_attach need not be known yet.
 */
bool observer_is_needed(struct observer_options *options);

/* Does observer_run() need a whole shadow, or is one by shadow_decode_partial() enough? Of a program that is
 * but watched, the names that it looks up matter when the record is written. */
bool observer_needs_names(const struct observer_options *options);

/*
 * In the observer, whose only thread this is: everything, and then _exit(2). completed() is called once, by
 * any thread, when the account of the launch stands: while the program is held before its exit, or at the end
 * of the launch window; it must be quick.
 */
__attribute__((noreturn)) void observer_run(struct observer_link *link,
					    const struct observer_options *options,
					    void (*completed)(const struct account *, void *context),
					    void *context);

#endif
