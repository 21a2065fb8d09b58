/*
 * report_file.h - where --report goes.
 *
 * A file is opened and written in the observer, by a thread that is waited for with a bound: the program
 * starts and ends also if the file is on a file system that does not answer.
 */
#ifndef PBRUN_REPORT_FILE_H
#define PBRUN_REPORT_FILE_H

#include <stdbool.h>

#include "sys/cleanup.h"

struct report_file {
	const char *name; /* a path, "-" (standard error) or "fd:N"; NULL: no report is wanted */
	int base_fd;      /* the directory that a path is relative to; -1: there is none */
	int fd;           /* where to write to; -1: not open */
	struct report_file_deed *opening; /* private: by a thread that is still at it */
};

/* Does name begin with "fd:", and no number of a descriptor follows? */
bool report_file_has_wrong_number(const char *name);

/* In the launcher, before the split: fills self. 0; -EBADF: there is no such descriptor. The observer is to
 * keep base_fd and fd. */
must_check int report_file_prepare(struct report_file *self, const char *name);

/* In the observer. 0, also if it takes longer than REPORT_FILE_OPEN_MS, and goes on; -errno of open(2). */
must_check int report_file_open(struct report_file *self);
#define REPORT_FILE_OPEN_MS 200

/* Is it open, or about to be? */
bool report_file_awaits_text(const struct report_file *self);

/* Writes text and closes fd. 0; -errno of open(2), write(2), close(2); -EINPROGRESS: to open the file and to
 * write it takes longer than REPORT_FILE_WRITE_MS. */
must_check int report_file_write(struct report_file *self, const char *text);
#define REPORT_FILE_WRITE_MS 500

/* What is wrong. */
const char *report_file_explain(int error);

#endif
