/*
 * picture.h - the FILE of --svg.
 */
#ifndef PBRUN_PICTURE_H
#define PBRUN_PICTURE_H

#include <stdio.h>

struct picture {
	const char *what; /* the command, for complaints */
	const char *path;
	FILE *stream; /* NULL: it could not be opened */
};

/* Before work that would be in vain: is there no way that path can be written? 0, or 1 after a complaint. */
int picture_check(const char *what, const char *path);
/* "-" is standard output. 0, or 1 after a complaint. */
int picture_open(struct picture *self, const char *what, const char *path);
/* Writes what was printed. The exit status; 1 also if it had not been opened, or after a complaint. */
int picture_close(struct picture *self);
void picture_release(struct picture *self);

#endif
