/*
 * lookup.h - which file a command names: the search of execvp(3), without the exec.
 */
#ifndef PBRUN_LOOKUP_H
#define PBRUN_LOOKUP_H

#include <sys/types.h>

#include "sys/cleanup.h"

/*
 * Finds what execvp(3) of glibc would run for name: the name itself if it has a slash, else the first
 * match in path_list (the value of PATH; NULL: the default of confstr(_CS_PATH)); an empty element is
 * the working directory. Returns 0 and the canonical path (realpath(3)) of a regular file that may
 * be executed, to be freed by the caller; -ENOENT, -EACCES (found, but not executable), -ENOMEM, or
 * another -errno, as execvp(3) would fail. Only a forecast: the program is still started by execvp().
 */
must_check int lookup_program(const char *name, const char *path_list, char **ret_path);

/* A program that is not to be found: the file of this device and inode, or any that is called so by its
 * canonical path. */
struct lookup_besides {
	dev_t device;
	ino_t inode;
	const char *name;
};

/*
 * The same, but besides is passed over: a link to pbrun early in PATH has the name of the program that it
 * starts. A name with a slash that leads to besides is looked up in path_list by its last component. ret_file
 * is what to execute, to be freed: a path with a slash, not canonical. Returns 0; 1 if something was passed
 * over; -EALREADY besides is all that was found.
 */
must_check int lookup_other_program(const char *name, const char *path_list,
				    const struct lookup_besides *besides, char **ret_file, char **ret_path);

/*
 * The profile that a program called by name has by itself: the last component of name if it differs
 * from that of the canonical path (busybox called as "ls"), else "". Points into name or is a
 * constant.
 */
const char *lookup_profile(const char *name, const char *canonical_path);

#endif
