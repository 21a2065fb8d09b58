/*
 * forecast.h - what the next start of a program does, and why.
 */
#ifndef PBRUN_FORECAST_H
#define PBRUN_FORECAST_H

#include "policy.h"
#include "state.h"

struct forecast {
	/* Chances of a mode, in percent. */
	unsigned int train_percent;
	unsigned int sample_percent;
	const char *reason; /* of the mode that is meant to record, else of the most probable; a constant */
};

/* shadow NULL: nothing is remembered. */
struct forecast forecast_of(enum policy_mode requested, const struct shadow *shadow, enum state state);

/* "is sampled, in 1 of 8 starts: to see whether it still holds", to be freed; NULL: out of memory. */
char *forecast_text(const struct forecast *self);

#endif
