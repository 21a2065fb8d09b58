/*
 * far_mounts.h - which network and FUSE file systems answer. Asked by processes that can be killed.
 *
 * A lookup that never ends can only be killed, with its whole process. As long as it is not, all others who
 * look up the same name wait for it in a way that nothing ends, not even SIGKILL (fs/dcache.c:
 * d_alloc_parallel()): if a thread of pbrun's looks up on a hung file system what the program asks for, too,
 * Ctrl-C does not end the program any more. So, before a thread looks something up there, the directory on
 * which the file system is mounted is asked for, by a process that is killed when it gets no answer in time.
 */
#ifndef PBRUN_FAR_MOUNTS_H
#define PBRUN_FAR_MOUNTS_H

#include <stdbool.h>

#include "sys/mounts.h"

/* For the answer of one, which is asked for once. */
#define FAR_MOUNTS_PATIENCE_MS 300

/* Threads may use it at the same time. */
struct far_mounts {
	struct mounts mounts;
	_Atomic(unsigned char) answers[MOUNTS_MAX]; /* private */
};

/* With the mounts of this process, or none if they cannot be read. NULL: no memory. */
struct far_mounts *far_mounts_new(void);
void far_mounts_free(struct far_mounts *self);

/* May an absolute path be looked up, if no symbolic link is in it? False: it lies on a file system that did
 * not answer. Waits FAR_MOUNTS_PATIENCE_MS at most. */
bool far_mounts_answer(struct far_mounts *self, const char *path);

/* The same of a path in which there may be links. If there are, false, too, if any file system does not
 * answer. Waits that long for each, and for the disks on which the path lies. */
bool far_mounts_answer_beyond(struct far_mounts *self, const char *path);

/* Forgets who did not answer. */
void far_mounts_ask_again(struct far_mounts *self);

/*
 * Does the file system that is mounted on the directory path tell what that directory is, within timeout_ms?
 * Any answer will do, an error, too. Waits so long at most. The process that it makes sends no signal when it
 * ends, and is reaped, unless it cannot be killed. True, too, if there is no process to be had.
 */
bool far_mounts_ask(const char *path, unsigned int timeout_ms);

#endif
