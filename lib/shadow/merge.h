/*
 * merge.h - what a run was seen to use, merged into what is remembered. Pure.
 *
 * The age of a page is the number of recorded runs since one that used it. A page older than
 * MERGE_MAX_AGE goes, and so does a file without an access of that age: two uses of one program that
 * alternate both stay; what was used once goes again. If that is more than a shadow takes (shadow.h), the
 * oldest files go sooner.
 *
 * What a run was given by its arguments (pageset_file.operand) is kept in the same way, but the program is
 * none the newer for it, a sampled run neither adds such a file nor makes it older, and a file that a run
 * used without naming it is marked no more. Of a shadow without SHADOW_TELLS_OPERANDS a training run keeps no
 * file that was only read before and not now.
 */
#ifndef PBRUN_MERGE_H
#define PBRUN_MERGE_H

#include "shadow/shadow.h"

#define MERGE_MAX_AGE 4
/* Fault-around maps a window of this size around the page that is touched, aligned by address and not by
 * file offset (mm/memory.c: do_fault_around(), fault_around_bytes). So a page in a plain pagemap says only: a
 * page nearer than this was touched. */
#define MERGE_WINDOW_BYTES 65536
/* A sampled run may bring so many windows without calling for training. */
#define MERGE_DRIFT_WINDOWS 4

struct merge_result {
	uint64_t new_pages;  /* pages (train) or pages of windows (sample) that were not remembered */
	uint64_t aged_pages; /* remembered, not used this time, kept */
	uint64_t dropped_pages;
};

/*
 * Settles what seen was seen to have mapped as a whole (pageset_file_settle()) by what is remembered, whose
 * files are sorted by page. The functions below do so by themselves. 0 or -ENOMEM.
 */
must_check int merge_settle(const struct pageset *remembered, struct pageset *seen);

/*
 * A training run. Pages of seen become age 0 with their new time; others age by one. A file whose
 * identity changed is taken over from seen alone; one that seen does not name ages. seen is exact
 * where pageset_file.exact says so; a file that is not exact in seen adds the pages that are not within
 * a window of an exact record of the same identity, and confirms those that are there. Consumes
 * nothing: seen, which is settled and sorted, stays the caller's.
 *
 * Updates runs, trained_runs, stable_runs, clears SHADOW_NEEDS_TRAINING and SHADOW_TRAINING_WAS_CUT, and sets
 * SHADOW_TELLS_OPERANDS. 0 or
 * -ENOMEM (self is then to be thrown away).
 */
must_check int merge_train(struct shadow *self, struct pageset *seen, struct merge_result *ret_result);

/*
 * What else a training run was seen to use after merge_train() of the same run: nothing grows older, no run
 * is counted. seen may hold what was merged already.
 */
must_check int merge_train_more(struct shadow *self, struct pageset *seen, struct merge_result *ret_result);

/*
 * A sampled run: seen comes from plain pagemap. A remembered page that is in seen becomes age 0, others age;
 * no page is added to a file that is remembered exactly. What is new, and not within a window of what is
 * remembered, is counted: if it is more than a 20th of what is remembered, and more than
 * MERGE_DRIFT_WINDOWS windows, SHADOW_NEEDS_TRAINING is set. Files that were only read or looked up do not
 * show in a pagemap and do not age here, nor do those of PAGESET_BEFORE_EXEC.
 */
must_check int merge_sample(struct shadow *self, struct pageset *seen, struct merge_result *ret_result);

/* What else a sampled run was seen to use after merge_sample() of the same run, as merge_train_more(). */
must_check int merge_sample_more(struct shadow *self, struct pageset *seen, struct merge_result *ret_result);

/* merge_train() and merge_sample() of a run of which a part was seen, nobody knows which: nothing grows
 * older, and a file that was only looked up keeps its pages. Whether there is more to be seen the caller says
 * in SHADOW_TRAINING_WAS_CUT, which is cleared by training. */
must_check int merge_train_part(struct shadow *self, struct pageset *seen, struct merge_result *ret_result);
must_check int merge_sample_part(struct shadow *self, struct pageset *seen, struct merge_result *ret_result);

#endif
