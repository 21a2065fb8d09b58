/*
 * target.h - which program a launch runs, and under which profile it is remembered.
 */
#ifndef PBRUN_TARGET_H
#define PBRUN_TARGET_H

#include "sys/cleanup.h"
#include "warnings.h"

/*
 * The name under which pbrun itself was called, if that is one of another program: a symbolic link to pbrun
 * with the program's name. NULL: it was called as pbrun.
 */
const char *target_called_as(char *const argv[]);

/*
 * Finds name as execvp(3) does, but never pbrun itself under another name. ret_file is what to execute, and
 * ret_program its canonical path, both to be freed; ret_file is NULL where it is name as it is. 0; 1 if pbrun
 * was passed over; -EALREADY there is only pbrun itself; what lookup_program() says.
 */
must_check int target_find(const char *name, char **ret_file, char **ret_program);

/* The user's rules of profiles: $XDG_CONFIG_HOME/pbrun/profiles, ~/.config/pbrun/profiles. To be freed; NULL:
 * there are none. Of a pbrun with privileges of its own, nobody's. */
char *target_rules_path(void);

/*
 * The profile of the command argv, which runs program in cwd (NULL: unknown): by the rules in the file
 * rules_path (NULL: none) and those of profile.h, else by its name (lookup_profile()). To be freed; NULL: no
 * memory. Warns of the user's rule that is none.
 */
char *target_profile_in(char *const argv[], const char *program, const char *cwd, const char *rules_path,
			struct warnings *warnings);

/* The same here and now; the warning goes to standard error. */
char *target_profile(char *const argv[], const char *program);

/* The working directory, to be freed; NULL: it has no name. As getcwd(3), which would look for a name where
 * there is none, and perhaps wait for a file system. */
char *target_cwd(void);

#endif
