/*
 * wrap.h - the files by which programs are started through pbrun: where they are, how they are written.
 */
#ifndef PBRUN_WRAP_H
#define PBRUN_WRAP_H

#include "command.h"
#include "sys/cleanup.h"

/* $XDG_DATA_HOME and $XDG_CONFIG_HOME, or what they are by default, with "/" and below; to be freed. NULL:
 * there is no home, or no memory. */
char *wrap_in_data_home(const char *below);
char *wrap_in_config_home(const char *below);

/* Takes the first directory off a list like XDG_DATA_DIRS: the same, to be freed. What is relative is passed
 * over, and what finds no memory. NULL: there is no more. */
char *wrap_next_in_list(const char **list, const char *below);

/* The absolute path of pbrun, to be freed; NULL: it cannot be told. */
char *wrap_own_path(void);

/* Writes text to a file in a directory that only the user, or root, can write to: a temporary file, renamed.
 * What is missing of the directory is made. 0, what trust_open_directory() says, -errno. */
must_check int wrap_write(const char *directory, const char *name, const char *text);
must_check int wrap_remove(const char *directory, const char *name);
/* Keeps what is called name in one directory also in another, and brings it back. */
must_check int wrap_save(const char *directory, const char *save_directory, const char *name);
must_check int wrap_restore(const char *directory, const char *save_directory, const char *name);

/* Complains, and returns the exit status. */
int wrap_complain(const char *what, const char *where, int error);

/* "directory/name", to be freed. NULL: no memory. */
char *wrap_join(const char *directory, const char *name);

/* Takes back the desktop entry or unit of this name. 0; 1 after a complaint; -ENOENT there is none of
 * pbrun's. */
must_check int desktop_undo(const char *name);
must_check int unit_undo(const char *name, const struct arguments *arguments);

/* Print what is wrapped, a line each; return the number of lines. */
size_t desktop_print_wrapped(void);
size_t unit_print_wrapped(void);
void wrap_print(const char *kind, const char *name, const char *path);

#endif
