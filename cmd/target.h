/*
 * target.h - which program a launch runs, and under which profile it is remembered.
 */
#ifndef PBRUN_TARGET_H
#define PBRUN_TARGET_H

#include "sys/cleanup.h"

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

/*
 * The profile of the command argv, which runs program: by the user's rules and those of profile.h, else by
 * its name (lookup_profile()). To be freed; NULL: no memory. Says on standard error which of the user's rules
 * is none.
 */
char *target_profile(char *const argv[], const char *program);

#endif
