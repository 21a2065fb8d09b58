/*
 * operands.h - what the command line of a start names, to be told from what the program needs at each start.
 *
 * An operand is an argument as it is ("notes", "dir/film.mkv", "file:///home/u/a%20b.png"), what stands
 * behind the "=" of "--option=FILE" or "if=FILE", behind the letter of "-IDIRECTORY", behind the "@" of
 * "@FILE", and a file that is standard input. Whether there is such a file is for who resolves it
 * (operand_targets.h) to find out; here is no call that could wait for a file system.
 *
 * The file that the profile is named after (profile.h), a script say, is none: each start under that profile
 * names it.
 */
#ifndef PBRUN_OPERANDS_H
#define PBRUN_OPERANDS_H

#include <limits.h>

#include "pageset.h"
#include "sys/cleanup.h"

struct operand {
	const char *name; /* belongs to the arguments, or to operands.input */
	uint8_t code;     /* where it stands: of enum pageset_operand; PAGESET_NO_OPERAND: the profile's */
};

struct operands {
	char *directory; /* the working directory; NULL: not known */
	char *input;     /* the path of standard input; NULL: it is no file */
	struct operand *items;
	size_t n;
	size_t n_allocated; /* private */
};

/*
 * What argv, which ends with NULL and outlives ret_operands, names behind argv[0]. directory is what relative
 * names are joined to, NULL: not known; they count for nothing then. profile is the one of the start. 0 or
 * -ENOMEM.
 */
must_check int operands_list(char *const argv[], const char *directory, const char *profile,
			     struct operands *ret_operands);

/* Leaves out what the profile is named after, where that was not known before. */
void operands_set_profile(struct operands *self, const char *profile);

/* Adds the file of standard input, if it is one, by the text of /proc/self/fd/0. 0 or -ENOMEM. */
must_check int operands_add_input(struct operands *self);

void operands_release(struct operands *self);

/*
 * The absolute path that operand means, as it is written. False: it cannot be a path (too long, relative to
 * an unknown directory, a URL of another host).
 */
bool operands_path(const struct operands *self, const struct operand *operand,
		   char ret_path[static PATH_MAX]);

/* Takes "//", "/./" and "/../" out of an absolute path: what it means where no directory in it is a symbolic
 * link. */
void operands_tidy_path(char *path);

#endif
