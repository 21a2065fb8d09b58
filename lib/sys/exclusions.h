/*
 * exclusions.h - patterns of paths that are to be left alone: neither recorded nor prefetched.
 *
 * A pattern is one of glob(7), in which "*" and "?" stand for slashes, too. It excludes what it matches, and
 * all below a directory that it matches: "/mnt/nas" and "/mnt/nas/" exclude /mnt/nas and all in it. One that
 * does not begin with a slash matches at the beginning of any name in the path: "*.iso", "Private/letters".
 * "~/" at the beginning is the home.
 */
#ifndef PBRUN_EXCLUSIONS_H
#define PBRUN_EXCLUSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sys/cleanup.h"

#define EXCLUSIONS_MAX 1000

struct exclusions {
	char **patterns; /* as fnmatch(3) takes them */
	size_t n_patterns;
};

void exclusions_release(struct exclusions *self);

/* home, NULL: there is none, is what "~" stands for. 0; -EINVAL the pattern is empty, excludes everything
 * there is ("/"), or begins with "~/" while there is no home; -E2BIG there are EXCLUSIONS_MAX; -ENAMETOOLONG;
 * -ENOMEM. */
must_check int exclusions_add(struct exclusions *self, const char *pattern, const char *home);

/* Is path, an absolute one, excluded? self may be NULL. */
bool exclusions_match(const struct exclusions *self, const char *path);

#endif
