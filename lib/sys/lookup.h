/*
 * lookup.h - which file a command names: the search of execvp(3), without the exec.
 */
#ifndef PBRUN_LOOKUP_H
#define PBRUN_LOOKUP_H

#include "sys/cleanup.h"

/*
 * Finds what execvp(3) of glibc would run for name: the name itself if it has a slash, else the first
 * match in path_list (the value of PATH; NULL: the default of confstr(_CS_PATH)); an empty element is
 * the working directory. Returns 0 and the canonical path (realpath(3)) of a regular file that may
 * be executed, to be freed by the caller; -ENOENT, -EACCES (found, but not executable), -ENOMEM, or
 * another -errno, as execvp(3) would fail. Only a forecast: the program is still started by execvp().
 */
must_check int lookup_program(const char *name, const char *path_list, char **ret_path);

/*
 * The profile that a program called by name has by itself: the last component of name if it differs
 * from that of the canonical path (busybox called as "ls"), else "". Points into name or is a
 * constant.
 */
const char *lookup_profile(const char *name, const char *canonical_path);

#endif
