/*
 * doctor.h - what --doctor finds out. Each check adds its findings.
 */
#ifndef PBRUN_DOCTOR_H
#define PBRUN_DOCTOR_H

#include <stddef.h>

#include "command.h"

#define DOCTOR_MAX_FINDINGS 40

enum verdict {
	VERDICT_OK,
	VERDICT_LIMITED, /* pbrun works, and could do more */
	VERDICT_BROKEN,  /* it prefetches nothing, or records nothing */
};

struct finding {
	const char *id; /* a constant, in JSON too */
	enum verdict verdict;
	char *found;         /* what there is */
	const char *meaning; /* a constant: what that means for pbrun */
	const char *advice;  /* a constant: what to do; NULL: nothing */
};

struct doctor {
	const struct arguments *arguments;
	struct finding findings[DOCTOR_MAX_FINDINGS];
	size_t n_findings;
};

/* Adds a finding; what was found comes as in printf(3). */
void doctor_add(struct doctor *self, const struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Kernel, /proc, ptrace, userfaultfd, pagemap, seccomp, large folios. */
void doctor_check_kernel(struct doctor *self);
/* The library that stands in where ptrace is refused: whether it is there, and tells what it should. After
 * doctor_check_kernel(), which knows whether it is needed. */
void doctor_check_agent(struct doctor *self);
/* Environment, store, free space, descriptors, memory. */
void doctor_check_store(struct doctor *self);
/* Disks and file systems of program, libraries, home and store. */
void doctor_check_disks(struct doctor *self);
/* Starts a program through pbrun itself, in training, and looks at the record. */
void doctor_check_trial(struct doctor *self);

#endif
