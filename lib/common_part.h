/*
 * common_part.h - what the profiles of one program have in common, for one that is started for the first
 * time.
 *
 * Scripts of an interpreter share the interpreter, subcommands of a tool share the tool. Nothing is stored
 * for it: the part is made of the others' shadows when it is needed, which is once for each profile.
 */
#ifndef PBRUN_COMMON_PART_H
#define PBRUN_COMMON_PART_H

#include "shadowdb.h"

/* So many profiles, those that were recorded last, are enough to tell. */
#define COMMON_PART_MAX_PROFILES 8

/*
 * Makes the part that shadows have in common: the files, and of them the pages, that at least half of them
 * have, and no fewer than two. Operands are left out. A single one says nothing of that: then what lies
 * beside the file that its profile names, or beneath, is left out (profile_owns()). The result has no run, so
 * it calls for training; times of first use are those of the first shadow that has the page. 0 or -ENOMEM.
 */
must_check int common_part_make(struct shadow shadows[], size_t n_shadows, const char *program,
				const char *profile, struct shadow *ret_shadow);

/* The same of what is stored of program's other profiles. -ENOENT: there is none; -errno of reading the
 * directory. */
must_check int common_part_load(const struct shadowdb *db, const char *program, const char *profile,
				struct shadow *ret_shadow);

#endif
