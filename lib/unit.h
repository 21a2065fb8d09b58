/*
 * unit.h - a systemd service whose program is started through pbrun: the drop-in that says so. Pure.
 *
 * After systemd.service(5) and systemd.syntax(7). What starts the service is gathered from its unit file and
 * its drop-ins, in the order in which systemd reads them:
 *
 *     ExecStart=-/usr/sbin/tool --flag     becomes     ExecStart=
 *                                                      ExecStart=-/usr/bin/pbrun /usr/sbin/tool --flag
 */
#ifndef PBRUN_UNIT_H
#define PBRUN_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "sys/cleanup.h"

#define UNIT_MAX_COMMANDS 256

/* What is said beside ExecStart=; the bits add up. */
enum unit_traits {
	UNIT_USER = 1 << 0, /* User=, of another one than root */
	UNIT_DYNAMIC_USER = 1 << 1,
	UNIT_ROOT_DIRECTORY = 1 << 2,
	UNIT_ROOT_IMAGE = 1 << 3,
	/* Not run by whom the manager is. */
	UNIT_OTHER_USER = UNIT_USER | UNIT_DYNAMIC_USER,
	/* The command is looked up in another root, where there is no pbrun. */
	UNIT_OTHER_ROOT = UNIT_ROOT_DIRECTORY | UNIT_ROOT_IMAGE,
};

struct unit {
	char **commands; /* values of ExecStart= */
	size_t n_commands;
	unsigned int traits;
};

void unit_release(struct unit *self);

/* Adds what one file says; an empty ExecStart= takes back all before. 0, -ENOMEM, -E2BIG (more than
 * UNIT_MAX_COMMANDS). */
must_check int unit_add(struct unit *self, const char *text);

/* Was this drop-in made by unit_drop_in()? */
bool unit_is_drop_in(const char *text);

/*
 * Makes the drop-in: each command begins with pbrun, an absolute path, and options (NULL: none), which are
 * put there as they are. The prefixes "@", "-", ":", "+", "!" and "|" stay: with "@" the program's first
 * argument is given by --argv0. Returns 0 and the text, to be freed; -EXDEV UNIT_OTHER_ROOT: with pbrun in
 * front, the service would not start any more; -ENODATA no command is to be changed:
 * there is none, or each is pbrun's; -ENOMEM.
 */
must_check int unit_drop_in(const struct unit *self, const char *pbrun, const char *options, char **ret_text);

#endif
