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

struct unit {
	char **commands; /* values of ExecStart= */
	size_t n_commands;
	bool has_user; /* User= or DynamicUser=: not run by whom the manager is */
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
 * argument is given by --argv0. Returns 0 and the text, to be freed; -ENODATA no command is to be changed:
 * there is none, or each is pbrun's; -ENOMEM.
 */
must_check int unit_drop_in(const struct unit *self, const char *pbrun, const char *options, char **ret_text);

#endif
