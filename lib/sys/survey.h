/*
 * survey.h - looks at many files, of which some may never answer.
 *
 * A call on a path may wait for its file system without end: a network that is gone, a FUSE server that is
 * stopped, a dead disk. So a thread makes them, one after the other. When it has got no answer for
 * SURVEY_PATIENCE_MS, another one goes on with what comes next, and the first is left alone. When
 * SURVEY_MAX_THREADS are stuck, all that is left counts as unanswered.
 */
#ifndef PBRUN_SURVEY_H
#define PBRUN_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/cleanup.h"

#define SURVEY_PATIENCE_MS 100
#define SURVEY_MAX_THREADS 4

/*
 * Calls look(i, context) for each i below n, until until_ns (CLOCK_MONOTONIC) at most, in other threads
 * (without any to be had, in this one, for as long as it takes). look() may only use what belongs to i. Sets
 * ret_is_answered[i] for those that came to their end in time; what look() found out may be read for these
 * alone.
 *
 * Returns true if all did. If false, a thread may still be in look(): what that uses must stay until the
 * process ends. -ENOMEM is false as well, with nothing answered.
 */
must_check bool survey_run(size_t n, void (*look)(size_t i, void *context), void *context, uint64_t until_ns,
			   bool *ret_is_answered);

#endif
