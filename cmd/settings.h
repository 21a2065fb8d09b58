/*
 * settings.h - what the configuration files and --exclude say.
 */
#ifndef PBRUN_SETTINGS_H
#define PBRUN_SETTINGS_H

#include "command.h"
#include "config.h"

/*
 * Reads /etc/pbrun.conf, then $XDG_CONFIG_HOME/pbrun/config or ~/.config/pbrun/config, then the command line.
 * What cannot be read or understood is told on standard error, and the rest holds; a pattern on the command
 * line that is none is wrong use. ret_config is to be released.
 */
void settings_read(const struct arguments *arguments, struct config *ret_config);

#endif
