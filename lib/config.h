/*
 * config.h - what /etc/pbrun.conf and ~/.config/pbrun/config say.
 *
 *     # A line is empty, a comment, or NAME = VALUE.
 *     exclude = /mnt/nas          # a pattern of exclusions.h; as many lines as wanted
 *     store-size = 256M           # of all shadows together; K, M, G; or unlimited
 *     store-age = 180             # days without use, after which a shadow goes; or unlimited
 *     agent = yes                 # or no: nothing is loaded into programs that may not be traced
 *
 * Of a setting that is there twice the later one holds.
 */
#ifndef PBRUN_CONFIG_H
#define PBRUN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/exclusions.h"

#define CONFIG_SYSTEM_PATH "/etc/pbrun.conf"
#define CONFIG_MAX_BYTES 65536
#define CONFIG_UNLIMITED UINT64_MAX
#define CONFIG_STORE_BYTES (UINT64_C(256) << 20)
#define CONFIG_STORE_DAYS 180

struct config {
	struct exclusions excluded;
	uint64_t store_bytes; /* CONFIG_UNLIMITED: no limit */
	uint64_t store_days;
	bool uses_agent;
};

/* What holds where nothing is said. */
void config_init(struct config *self);
void config_release(struct config *self);

/*
 * Takes over what the text says; home as exclusions_add(). Lines that say nothing known are passed over, and
 * the number of the first of them, counted from 1, is in *ret_line; 0: there is none. 0 or -ENOMEM.
 */
must_check int config_parse(struct config *self, const char *text, size_t size, const char *home,
			    unsigned int *ret_line);

/* The same of a file, which must be one that trust_check_file() trusts. 0 also if there is none, or it is
 * where we cannot look; what that says; -EFBIG longer than CONFIG_MAX_BYTES; -errno of open(2), read(2). */
must_check int config_read(struct config *self, const char *path, const char *home, unsigned int *ret_line);

#endif
