/*
 * record_file.h - files that hold a record: exported ones, shadows, and what is said of files that are left
 * out.
 */
#ifndef PBRUN_RECORD_FILE_H
#define PBRUN_RECORD_FILE_H

#include "exchange.h"

/* Reads the record at path ("-": standard input), a shadow file as well; complains as "pbrun: what: ...".
 * Returns 0, or the exit status of a failure. */
int read_record_file(const char *what, const char *path, struct portable *ret_portable);

/* Writes data to path, whole or not at all; path NULL or "-": to standard output, unless that is a terminal.
 * Returns the exit status. */
int write_record_file(const char *what, const char *path, const void *data, size_t size);

/* Says on standard error which files are left out, and why. */
extern const struct exchange_listener tell_left_out;

/* "12 files, 345 pages, 6 names; 2 files left out" on standard error. */
void tell_count(const struct exchange_count *count);

#endif
