/*
 * account.h - the account of one launch: what was prefetched, what was recorded, what the program cost.
 *
 * The observer fills it; the messages of --verbose and the report (report.h) print it. There is no other
 * copy.
 */
#ifndef PBRUN_ACCOUNT_H
#define PBRUN_ACCOUNT_H

#include "policy.h"
#include "readahead.h"
#include "sys/procfs.h"
#include "trace/follow.h"

enum account_shadow {
	ACCOUNT_SHADOW_NONE,  /* there was none that could be used */
	ACCOUNT_SHADOW_FRESH, /* every file in it was still the one that was recorded */
	ACCOUNT_SHADOW_STALE, /* some were not */
};

/* What was seen of the program. */
enum account_progress {
	ACCOUNT_UNSEEN,  /* nothing, nobody watched it */
	ACCOUNT_RUNNING, /* it ran on when the launch window ended */
	ACCOUNT_ENDED,   /* its end, within the launch window */
};

/* How what a program used came to be known. */
enum account_way {
	ACCOUNT_TRACED,  /* ptrace(2) */
	ACCOUNT_OUTSIDE, /* that is refused: /proc, looked at now and then */
	ACCOUNT_AGENT,   /* and an agent in the program */
};

#define ACCOUNT_STATUS_UNKNOWN (-1)

struct account {
	enum account_shadow shadow;
	enum account_progress progress;
	struct {
		struct readahead_stats stats; /* zero if nothing was prefetched */
		uint64_t head_start_ns;       /* for which the program's start was put off for it */
		bool knows_waste;             /* was it seen what of it was used? */
		uint64_t wasted_bytes;        /* then: of stats.bytes */
	} prefetch;
	struct readahead_stats predicted; /* prefetched without a shadow (predict.h) */
	struct readahead_stats operands;  /* prefetched of what the arguments name (operand_use.h) */
	struct {
		struct policy_choice choice;
		enum account_way way;
		bool is_exact;
		unsigned int cuts; /* FOLLOW_CUT_ bits: training went on with less (trace/follow.h) */
		uint32_t cut_us;   /* then: since so long after the exec, without what training took */
		uint64_t n_files;  /* of this launch alone */
		uint64_t n_pages;
		uint64_t n_unreached;         /* files used that can be reached from within a sandbox only */
		const char *const *unreached; /* the mounts they lie on, so many ... */
		size_t n_unreached_mounts;    /* ... at most RECORD_MAX_MOUNTS; the recorder's */
		int attach_error;             /* 0, or -errno: the program could not be watched */
		int update_error; /* 0, or -errno: the shadow was not written; -EINPROGRESS: not yet */
	} record;
	struct {
		uint64_t elapsed_ns; /* from the exec to the end of the program or of the launch window */
		struct procfs_cost cost;
		uint32_t first_faults; /* of the very first start; 0: none, or not known */
		int wait_status; /* with ACCOUNT_ENDED: as waitpid(2) gives it, or ACCOUNT_STATUS_UNKNOWN */
	} launch;
};

/* What a training went on without, as it is told to people and programs: "names", "children" or "program",
 * which includes those before it; "" if it was not cut. A constant. */
const char *account_cut_name(const struct account *self);

/*
 * What went wrong with a launch, as it is told to people wherever that is: "/usr/bin/x: cannot be watched:
 * ...". The first that did is n = 0; NULL after the last, or without memory. To be freed. program and
 * directory (of the shadows) are paths.
 */
char *account_problem(const struct account *self, const char *program, const char *directory, size_t n);

#endif
