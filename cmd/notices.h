/*
 * notices.h - what went wrong at earlier launches (notice.h), as --list shows it.
 */
#ifndef PBRUN_CMD_NOTICES_H
#define PBRUN_CMD_NOTICES_H

#include "shadowdb.h"

/* One line for each on standard error, as a warning. 0 or -errno. */
must_check int notices_print(const struct shadowdb *db);

#endif
