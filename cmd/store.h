/*
 * store.h - where the recordings are, and under which name a program is found in them.
 */
#ifndef PBRUN_STORE_H
#define PBRUN_STORE_H

#include "command.h"
#include "shadowdb.h"

/* The directory that --dir or the environment names, to be freed. NULL: neither does, and *ret_why, to be
 * freed, says why; NULL: no memory. */
char *store_directory(const struct arguments *arguments, char **ret_why);

/* The same without asking a file system (directory.h). */
char *store_directory_unasked(const struct arguments *arguments, const char **ret_home, char **ret_why);

/* Opens the recordings for run(), and returns what that does; or complains, and returns 1. */
int with_store(const struct arguments *arguments,
	       int (*run)(struct shadowdb *db, const struct arguments *arguments));

/*
 * Under which path and profile a program called by name is remembered: found through PATH as at a
 * launch. What is not there (any more) can be named by its absolute path. Returns 0, or -errno after a
 * complaint that begins with what. ret_path is to be freed; ret_profile points into name or is a constant.
 */
must_check int resolve_or_complain(const char *what, const char *name, char **ret_path,
				   const char **ret_profile);

/* Complains that nothing is recorded of the program path, or that it is none. 1. */
int complain_nothing_recorded(const char *what, const char *path);

/*
 * Loads what is remembered of the program that is the first operand, under the profile of --profile or its
 * own. Returns 0, or the exit status after a complaint.
 */
must_check int load_or_complain(const char *what, const struct shadowdb *db,
				const struct arguments *arguments, struct shadow *ret_shadow);

#endif
