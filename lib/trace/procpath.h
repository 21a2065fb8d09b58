/*
 * procpath.h - the paths that a traced task names, and those that its descriptors are open on.
 *
 * By the task's id: of a leader that exited before its threads, /proc tells nothing any more.
 */
#ifndef PBRUN_PROCPATH_H
#define PBRUN_PROCPATH_H

#include "trace/proctree.h"

/* Reads a path, as it is, from the task's memory into ret_path (PATH_MAX). False if it cannot be had or is
 * too long. */
bool procpath_read(pid_t tid, uint64_t address, char *ret_path);

/* Where an absolute path begins, which matters for processes with another root directory. */
enum procpath_base {
	PROCPATH_UNKNOWN,        /* there is no path */
	PROCPATH_FROM_ROOT,      /* at the process's root directory: it was given so */
	PROCPATH_FROM_NAMESPACE, /* at the root of its mount namespace, as all that /proc says */
};

/* The same, made absolute; dirfd as in openat(2). PROCPATH_UNKNOWN also if it is empty. */
enum procpath_base procpath_read_absolute(struct process *process, pid_t tid, int dirfd, uint64_t address,
					  char *ret_path);

/* What a descriptor is open on, if that has a path: ret_path (PATH_MAX). */
bool procpath_of_fd(pid_t tid, int fd, char *ret_path);

#endif
