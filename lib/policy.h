/*
 * policy.h - how a launch is recorded. Pure.
 *
 * auto trains when nothing usable is remembered, when files changed, when a sampled run found drift, or when
 * one of the first trainings left out children of the program and nothing else; else it samples, ever more
 * rarely the longer nothing new turns up; else it does not record.
 */
#ifndef PBRUN_POLICY_H
#define PBRUN_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "readahead.h"
#include "shadow/shadow.h"

enum policy_mode { POLICY_AUTO, POLICY_TRAIN, POLICY_SAMPLE, POLICY_NONE };

/* "auto", "train", "sample", "none". False: no such mode. */
bool policy_parse_mode(const char *text, enum policy_mode *ret_mode);
const char *policy_mode_name(enum policy_mode mode);

struct policy_choice {
	enum policy_mode mode; /* never POLICY_AUTO */
	const char *reason;    /* a constant */
};

/*
 * Have so many of the remembered files changed that it takes a training run? Code that changed or went
 * is another version; of data, mapped or read, it takes a twentieth of all pages. What the program itself
 * writes does not count.
 */
bool policy_files_changed(const struct shadow *shadow, const struct readahead_stats *stats);

/* How old a page may be to be prefetched (struct plan_options). If most of what was prefetched of late was
 * not used, only what the last recorded run used is. */
uint8_t policy_max_age(const struct shadow *shadow);

/* What is known of the remembered files (policy_files_changed()). */
enum policy_files { POLICY_FILES_SAME, POLICY_FILES_CHANGED };

/* shadow is what is remembered, NULL if nothing; random is any number, equally distributed. */
struct policy_choice policy_choose(enum policy_mode requested, const struct shadow *shadow,
				   enum policy_files files, uint32_t random);

#endif
