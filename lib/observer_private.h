/* observer_private.h - what the parts of the observer (observer.h) share: the state of one launch. */
#ifndef PBRUN_OBSERVER_PRIVATE_H
#define PBRUN_OBSERVER_PRIVATE_H

#include <pthread.h>

#include "observer.h"
#include "predict.h"
#include "recorder.h"

/* How far a launch is. It only goes forward. */
enum launch_phase {
	LAUNCH_PREPARING, /* the launcher waits, the prefetch begins, the mode is chosen */
	LAUNCH_STARTED,   /* the launcher was told to become the program */
	LAUNCH_ACCOUNTED, /* the account stands */
	LAUNCH_TOLD,      /* and completed() was called */
};

/* How the program is, or was, watched. */
enum launch_sight {
	LAUNCH_UNSEEN,
	LAUNCH_FOLLOWED,
	LAUNCH_FROM_OUTSIDE, /* ptrace(2) is refused */
};

enum commit_state {
	COMMIT_IDLE,
	COMMIT_BUSY, /* a thread is at it; nobody else touches the page set */
	COMMIT_DONE, /* it has left its result */
};

/* Remembered files that are there no more, or are others now. */
struct gone_files {
	size_t n;
	char **paths; /* sorted */
};

/* What the observer tells the launcher when the program may start. */
struct observer_word {
	int problem;  /* 0 or -errno: the program cannot be watched */
	pid_t pid;    /* the observer's */
	int agent_fd; /* of the observer, -1: none */
};

/* Do those who look for the shadow wait for what is still to be written? It only goes forward. */
enum commit_announcement {
	COMMIT_UNANNOUNCED, /* nor need they */
	COMMIT_TO_ANNOUNCE,
	COMMIT_ANNOUNCING, /* the file system of the shadows is asked */
	COMMIT_ANNOUNCED,  /* or that failed: more cannot be done */
};

/* Writing what was seen into the shadow (observer_commit.c). */
struct commit {
	pthread_mutex_t lock; /* of state and announcement */
	pthread_cond_t changed;
	enum commit_state state;
	enum commit_announcement announcement;
	int announced_fd; /* shadowdb_announce() */
	unsigned int n_done;
	uint64_t n_new;         /* record.n_new at the last one */
	struct gone_files gone; /* the thread's */
	/* What the thread found out. */
	struct {
		int error; /* 0 or -errno */
		uint64_t n_files;
		uint64_t n_pages;
	} result;
};

struct launch {
	const struct observer_options *options;
	struct observer_link *link;
	void (*completed)(const struct account *, void *context);
	void *context;
	enum launch_phase phase;
	int program_fd; /* a pidfd of the launcher, and so of the program; -1: there is none to be had */
	struct account account;
	/* The prefetch (observer_prefetch.c). */
	struct plan plan;
	struct readahead *replay; /* NULL: there is none, or it is over */
	uint64_t replay_began_ns;
	struct readahead_stats replayed;   /* what came of it */
	enum policy_files files;           /* as far as it is known */
	struct pageset unanswered;         /* their file system did not answer: their paths */
	struct prediction *prediction;     /* observer_predict.c; NULL: nothing is foretold */
	struct prediction_use predicted;   /* what that was good for */
	struct operand_prefetch *operands; /* observer_operands.c; NULL: none are named */
	/* The recording. */
	enum launch_sight sight;
	int keep_running; /* what keep_running_start() returned */
	struct recorder recorder;
	int milestone; /* the last one, or -errno: what was seen is not worth keeping */
	struct commit commit;
};

/* observer_prefetch.c: what becomes of files that did not answer when they were last asked for. */
enum plan_unanswered launch_unanswered(const struct shadow *shadow);
/* How many pages may be read of what is wanted, if n_taken will be read besides. */
uint64_t launch_budget_pages(const struct pageset *wanted, uint64_t n_taken);
/* A plan for files, by where they and the program lie, in the order of the medium where that matters; the
 * places of options are filled in. As plan_build(). */
must_check int launch_build_plan(const struct pageset *files, const char *program,
				 struct plan_options options, struct plan *ret_plan);
/* Begins what options ask for. */
void launch_start_prefetch(struct launch *self);
/* Has the program ended? Asked every LAUNCH_LOOK_MS by what goes on for it alone. */
bool launch_program_has_ended(const struct launch *self);
#define LAUNCH_LOOK_MS 50
/* Waits, bounded, until it is known which files have changed; sets files. */
void launch_await_validation(struct launch *self);
/* Waits, bounded, until the data will be there before the program asks for them. */
void launch_give_head_start(struct launch *self);
/* Waits, bounded, until all is asked for, and ends it: all that a program gets for which nobody goes on. */
void launch_prefetch_ahead(struct launch *self);
/* Ends it and takes its numbers; waits for nobody. */
void launch_account_prefetch(struct launch *self);
/* Waits for its end, as long as it gets on and the program runs, and takes its numbers. */
void launch_finish_prefetch(struct launch *self);

/*
 * observer_identify.c: takes the whole identity of each file of seen that has pages, and removes those that
 * have none any more, or do not answer in time. In a training run, finds out which remembered files are gone;
 * ret_gone is to be released. Bounded: no file system is waited for. 0 or -ENOMEM.
 */
must_check int launch_identify(const struct launch *self, struct pageset *seen, struct gone_files *ret_gone);
bool gone_files_have(const struct gone_files *self, const char *path);
void gone_files_release(struct gone_files *self);

/* observer_predict.c: begins to prefetch what a start without a shadow is likely to use. Waits for nothing.
 */
void launch_start_prediction(struct launch *self);
/* Ends that and takes its numbers; waits for nobody. */
void launch_account_prediction(struct launch *self);
/* Waits for its end, as long as it gets on and the program runs, and sees what it was good for. */
void launch_finish_prediction(struct launch *self);
/* After training: from all that is remembered, for the first starts of others. Takes a while. */
void launch_learn_to_predict(struct launch *self);

/*
 * observer_operands.c: is all in memory that this start will use of its operands? With calls that cannot
 * wait, and only of some where there are many.
 */
bool launch_operands_are_resident(const struct observer_options *options);
/* Does another training run tell the program's files from others, as other directories are named? */
bool launch_has_other_operands(const struct observer_options *options);
/* Begins to find out what the operands are, and then to prefetch them. Waits for nothing. */
void launch_start_operands(struct launch *self);
/* To be told when the program starts. */
void launch_note_operands_start(struct launch *self);
/* What their prefetch was good for, once it was accounted for. */
struct plan_use launch_compare_operands(struct launch *self, enum plan_sight sight);
/* Waits until they are asked for, until until_ns (CLOCK_MONOTONIC) at most. */
void launch_prefetch_operands_ahead(struct launch *self, uint64_t until_ns);
/* Ends that and takes its numbers; waits for nobody. */
void launch_account_operands(struct launch *self);
/* Waits for its end, as long as it gets on and the program runs, and takes its numbers. */
void launch_finish_operands(struct launch *self);
/* Marks the files of seen that are operands; waits a moment for what they are. Ends what still needs the
 * shadow. 0 or -ENOMEM. */
must_check int launch_mark_operands(struct launch *self, struct pageset *seen);

/* observer_prefetch.c: the account's numbers are those of the replay and of the operands together. */
void launch_sum_prefetch(struct launch *self);

/* observer_commit.c: before all else. */
void launch_init_commit(struct launch *self);
/* Is there anything to be written that was not? */
bool launch_has_to_commit(struct launch *self);
/* Merges what was seen into the shadow, by a thread. False: it goes on after until_ns (CLOCK_MONOTONIC).
 * True: it is over, or there is no thread to be had, and it is still to be done. */
bool launch_commit(struct launch *self, uint64_t until_ns);
/* The same by the caller, for as long as it takes: nobody may be waiting. */
void launch_commit_here(struct launch *self);
/* Waits until then for a commit that goes on. True: none does. */
bool launch_await_commit(struct launch *self, uint64_t until_ns);
/* Does one go on, so that what was seen may not be looked at? */
bool launch_is_committing(struct launch *self);
/* Says that launch_announce_commit() will be called, before the thread begins that does so. */
void launch_plan_announcement(struct launch *self);
/* If it was planned: has those who look for the shadow wait until launch_withdraw_commit(), and the signals
 * by which a service's processes are ended when its program has gone. */
void launch_announce_commit(struct launch *self);
void launch_withdraw_commit(struct launch *self);
/* If it was planned: waits for launch_announce_commit() by another thread, bounded. */
void launch_await_announcement(struct launch *self);
/* Remembers which files did not answer, if any. Nobody may be waiting. */
void launch_remember_unanswered(struct launch *self);
/* Has the next start train, without a change to what is remembered. */
void launch_ask_for_training(struct launch *self);

#endif
