/*
 * recorder.h - records a starting program: joins what follows it (trace/follow.h), or looks at it from
 * outside (trace/onlooker.h), to what makes a page set of the events (record/record.h).
 *
 *     recorder_attach() ... recorder_run() ... (commit record.seen) ... recorder_run() ... recorder_release()
 *     recorder_prepare_to_look() ... recorder_look() ... (commit record.seen) ... recorder_release()
 */
#ifndef PBRUN_RECORDER_H
#define PBRUN_RECORDER_H

#include "record/record.h"
#include "trace/follow.h"
#include "trace/onlooker.h"

struct recorder {
	struct follow follow; /* recorder_look(): its phase and start_ns alone */
	struct onlooker onlooker;
	struct record record;
};

/* As follow_attach(); emit and context of options are not looked at. */
must_check int recorder_attach(struct recorder *self, pid_t pid, const struct follow_options *options);

/* As follow_run(). */
must_check int recorder_run(struct recorder *self);

/* In place of recorder_attach() where that is refused, also after it has failed: as onlooker_init(). */
must_check int recorder_prepare_to_look(struct recorder *self, pid_t pid, int pidfd,
					const struct follow_options *options);

/* As onlooker_offer_agent(). */
must_check int recorder_offer_agent(struct recorder *self, int *ret_fd);

/* As onlooker_run(). */
must_check int recorder_look(struct recorder *self);

/* When the thread that followed has ended. */
void recorder_release(struct recorder *self);

#endif
