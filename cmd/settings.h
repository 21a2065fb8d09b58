/*
 * settings.h - what the configuration files and --exclude say.
 */
#ifndef PBRUN_SETTINGS_H
#define PBRUN_SETTINGS_H

#include "command.h"
#include "config.h"
#include "warnings.h"

/*
 * Whoever does not know all of what is excluded may neither record nor prefetch: a private name would get
 * into a recording because there was no memory. So each of these fails with -errno if it may have missed
 * something.
 */

/* What the command line says; a pattern that is none is wrong use. ret_config is to be released. 0 or
 * -ENOMEM.
 */
must_check int settings_given(const struct arguments *arguments, struct config *ret_config);

/* Adds what /etc/pbrun.conf says, and what the user's own file at path says. Of what cannot be read or
 * understood there is a warning, and the rest holds. 0; -ENOMEM, -EMFILE, -ENFILE, -EIO. */
must_check int settings_read_system(struct config *config, struct warnings *warnings);
must_check int settings_read_own(struct config *config, const char *path, struct warnings *warnings);

/* $XDG_CONFIG_HOME/pbrun/config or ~/.config/pbrun/config, to be freed; NULL: there is none. 0 or -ENOMEM. */
must_check int settings_own_path(char **ret_path);

#endif
