/*
 * bench.h - what --benchmark measured, and how it is told.
 */
#ifndef PBRUN_BENCH_H
#define PBRUN_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "terminal.h"

#define BENCH_MAX_RUNS 100
#define BENCH_MAX_STAYED 8

enum bench_way {
	BENCH_COLD,       /* nothing in memory, without pbrun */
	BENCH_PBRUN,      /* nothing in memory, through pbrun */
	BENCH_WARM,       /* all in memory, without pbrun */
	BENCH_WARM_PBRUN, /* all in memory, through pbrun */
	N_BENCH_WAYS
};

/* A file of which something stayed in memory. */
struct bench_stayed {
	char *path;
	uint64_t bytes;
};

struct bench {
	const char *program; /* canonical path */
	char *const *command;
	uint64_t times_ns[N_BENCH_WAYS][BENCH_MAX_RUNS];
	size_t n_runs; /* of each way */
	size_t n_files;
	uint64_t needed_bytes;
	uint64_t stayed_bytes;                        /* of these: could not be evicted */
	struct bench_stayed stayed[BENCH_MAX_STAYED]; /* the largest first */
	size_t n_stayed;
	bool evicts_names;
	double load; /* processes that ran or waited for a disk, before the first start (getloadavg(3)) */
	long n_cpus;
	int status; /* the program's last wait status that was not 0 */
};

enum bench_verdict {
	BENCH_NO_WAIT, /* a cold start takes hardly longer than a warm one */
	BENCH_NOTHING, /* no difference that is larger than the spread */
	BENCH_GAIN,
	BENCH_LOSS,
};

/* Median and half the distance of the quartiles, in seconds. */
struct bench_figure {
	double median;
	double spread;
};

struct bench_result {
	struct bench_figure ways[N_BENCH_WAYS];
	double saving; /* seconds of a cold start; negative: it takes longer */
	double share;  /* of what a cold start takes longer than a warm one; 0 if that is nothing */
	enum bench_verdict verdict;
};

struct bench_result bench_judge(const struct bench *bench);

/* One sentence, to be freed; NULL: out of memory. */
char *bench_sentence(const struct bench_result *result);

extern const char *const bench_way_titles[N_BENCH_WAYS];

/* A table, and the sentence. 0 or -ENOMEM. */
int bench_print(const struct bench *bench, const struct terminal *terminal)
	__attribute__((warn_unused_result));
void bench_print_json(const struct bench *bench, FILE *stream);
void bench_draw(const struct bench *bench, FILE *stream);

#endif
