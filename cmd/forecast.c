/* forecast.c - what the next start of a program does: the policy, asked with every number that chance may
 * give it. */
#include "forecast.h"

#include <stdio.h>

/* No rule of policy_choose() looks at more than six bits. */
#define N_CHANCES 64u

struct forecast forecast_of(enum policy_mode requested, const struct shadow *shadow, enum state state)
{
	unsigned int n_modes[POLICY_NONE + 1] = { 0 };
	const char *reasons[POLICY_NONE + 1] = { 0 };
	enum policy_mode mode = POLICY_NONE;

	for (uint32_t random = 0; random < N_CHANCES; random++) {
		struct policy_choice choice = policy_choose(requested, shadow, state == STATE_STALE, random);

		n_modes[choice.mode]++;
		reasons[choice.mode] = choice.reason;
	}
	if (n_modes[POLICY_SAMPLE] > 0)
		mode = POLICY_SAMPLE;
	else if (n_modes[POLICY_TRAIN] > n_modes[POLICY_NONE])
		mode = POLICY_TRAIN;
	return (struct forecast){
		.train_percent = 100 * n_modes[POLICY_TRAIN] / N_CHANCES,
		.sample_percent = 100 * n_modes[POLICY_SAMPLE] / N_CHANCES,
		.reason = reasons[mode],
	};
}

char *forecast_text(const struct forecast *self)
{
	char *text = NULL;
	int r = 0;

	if (self->train_percent == 100)
		r = asprintf(&text, "is trained: %s", self->reason);
	else if (self->sample_percent == 100)
		r = asprintf(&text, "is sampled: %s", self->reason);
	else if (self->sample_percent > 0)
		r = asprintf(&text, "is sampled in about %u of 100 starts: %s", self->sample_percent,
			     self->reason);
	else
		r = asprintf(&text, "is not recorded: %s", self->reason);
	return r < 0 ? NULL : text;
}
