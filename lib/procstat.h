/*
 * procstat.h - what a process has cost so far: /proc/PID/stat, /proc/PID/io (proc(5)).
 */
#ifndef PBRUN_PROCSTAT_H
#define PBRUN_PROCSTAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

/* False if there is no /proc, or one of another PID namespace, where the numbers stand for others. */
bool procstat_proc_is_ours(void);

struct procstat {
	uint64_t major_faults; /* of the process and its awaited children */
	uint64_t read_bytes;   /* that they caused to be read from storage */
};

/* Fills in what can be read; the rest is 0. 0, or -errno if nothing can. */
must_check int procstat_read(pid_t pid, struct procstat *ret_stat);

#endif
