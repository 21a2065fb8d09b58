/*
 * notice.h - what went wrong with a launch when nobody could be told any more.
 *
 * It is kept beside the shadow, as BASENAME-HASH.notice, until the program is recorded with success or
 * forgotten. The next launch tells it, once; --list shows it as long as it is there. Three lines:
 *
 *     n                                           n: not told yet, t: told
 *     /usr/bin/x                                  the program
 *     /home/u/.cache/pbrun: the shadow was not written: No space left on device
 *
 * A notice is believed if it is a regular file of at most NOTICE_MAX_BYTES, of one link, that belongs to this
 * user or to root, and that nobody else may write. Control characters are replaced by "?", so that it can be
 * shown. Only the user's own directory has notices, the system's has none.
 */
#ifndef PBRUN_NOTICE_H
#define PBRUN_NOTICE_H

#include "shadowdb.h"

#define NOTICE_MAX_BYTES 4096

enum notice_state { NOTICE_NEW, NOTICE_TOLD };

struct notice {
	enum notice_state state;
	char *program; /* NULL: there is no notice */
	char *text;
	const char *file_name; /* for notice_list()'s visit() alone */
};

void notice_release(struct notice *self);

/* The file's name for program and profile, without a directory. */
void notice_name(const char *program, const char *profile, char ret_name[static NAME_MAX + 1]);

/* Is this such a name? */
bool notice_has_name(const char *name);

/* Writes or replaces the notice of program and profile. 0, -ENOENT (no directory), -errno. */
must_check int notice_leave(const struct shadowdb *db, const char *program, const char *profile,
			    enum notice_state state, const char *text);

/* 0; -ENOENT: there is none; -EBADMSG: it is not to be believed; -errno of open(2), read(2). */
must_check int notice_read(const struct shadowdb *db, const char *program, const char *profile,
			   struct notice *ret_notice);

/* The same of the file called name. */
must_check int notice_read_file(const struct shadowdb *db, const char *name, struct notice *ret_notice);

/* Reads it, and makes it one that was told: of many who ask at once, each may still get it as new. As
 * notice_read(); where it cannot be written to, it stays new. */
must_check int notice_take(const struct shadowdb *db, const char *program, const char *profile,
			   struct notice *ret_notice);

/* Removes the notice of program and profile; profile NULL: all of program that can be believed. Returns how
 * many there were, or -errno. */
must_check int notice_remove(const struct shadowdb *db, const char *program, const char *profile);

/* Calls visit() for each notice that can be believed, in the order of their names; stops if it returns
 * non-zero, and returns that. 0, -errno. */
must_check int notice_list(const struct shadowdb *db,
			   int (*visit)(const struct notice *notice, void *context), void *context);

#endif
