/*
 * scratch.h - a directory for a trial, which goes afterwards.
 */
#ifndef PBRUN_SCRATCH_H
#define PBRUN_SCRATCH_H

/*
 * Makes one that only its owner may enter, in TMPDIR, else in /var/tmp, which is on a disk; what is part of
 * its name. Its path; NULL, with errno.
 */
char *scratch_new(const char *what);
/* Where it makes it. */
const char *scratch_base(void);

/* Removes it with all that is in it, and frees path. NULL: does nothing. */
void scratch_free(char *path);

/* Copies a file, makes the copy executable and has it written to disk: else it could not be evicted. 0 or
 * -errno. */
int scratch_copy(const char *from, const char *to) __attribute__((warn_unused_result));

#endif
