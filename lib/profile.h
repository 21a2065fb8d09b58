/*
 * profile.h - which uses of one program are kept apart by themselves: the scripts of an interpreter, the
 * subcommands of a tool. Pure: a rule looks at the command line alone.
 *
 * A rule is a line, by which the name that a program is called by finds its profile:
 *
 *     PATTERN[,PATTERN]... KIND [letters] [KEY=WORD[,WORD]...]...
 *     python,python[0-9]*  script letters inline=-c name=-m value=-W,-X
 *
 * PATTERN is one of fnmatch(3) for the last component of the name. KIND says what the first operand is:
 *     script   a file: the profile is its absolute path
 *     name     a class, or what else is no file: the profile is the word itself
 *     word     a subcommand: the profile is this word
 *     command  another command: the profile is its name, and the profile that it has by its own rule
 *     none     nothing: there is no profile
 * KEY says which options stand before it:
 *     value    their value may be the next argument
 *     value2   the next two arguments are theirs
 *     value3   the next three
 *     path     their value is the file: it is the profile, and no operand is looked for
 *     name     their value is a name: "-m NAME", the first of the options named, is the profile
 *     inline   with them there is nothing to be told apart: no profile
 *     rest     of letters: what follows in the same argument is their value
 *     then     of kind word, subcommands: the operand after them counts, too
 *     exec     of kind word, subcommands: a command stands after them, as one does in kind command
 *     id       of kind word, subcommands: an ID stands after them, which counts as it is written, and is no
 *              path, however it is spelled
 *     skip     a number: so many operands stand before the command
 * "letters" says that one-letter options may be joined, as getopt(3) has it. Behind a subcommand of then or
 * exec, what is spelled as a file (with a slash, "." or "..", or a script's suffix) counts as its absolute
 * path; so does a script where a subcommand could stand ("bun a.ts"). What has a scheme ("npm:chalk",
 * "https://x/y.ts") or a scope ("@scope/name") is no path: it counts as it is written. Lines that are empty
 * or begin with "#" are no rules. The first rule that matches counts.
 */
#ifndef PBRUN_PROFILE_H
#define PBRUN_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "sys/cleanup.h"

/* The rules that hold after the user's own. */
extern const char profile_builtin_rules[];

/*
 * The profile of the command argv, which ends with NULL. rules are the user's own, NULL: none. cwd is the
 * working directory, to which relative paths are joined as they are written; NULL: they stay relative.
 * Returns 0 and the profile, to be freed: "" if the command is to have none; -ENOENT no rule has the name;
 * -ENOMEM.
 */
must_check int profile_of_command(char *const argv[], const char *cwd, const char *rules, char **ret_profile);

/* The number of the first line that is no rule, beginning with 1. 0: all are. */
size_t profile_find_fault(const char *rules);

/* Is path the file that profile names, or beneath the directory in which this lies? False if it names none.
 */
bool profile_owns(const char *profile, const char *path);

#endif
