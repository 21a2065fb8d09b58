/*
 * trust.h - who could have written a file: what is read is believed only if that is this user or root.
 *
 * Root believes root alone. What is refused is so by an -errno that says why, for trust_explain(), and that
 * open(2) and read(2) do not give otherwise.
 */
#ifndef PBRUN_TRUST_H
#define PBRUN_TRUST_H

#include <sys/stat.h>

#include "sys/cleanup.h"

/*
 * Is this a regular file that only its owner can write, the effective user or root, under one name? 0;
 * -EINVAL not a regular file, -EPERM another owner, -EKEYREJECTED the group or all may write, -EMLINK it
 * has other hard links. A group that may write is refused even if it has one member: who is in it cannot be
 * told without asking the user database. (An access control list shows in the group's bits, acl(5).)
 */
must_check int trust_check_file(const struct stat *st);

/* Is this a directory of which the same holds? Sticky does not help: others may add files. 0, -ENOTDIR,
 * -EPERM, -EKEYREJECTED. */
must_check int trust_check_directory(const struct stat *st);

/*
 * Opens a directory of which trust_check_directory() holds. A symbolic link on the way is followed if it is
 * the effective user's or root's. What is missing is made with make_mode, whatever the umask is, unless this
 * is 0, or it is missing where a link leads to. Returns a descriptor; -ELOOP for a link of somebody else's;
 * -EPERM also if the directory is missing, and the nearest one above it belongs to somebody else; what
 * trust_check_directory() says; -ENAMETOOLONG; -errno of openat(2), mkdirat(2).
 */
must_check int trust_open_directory(const char *path, mode_t make_mode);

/* Why something was refused: "it belongs to another user". NULL: the error is none of these. */
const char *trust_explain(int error);

#endif
