/*
 * directory.h - where the shadows are, by the environment.
 */
#ifndef PBRUN_DIRECTORY_H
#define PBRUN_DIRECTORY_H

#include "sys/cleanup.h"

/*
 * Without --dir pbrun uses PBRUN_DIR, $XDG_CACHE_HOME/pbrun (where that is absolute, as the XDG Base
 * Directory Specification asks), $HOME/.cache/pbrun; of a pbrun whose own file has privileges (AT_SECURE,
 * getauxval(3)) the caller's home by the user database instead, and nothing of the environment. A home is not
 * made. Returns the path, to be freed; NULL: there is none, and *ret_why, to be freed, says why.
 */
char *directory_default(char **ret_why);

/* The absolute path of the user's home, as above; NULL: there is none. */
const char *directory_home(void);

#endif
