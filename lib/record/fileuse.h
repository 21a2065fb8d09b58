/*
 * fileuse.h - what a system call of a traced program says about files: opened, read at which offsets,
 * looked up, listed, mapped. read(2) and lookups never show in a pagemap.
 *
 * The caller stops at the entry and at the exit of each call and keeps the entry's number and
 * arguments in struct task.
 */
#ifndef PBRUN_FILEUSE_H
#define PBRUN_FILEUSE_H

#include "trace/proctree.h"

struct fileuse {
	struct pageset *pageset;
	uint64_t n_new;        /* counts up with each new file, access or page */
	uint64_t n_uses;       /* and with each call that names, reads, maps or lists a file */
	size_t n_files_left;   /* how many more files may be noted ... */
	size_t n_lookups_left; /* ... and of them because they were only looked up */
};

#define FILEUSE_MAX_FILES 25000
#define FILEUSE_MAX_LOOKUPS 20000

/* Is it a call that reads a descriptor which is known to be a regular file, a pipe or a socket? */
bool fileuse_is_plain_read(const struct process *process, uint64_t nr, const uint64_t *args);

/* Is the task in a call that waits for nothing but a disk, if for anything? */
bool fileuse_is_disk_call(const struct task *task);

/* At a call's entry, where waiting for its end would be too late: what is unmapped or closed. 0 or
 * -ENOMEM. */
must_check int fileuse_entry(struct fileuse *self, struct task *task, uint32_t now_us);

/* Does the exit of the call that the task has entered say anything? */
bool fileuse_wants_exit(const struct task *task);

/* At a call's exit, where it is wanted. 0 or -ENOMEM; what cannot be found out is passed over. */
must_check int fileuse_exit(struct fileuse *self, struct task *task, int64_t result, uint32_t now_us);

#endif
