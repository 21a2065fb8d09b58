/*
 * procfs.h - the files of /proc/PID and /proc/TID (proc(5)). Whatever else reads there uses this module.
 *
 * Ask by the id of a task: of a leader that exited before its threads, /proc tells nothing any more.
 */
#ifndef PBRUN_PROCFS_H
#define PBRUN_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cleanup.h"

/* False if there is no /proc, or one of another PID namespace, where the numbers stand for others. */
bool procfs_is_ours(void);

/* /proc/PID/NAME for reading: a descriptor (O_CLOEXEC), or -errno of open(2). */
must_check int procfs_open(pid_t pid, const char *name);

/* The beginning of /proc/PID/NAME, size - 1 bytes at most, terminated. Their number, or -errno. */
must_check ssize_t procfs_read(pid_t pid, const char *name, char *ret_text, size_t size);

/* What the link /proc/PID/NAME says, terminated, in ret_path (PATH_MAX). Its length; -errno of readlink(2),
 * -ENAMETOOLONG. */
must_check ssize_t procfs_read_link(pid_t pid, const char *name, char *ret_path);

/* Does /proc/PID/NAME lead to the same object (device and inode) as path? False also if it cannot be told. */
bool procfs_is_same(pid_t pid, const char *name, const char *path);

/* From /proc/TID/status. */
struct procfs_status {
	pid_t tgid;
	pid_t parent_pid;
	pid_t tracer_tid; /* 0: nobody */
	size_t n_threads;
	bool has_seccomp_filter;  /* true also when in doubt */
	size_t n_seccomp_filters; /* 0 also before Linux 5.9, which does not say */
	uint64_t caught_signals;  /* for which there are handlers: a bit each, the lowest one is signal 1 */
};
must_check int procfs_read_status(pid_t tid, struct procfs_status *ret_status);

/* What the task does, as proc_pid_stat(5) names it: 'R', 'S', 'Z' ...; 0: it is not there. */
char procfs_read_state(pid_t tid);

/* How many PID namespaces the task's own one is below ours; 0 also before Linux 4.1, which does not say. */
size_t procfs_pid_level(pid_t tid);

/* The number of the task in the PID namespace so far below ours, of those that it is in. 0: it has none. */
pid_t procfs_number_at(pid_t tid, size_t level);

/* How long the task has been running on a CPU, /proc/TID/schedstat; 0: not known. */
uint64_t procfs_on_cpu_ns(pid_t tid);

/* The position of a descriptor, /proc/TID/fdinfo/FD; -1: not known. */
int64_t procfs_read_position(pid_t tid, int fd);

/* A value of the task's auxiliary vector, getauxval(3). 0: there is none. */
uint64_t procfs_read_auxv(pid_t tid, unsigned long type);

/* A number that another exec(2) of the process changes, if addresses are random (a checksum of its auxiliary
 * vector). 0: it is gone, may not be read, or is just executing. */
uint64_t procfs_exec_mark(pid_t pid);

/* The thread IDs of a process, n_max at most. Returns how many. */
size_t procfs_read_threads(pid_t pid, pid_t *ret_tids, size_t n_max);

/* The processes whose parent is one of its threads, n_max at most. Their number; 0 also if the kernel does
 * not say (CONFIG_PROC_CHILDREN). */
size_t procfs_read_children(pid_t pid, pid_t *ret_pids, size_t n_max);

/* What a process has cost so far, /proc/PID/stat and io. */
struct procfs_cost {
	uint64_t major_faults; /* of the process and its awaited children */
	uint64_t read_bytes;   /* that they caused to be read from storage */
	bool knows_read_bytes; /* /proc/PID/io could be read */
};

/* Fills in what can be read; the rest is 0. 0, or -errno if nothing can. */
must_check int procfs_read_cost(pid_t pid, struct procfs_cost *ret_cost);

#endif
