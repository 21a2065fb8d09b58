/*
 * agent_log.h - what the agent in a program (agent/) writes for the observer, in memory that both have
 * mapped.
 *
 *     agent_log_create() ... agent_log_next() until it says no, again and again ... agent_log_release()
 *
 * An area begins with a struct agent_head; records follow, one behind the other. Who writes one, of several
 * threads and processes, reserves its room by one atomic addition. What stands there is written by a program
 * that may do anything, also while it is read: each number is read once, and checked.
 */
#ifndef PBRUN_AGENT_LOG_H
#define PBRUN_AGENT_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cleanup.h"

/* Of which only what is written to takes memory. */
#define AGENT_LOG_BYTES (UINT32_C(16) << 20)
#define AGENT_LOG_MAGIC UINT32_C(0x6e727062)
/* No record has more data. */
#define AGENT_LOG_MAX_DATA (UINT32_C(1) << 20)

/* By these two, the last of the environment, the agent is loaded, and finds the area; it takes them away. */
#define AGENT_LOG_PRELOAD "LD_PRELOAD="
#define AGENT_LOG_VARIABLE "PBRUN_AGENT="

enum agent_kind {
	AGENT_UNFINISHED, /* its data are still being written, or never will be */
	AGENT_OPENED,     /* an absolute path, not terminated, as it was opened for reading */
	AGENT_MAPS,       /* /proc/PID/maps before the end */
	AGENT_EXEC_MAPS,  /* the same before an exec(2), which may fail */
	AGENT_PAGES,      /* struct agent_pages, one after the other, of the record of maps before it */
};

struct agent_head {
	uint32_t magic;
	_Atomic uint32_t is_confined; /* not 0: the program has put itself under another seccomp filter, which
					 may kill it for a call that it does not make itself */
	_Atomic uint64_t n_bytes; /* reserved, with the head; more than there is room for: some were lost */
};

struct agent_record {
	_Atomic uint32_t n_bytes; /* with this head; a multiple of 8. 0: reserved just now */
	_Atomic uint32_t kind;    /* written last */
	uint32_t n_data;
	int32_t pid;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
};

/* As PAGEMAP_SCAN gives them (pagemap.h): start and end are addresses. */
struct agent_pages {
	uint64_t start;
	uint64_t end;
	uint64_t categories; /* AGENT_PAGES_ARE_HUGE, or 0 */
};
#define AGENT_PAGES_ARE_HUGE (UINT64_C(1) << 6)

struct agent_log {
	unsigned char *area; /* NULL: there is none */
	size_t size;
	size_t offset; /* where to go on */
	unsigned char *copy;
};

struct agent_entry {
	enum agent_kind kind;
	pid_t pid;
	uint64_t time_ns;
	const void *data; /* a copy, until the next call */
	size_t size;
};

enum agent_log_end {
	AGENT_LOG_GOES_ON, /* what is unfinished is waited for */
	AGENT_LOG_IS_OVER, /* nobody writes any more: it is passed over */
};

/* An area that cannot shrink, and its descriptor for the program, close-on-exec. 0; -errno of memfd_create(2)
 * ...; -ENOMEM. */
must_check int agent_log_create(struct agent_log *self, int *ret_fd);
/* Zeroed, it holds none. */
void agent_log_release(struct agent_log *self);

/* Tells the agent that its program is confined. */
void agent_log_confine(struct agent_log *self);

/* The next record. False: there is none yet, or what stands there is none. */
bool agent_log_next(struct agent_log *self, enum agent_log_end end, struct agent_entry *ret_entry);

#endif
