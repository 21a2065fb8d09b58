/*
 * verbose.h - the line of --verbose.
 */
#ifndef PBRUN_VERBOSE_H
#define PBRUN_VERBOSE_H

#include "account.h"

/* Of a launch, with its newline, to be freed; NULL: out of memory:
 *     pbrun: firefox: 113 MiB in 1,240 pieces asked for in 64 ms, 97 % used; 12 faults waited for the disk
 */
char *verbose_line(const struct account *account, const char *program);

#endif
