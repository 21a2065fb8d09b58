/*
 * state.h - does a recording still hold?
 */
#ifndef PBRUN_STATE_H
#define PBRUN_STATE_H

#include "shadow/shadow.h"

enum state {
	STATE_FRESH,
	STATE_STALE, /* so much has changed that the next start trains */
	STATE_GONE,  /* the program is not there any more */
};

struct state_account {
	enum state state;
	uint64_t n_changed; /* recorded files with pages that are others now */
	uint64_t n_missing; /* that are not there */
	uint64_t n_unasked; /* on file systems that may never answer (mounts.h), and were not looked at */
};

/* Looks at the program and at every file of which pages are remembered. */
struct state_account state_of(const struct shadow *shadow);

/* "fresh", "stale", "gone", as it is in JSON. */
const char *state_name(enum state state);

/* "stale: 3 files changed, 1 is missing", to be freed; NULL: out of memory. */
char *state_text(const struct state_account *account);

#endif
