/*
 * directory.h - where the shadows are, by the environment.
 */
#ifndef PBRUN_DIRECTORY_H
#define PBRUN_DIRECTORY_H

#include "shadowdb.h"
#include "warnings.h"

/*
 * Without --dir pbrun uses PBRUN_DIR, $XDG_CACHE_HOME/pbrun (where that is absolute, as the XDG Base
 * Directory Specification asks), $HOME/.cache/pbrun; of a pbrun whose own file has privileges (AT_SECURE,
 * getauxval(3)) the caller's home by /etc/passwd instead, and nothing of the environment. Returns the
 * path, to be freed; NULL: there is none, and *ret_why, to be freed, says why. Asks no file system: a path in
 * a home, which *ret_home is then, is none if directory_fault() says so.
 */
char *directory_default(const char **ret_home, char **ret_why);

/* A home is not made: also where one is given that is none, for users who shall have none (/nonexistent).
 * What is wrong with it, to be freed; NULL: nothing. */
char *directory_fault(const char *home);

/*
 * Opens path (NULL: none) as shadowdb_open(), with the system's and the packages' directories behind it. 0
 * also where root's own directory takes the place of another user's, which is said in warnings; else -errno,
 * and self can be read all the same.
 */
must_check int directory_open(struct shadowdb *self, const char *path, struct warnings *warnings);

/* Did shadowdb_open(), which returned error, take root's own directory in place of another user's? */
bool directory_is_replaced(const struct shadowdb *self, int error);

/* The absolute path of the user's home, as above; NULL: there is none. */
const char *directory_home(void);

#endif
