/* shadowdb_private.h - what the reading and the writing half of shadowdb.h share. */
#ifndef PBRUN_SHADOWDB_PRIVATE_H
#define PBRUN_SHADOWDB_PRIVATE_H

#include "shadowdb.h"

#define SHADOWDB_SUFFIX ".shadow"
#define SHADOWDB_INDEX_SUFFIX ".index"
/* So much of a program's name goes into the file's: leaves room for hash, suffix, and what the name of
 * a temporary file has in addition. */
#define SHADOWDB_MAX_BASENAME 200

uint64_t shadowdb_hash(const char *program, const char *profile);

/* Is the file that shadow was loaded from still there, untouched, in the directory (not the system's)? */
bool shadowdb_is_current(const struct shadowdb *self, const struct shadow *shadow);

/* Reads the head of the shadow called name, which the caller releases in any case, and fills the
 * numbers of entry. 0, or what struct shadowdb_entry.error says. */
must_check int shadowdb_read_head(int dir_fd, const char *name, struct shadow *ret_head,
				  struct shadowdb_entry *entry);

/* Calls visit() for the name of each shadow in order; stops if it returns non-zero, and returns that. 0,
 * -errno. */
must_check int shadowdb_scan(int dir_fd, int (*visit)(const char *name, void *context), void *context);

/* Opens the directory, and makes it where it is missing. 0 or -errno. */
must_check int shadowdb_need_directory(struct shadowdb *self);

/* NULL: there is none. */
const char *shadowdb_choice_path(const struct shadowdb *self, enum shadowdb_choice choice);

/* Opens a choice, to be closed. Whether it is to be trusted is asked for each file that is found there.
 * -ENOENT there is none that can be opened; -EMFILE, -ENFILE, -ENOMEM; of the own one, -errno of fcntl(2). */
int shadowdb_open_choice(const struct shadowdb *self, enum shadowdb_choice choice);

/* Is what it writes for everybody to read: is dir_fd the system's directory? */
bool shadowdb_is_public(const struct shadowdb *self);

/*
 * Locks what has this hash, one byte of a file. Returns a descriptor that holds the lock as long as it is
 * open, or -errno; -ETIMEDOUT. Where the filesystem has no locks, there is none: what is lost then is one of
 * two runs that end at the same time.
 */
must_check int shadowdb_lock(const struct shadowdb *self, uint64_t hash, unsigned int timeout_ms);

/*
 * Removes from a shadow that everybody will read what not everybody may know: files that others may not read,
 * and names in directories that others may not search, also where symbolic links lead. 0; -EACCES the
 * program itself is such a file.
 */
must_check int shadowdb_make_public(struct shadow *shadow);

#endif
