/*
 * operand_targets.h - the files and directories that the operands of a start (operands.h) turned out to be.
 */
#ifndef PBRUN_OPERAND_TARGETS_H
#define PBRUN_OPERAND_TARGETS_H

#include "operands.h"

enum operand_kind {
	OPERAND_MISSING,   /* there is nothing of that name, or something that is neither of these */
	OPERAND_FILE,      /* a regular file */
	OPERAND_DIRECTORY, /* and what lies below is named with it */
};

/* One name. An operand that is reached by a symbolic link has two. */
struct operand_target {
	char *path; /* absolute */
	enum operand_kind kind;
	uint8_t code;     /* as in struct operand */
	struct fileid id; /* of a file, without a build-id; size 0: not known, or the file is empty */
};

struct operand_targets {
	struct operand_target *items; /* by path, no path twice, after operand_targets_sort() */
	size_t n;
	size_t n_allocated;   /* private */
	size_t n_directories; /* private: counted by operand_targets_sort() */
};

enum operand_look {
	OPERAND_LOOK_AT_NOTHING, /* no call: names alone, of which each may be a directory */
	OPERAND_LOOK_IN_MEMORY,  /* only what the kernel can tell without asking a file system */
	OPERAND_LOOK_AND_WAIT,   /* for as long as it takes: for a thread that nobody waits for */
};

/*
 * Adds what the operand at path is: under path as it is written, and under the canonical path of what is
 * there. Nothing is opened for reading, and nothing below /proc, /sys and /dev is looked at. 0; -EAGAIN: to
 * tell it takes more than memory (OPERAND_LOOK_IN_MEMORY); -ENOMEM.
 */
must_check int operand_targets_add(struct operand_targets *self, const char *path, uint8_t code,
				   enum operand_look look);

/* Adds copies of those of other. 0 or -ENOMEM. */
must_check int operand_targets_join(struct operand_targets *self, const struct operand_targets *other);

/* To be called after the last was added, and before the calls that follow. Of one path with several codes,
 * that of a profile wins. */
void operand_targets_sort(struct operand_targets *self);

/* The one with that path, or NULL. */
const struct operand_target *operand_targets_find(const struct operand_targets *self, const char *path);

/* Is path named, itself or by a directory above it? Its code, PAGESET_NO_OPERAND if not. The root directory
 * names nothing but itself. */
uint8_t operand_targets_code(const struct operand_targets *self, const char *path);

/*
 * Marks the files of seen that are named. Code that was mapped is the program's even below a directory that
 * is named, and program itself always.
 */
void operand_targets_mark(const struct operand_targets *self, const char *program, struct pageset *seen);

void operand_targets_release(struct operand_targets *self);

#endif
