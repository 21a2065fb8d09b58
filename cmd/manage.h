/*
 * manage.h - the commands that look after the recordings: --list, --show, --forget.
 *
 * Each prints to stdout, says on stderr what went wrong, and returns pbrun's exit status: 0, or 1 if it
 * failed or nothing was found. Tables show control characters in names as "\x1b".
 */
#ifndef PBRUN_MANAGE_H
#define PBRUN_MANAGE_H

#include <stdbool.h>

#include "shadowdb.h"

/*
 * Under which path and profile a program called by name is remembered: found through PATH as at a
 * launch. What is not there (any more) can be named by its absolute path. Returns 0, -ENOMEM, or
 * what lookup_program() says. ret_path is to be freed; ret_profile points into name or is a constant.
 */
must_check int manage_resolve(const char *name, char **ret_path, const char **ret_profile);

int manage_list(const struct shadowdb *db, bool json);
/* profile NULL: the one that program has by itself, see lookup_profile(). */
int manage_show(const struct shadowdb *db, const char *program, const char *profile, bool json);
/* programs ends with NULL. profile NULL: every one. */
int manage_forget(struct shadowdb *db, char *const programs[], const char *profile);

#endif
