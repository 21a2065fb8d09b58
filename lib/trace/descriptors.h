/*
 * descriptors.h - what the descriptors of a traced process are known to be open on, so that /proc is asked
 * once for each.
 *
 * The caller sees each system call, and forgets what is closed. Descriptors that are closed unseen, perhaps
 * by another process that has them in common (CLONE_FILES), are never known.
 */
#ifndef PBRUN_DESCRIPTORS_H
#define PBRUN_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/known_files.h"

#define DESCRIPTORS_N 256 /* higher ones are not remembered */

enum descriptor_kind {
	DESCRIPTOR_UNKNOWN,
	DESCRIPTOR_FILE,   /* a regular file that we can find, too */
	DESCRIPTOR_STREAM, /* without a path: a pipe, a socket, an event counter */
	DESCRIPTOR_OTHER,
};

struct descriptor {
	enum descriptor_kind kind;
	struct known_file *file; /* of a DESCRIPTOR_FILE, else NULL */
};

/* Zeroed it knows none. */
struct descriptors {
	struct descriptor known[DESCRIPTORS_N];
	bool is_given_up;
};

struct descriptor descriptors_get(const struct descriptors *self, int64_t fd);
void descriptors_set(struct descriptors *self, int64_t fd, struct descriptor descriptor);
void descriptors_forget(struct descriptors *self, int64_t fd);
void descriptors_forget_all(struct descriptors *self);

/* From now on they may be closed unseen. */
void descriptors_give_up(struct descriptors *self);
/* From now on, after an exec, nobody else has them. */
void descriptors_start_anew(struct descriptors *self);

#endif
