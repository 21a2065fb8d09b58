/* policy.c - the rules by which a launch is recorded or not. */
#include "policy.h"

#include <string.h>

/* So many runs without anything new are sampled each; then one in 2, 4, 8 ... */
#define SAMPLE_ALWAYS_RUNS 3
#define SAMPLE_LEAST_SHIFT 6
/* So often the first trainings go on where the last one was cut short. */
#define MAX_CUT_TRAININGS 4
/* A program that is never sampled is trained in one of so many runs, less one. */
#define UNSAMPLED_TRAIN_MASK 63u

static const char *const mode_names[] = { "auto", "train", "sample", "none" };

bool policy_parse_mode(const char *text, enum policy_mode *ret_mode)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++) {
		if (strcmp(text, mode_names[i]) == 0) {
			*ret_mode = (enum policy_mode)i;
			return true;
		}
	}
	return false;
}

const char *policy_mode_name(enum policy_mode mode)
{
	return mode_names[mode];
}

bool policy_files_changed(const struct shadow *shadow, const struct readahead_stats *stats)
{
	if (stats->changed_code_files > 0)
		return true;
	return stats->changed_pages > 0 &&
	       stats->changed_pages >= pageset_count_own_pages(&shadow->files) / 20;
}

uint8_t policy_max_age(const struct shadow *shadow)
{
	return shadow->stats.wasted_bytes > shadow->stats.prefetched_bytes / 2 ? 0 : UINT8_MAX;
}

static bool is_due(const struct shadow *shadow, uint32_t random)
{
	uint32_t stable_runs = shadow->stats.stable_runs;
	uint32_t shift = stable_runs < SAMPLE_ALWAYS_RUNS ? 0 : stable_runs - SAMPLE_ALWAYS_RUNS + 1;

	if (shift > SAMPLE_LEAST_SHIFT)
		shift = SAMPLE_LEAST_SHIFT;
	return (random & ((1u << shift) - 1)) == 0;
}

struct policy_choice policy_choose(enum policy_mode requested, const struct shadow *shadow,
				   enum policy_files files, uint32_t random)
{
	bool stays_away = shadow && (shadow->flags & SHADOW_DO_NOT_TRACE);

	if (stays_away && requested == POLICY_SAMPLE)
		return (struct policy_choice){ POLICY_NONE, "the program does not go well with tracing" };
	if (requested != POLICY_AUTO)
		return (struct policy_choice){ requested, "as asked for" };
	if (!shadow)
		return (struct policy_choice){ POLICY_TRAIN, "nothing is remembered yet" };
	if (files == POLICY_FILES_CHANGED)
		return (struct policy_choice){ POLICY_TRAIN, "files have changed" };
	if (shadow->flags & SHADOW_NEEDS_TRAINING)
		return (struct policy_choice){ POLICY_TRAIN, "the program used other pages of late" };
	if ((shadow->flags & SHADOW_TRAINING_GOES_ON) && shadow->stats.trained_runs < MAX_CUT_TRAININGS)
		return (struct policy_choice){ POLICY_TRAIN, "the last training was cut short" };
	if (shadow->stats.trained_runs == 0)
		return (struct policy_choice){ POLICY_TRAIN, "it was never trained" };
	if (!(shadow->flags & SHADOW_TELLS_OPERANDS))
		return (struct policy_choice){ POLICY_TRAIN,
					       "what it needs was not told from what it is given" };
	/* Only training sees the calls before which it has to step aside. */
	if (stays_away && (random & UNSAMPLED_TRAIN_MASK) == 0)
		return (struct policy_choice){ POLICY_TRAIN, "now and then, as it is never sampled" };
	if (stays_away)
		return (struct policy_choice){ POLICY_NONE, "the program does not go well with tracing" };
	if (is_due(shadow, random))
		return (struct policy_choice){ POLICY_SAMPLE, "to see whether it still holds" };
	return (struct policy_choice){ POLICY_NONE, "it is known well enough" };
}
