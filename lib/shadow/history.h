/*
 * history.h - what the last starts gained and wasted; part of a shadow (shadow.h). Only starts that were
 * watched are told of.
 */
#ifndef PBRUN_HISTORY_H
#define PBRUN_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#define HISTORY_MAX_STARTS 8

enum history_flags {
	HISTORY_KNOWS_WASTE = 1 << 0,  /* it was seen what of the prefetched data was used */
	HISTORY_KNOWS_MISSED = 1 << 1, /* missed_bytes could be read */
	HISTORY_REPLAYED = 1 << 2,     /* it had a record of its own; else at most what was foretold, or what
					  other profiles have in common */
	HISTORY_KNOWN_FLAGS = 7,
};

struct history_start {
	int64_t time_s;            /* when it was recorded, seconds since the epoch */
	uint64_t prefetched_bytes; /* asked for before the program did */
	uint64_t wasted_bytes;     /* of these: not used */
	uint64_t missed_bytes;     /* read from the device by the program itself */
	uint32_t faults;           /* page faults that waited for the disk */
	uint32_t flags;            /* HISTORY_ bits */
};

struct history {
	uint32_t first_faults; /* those of the very first start; 0: none, or not known */
	uint32_t n_starts;
	struct history_start starts[HISTORY_MAX_STARTS]; /* the latest first */
};

/* Adds a start; the oldest goes if there is no room. */
void history_add(struct history *self, const struct history_start *start);

/* Of what was prefetched, what the program used: 0 if that is not known. */
uint64_t history_used_bytes(const struct history_start *start);

/* The starts that replayed, and of which all is known, together. All sums saturate. */
struct history_sum {
	size_t n_starts;
	uint64_t used_bytes;
	uint64_t wasted_bytes;
	uint64_t missed_bytes;
};
struct history_sum history_sum(const struct history *self);

#endif
