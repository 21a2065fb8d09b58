/*
 * report.h - what pbrun says in JSON: the report of a launch, a shadow, a listing. jansson is used in
 * report.c alone.
 *
 * The fields are described in pbrun(1); fields may be added, never renamed. Text that is not UTF-8 (a
 * path may hold any bytes) has U+FFFD for each byte that is not, and its true bytes stand beside it in
 * hexadecimal: "path", "path_hex". Each function below gives one line, ended by a newline, to be freed
 * by the caller, and returns 0 or -ENOMEM.
 */
#ifndef PBRUN_REPORT_H
#define PBRUN_REPORT_H

#include "readahead.h"
#include "shadowdb.h"

enum report_shadow {
	REPORT_SHADOW_NONE,  /* there was none that could be used */
	REPORT_SHADOW_FRESH, /* every file in it was still the one that was recorded */
	REPORT_SHADOW_STALE, /* some were not */
};

/* One launch. Nothing in it is owned. */
struct report {
	const char *program; /* canonical path */
	const char *profile; /* "" if none */
	enum report_shadow shadow;
	struct readahead_stats prefetch; /* zero if nothing was prefetched */
	uint64_t head_start_ns;          /* for which the program's start was put off for it */
	bool knows_waste;                /* was it seen what of it was used? */
	uint64_t wasted_bytes;           /* then: of the prefetched bytes */
	struct {
		const char *mode;   /* "train", "sample" or "none" */
		const char *reason; /* why this mode, in a few words; NULL: not said */
		bool exact;
		uint64_t n_files;
		uint64_t n_pages;
	} record; /* of this launch alone */
	struct {
		uint64_t elapsed_ns; /* from the exec to the end of the program or of the launch window */
		uint64_t major_faults;
		uint64_t read_bytes; /* from the device, by the program itself */
		bool has_ended;      /* the program, within the launch window */
		int wait_status;     /* if so: its status as waitpid(2) gives it */
	} launch;
	const char *const *warnings;
	size_t n_warnings;
};

must_check int report_format_launch(const struct report *report, char **ret_json);

/* --show --json. shadow_path, if not NULL, is the file that shadow was read from. */
must_check int report_format_shadow(const struct shadow *shadow, const char *shadow_path, char **ret_json);

/* --list --json, entry by entry. */
struct report_list;

struct report_list *report_list_new(void);
void report_list_free(struct report_list *self);
/* Adds what shadowdb_list() gave; the entry is copied. state is "fresh", "stale", "gone" or "ignored",
 * state_text says more to people. 0 or -ENOMEM. */
must_check int report_list_add(struct report_list *self, const struct shadowdb_entry *entry,
			       const char *state, const char *state_text);
must_check int report_list_format(const struct report_list *self, char **ret_json);

#endif
