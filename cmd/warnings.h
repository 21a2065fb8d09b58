/*
 * warnings.h - what is to be told, kept until somebody can tell it.
 */
#ifndef PBRUN_WARNINGS_H
#define PBRUN_WARNINGS_H

#include <stddef.h>

#define WARNINGS_MAX 8

struct warnings {
	char *texts[WARNINGS_MAX]; /* without "pbrun: warning: " and newline */
	size_t n;
};

/* What does not fit any more, or finds no memory, is lost. */
__attribute__((format(printf, 2, 3))) void warnings_add(struct warnings *self, const char *format, ...);

/* Forgets all from number first on. */
void warnings_drop(struct warnings *self, size_t first);

/* Tells all from number first on at fd, as text_printable() makes them. A reader that does not read is waited
 * for a moment only. */
void warnings_tell(const struct warnings *self, size_t first, int fd);

/* The same to standard error, and releases them. */
void warnings_finish(struct warnings *self);

#endif
