/*
 * recorder.h - records a starting program: joins what follows it (trace/follow.h) to what makes a page set of
 * the events (record/record.h).
 *
 *     recorder_attach() ... recorder_run() ... (commit record.seen) ... recorder_run() ... recorder_release()
 */
#ifndef PBRUN_RECORDER_H
#define PBRUN_RECORDER_H

#include "record/record.h"
#include "trace/follow.h"

struct recorder {
	struct follow follow;
	struct record record;
};

/* As follow_attach(); emit and context of options are not looked at. */
must_check int recorder_attach(struct recorder *self, pid_t pid, const struct follow_options *options);

/* As follow_run(). */
must_check int recorder_run(struct recorder *self);

/* When the thread that followed has ended. */
void recorder_release(struct recorder *self);

#endif
