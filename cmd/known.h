/*
 * known.h - what is known of a program before it starts: the user's settings, the profile, the shadow.
 *
 * All this lies in files, and a file system may never answer. So the launcher takes it over only if nothing
 * of it needs waiting (sys/cached.h): as it is at each start but the first. Else the observer does it, in a
 * thread for which nobody waits without a bound.
 */
#ifndef PBRUN_KNOWN_H
#define PBRUN_KNOWN_H

#include <stdbool.h>

#include "launch.h"
#include "notice.h"
#include "warnings.h"

enum known_state {
	KNOWN_NOTHING,
	KNOWN_SETTINGS, /* and the profile */
	KNOWN_ALL,
};

struct known {
	const struct launch_options *options;
	char *const *argv;   /* of the program */
	const char *program; /* canonical path */
	enum known_state state;
	struct config config;
	char *profile; /* NULL: out of memory */
	struct shadowdb db;
	struct shadow shadow; /* the part that shadowdb_load_partial() gives, until known_complete() */
	bool has_shadow;
	bool has_dir;
	bool has_missed_settings; /* what is excluded is not known */
	const char *obstacle;     /* to recording, a constant; NULL: none */
	struct notice notice;     /* of an earlier launch */
	/* To be told. */
	struct warnings warnings;
	/* Private. */
	char *dir; /* NULL: there is none, and that is because of */
	char *why_no_dir;
	char *cwd;
	char *own_settings_path;
	char *rules_path;
	_Atomic(const char *) asked; /* what is being asked for */
};

/* Of a program, whose path stays. Asks no file system. */
void known_init(struct known *self, const struct launch_options *options, char *const argv[],
		const char *program);

/* Takes over what is known, if that needs no waiting and no writing. If not: false, and not more than the
 * settings is taken over. */
must_check bool known_load_cached(struct known *self);

/* In the observer: all that known_load_cached() did not, in bounded time. False: it did not come, or there is
 * no memory; then there is a warning and an obstacle, and the profile is what it is without the user's rules.
 */
must_check bool known_load(struct known *self);

/* In the observer: the rest of the shadow. */
void known_complete(struct known *self);

/* In the launcher, after known_load_cached(): sets obstacle, of which there is a warning. */
void known_find_obstacle(struct known *self);

#endif
