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

#include "account.h"
#include "notice.h"
#include "shadowdb.h"

/* One launch. Nothing in it is owned. */
struct report {
	const char *program; /* canonical path */
	const char *profile; /* "" if none */
	const struct account *account;
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
/* Adds what went wrong at an earlier launch; copied as well. */
must_check int report_list_add_notice(struct report_list *self, const struct notice *notice);
must_check int report_list_format(const struct report_list *self, char **ret_json);

#endif
