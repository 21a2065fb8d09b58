/*
 * onlooker.h - looks at a starting program from outside, now and then, where it may not be traced, and tells
 * by events what it maps (event.h).
 *
 * /proc/PID/maps and pagemap ask for the right to read a process (ptrace(2), PTRACE_MODE_READ), which a user
 * has for programs of his own even where a seccomp filter or Yama refuses ptrace(2) itself. Nobody stops, and
 * nobody is disturbed. What is mapped between two looks, or after the last one, is missed; what a page table
 * says has fault-around in it; what is read or looked up is not seen at all.
 *
 * An agent in the program (agent_log.h) tells what is opened, and what is mapped before the end.
 */
#ifndef PBRUN_ONLOOKER_H
#define PBRUN_ONLOOKER_H

#include "sys/procfs.h"
#include "trace/follow.h"

enum onlooker_flag {
	ONLOOKER_HEARD_AGENT = 1 << 0, /* it has told of something */
	ONLOOKER_SAW_END = 1 << 1,     /* also of the pages that the program had before its end */
};

struct onlooker {
	uint64_t start_ns;       /* CLOCK_MONOTONIC when the exec was seen; 0: it was not */
	unsigned int flags;      /* ONLOOKER_ bits */
	struct procfs_cost cost; /* of the program, at the last look */
	uint64_t n_looks;
	struct onlooker_state *state; /* private */
};

/* pid is still the launcher, pidfd it, too (pidfd_open(2); -1: there is none to be had). With
 * FOLLOW_TO_EXIT in options only the end is waited for. 0, -ENOMEM; self is to be released in any case. */
must_check int onlooker_init(struct onlooker *self, pid_t pid, int pidfd,
			     const struct follow_options *options);
void onlooker_release(struct onlooker *self);

/* Makes an area for an agent (agent_log.h), and listens to what comes there. As agent_log_create(). */
must_check int onlooker_offer_agent(struct onlooker *self, int *ret_fd);

/*
 * From before the exec until the program or the launch window ends: FOLLOW_ALL_GONE, FOLLOW_WINDOW_CLOSED, or
 * -errno of emit(). A program that hides (prctl(2), PR_SET_DUMPABLE), or ends before a look, is told nothing
 * of.
 */
must_check int onlooker_run(struct onlooker *self);

#endif
