/*
 * replace.h - a file is written beside the one that it replaces, and takes its place when it is whole.
 */
#ifndef PBRUN_REPLACE_H
#define PBRUN_REPLACE_H

#include <stdbool.h>

#include "sys/cleanup.h"

struct replacement {
	char *path;      /* of the file to be */
	char *temporary; /* beside it; NULL: it is in place, or was never made */
	int fd;          /* for reading and writing; -1: none */
};

/* Begins a file that is to be path; one that is there stays until replacement_commit(). 0 or -errno. self is
 * released in any case: what was not committed is removed then. */
must_check int replacement_begin(struct replacement *self, const char *path);
void replacement_release(struct replacement *self);

enum replacement_times { REPLACEMENT_NEW_TIMES, REPLACEMENT_KEEP_TIMES };

/* Gives the new file the owner, the mode and the extended attributes of the file at like_fd, and its times
 * where that is asked for. 0 or -errno: something could not be kept. */
must_check int replacement_take_after(const struct replacement *self, int like_fd,
				      enum replacement_times times);

/* Writes data to it. 0 or -errno. */
must_check int replacement_write(const struct replacement *self, const void *data, size_t size);

/* fsync(2), and rename(2) over what is there. 0 or -errno. */
must_check int replacement_commit(struct replacement *self);

#endif
