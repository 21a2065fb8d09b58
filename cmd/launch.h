/*
 * launch.h - pbrun's main job: become the program, and leave an observer behind.
 */
#ifndef PBRUN_LAUNCH_H
#define PBRUN_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "policy.h"

struct launch_options {
	const char *dir;  /* of the shadow files; NULL: there is none */
	const char *home; /* in which that is, and which is to be there (directory.h); NULL: not asked */
	const char *why_no_dir;      /* NULL: no memory */
	const char *profile;         /* NULL: the one the program has by its name */
	const char *report;          /* path; NULL: none */
	const struct config *config; /* what the command line says; the files are read by launch() */
	const char *name;            /* what to look up; NULL: argv[0] */
	char *argv0;                 /* what the program gets as its name; NULL: argv[0] as it is */
	enum policy_mode mode;
	uint32_t window_ms;
	bool prefetches;
	bool verbose;
	bool is_disabled; /* just exec */
};

struct arguments;

/* By options and environment, but for dir and what the command itself sets; wrong_use() of a value that
 * cannot be. */
struct launch_options launch_options_of(const struct arguments *arguments);

/* Becomes the program, or says why it cannot and exits with 126 or 127. argv ends with NULL, and its
 * strings may be replaced. */
__attribute__((noreturn)) void launch(char *argv[], const struct launch_options *options);

#endif
