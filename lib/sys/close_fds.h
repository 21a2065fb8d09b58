/*
 * close_fds.h - closes what a process inherited.
 *
 * A descriptor that is left open matters: the reader of a pipe waits for its last writer. So where
 * close_range(2) is refused (a kernel before 5.9, a seccomp filter), each one is closed by itself.
 */
#ifndef PBRUN_CLOSE_FDS_H
#define PBRUN_CLOSE_FDS_H

#include <stddef.h>

/*
 * Closes all descriptors from first on, but for kept_fds (in any order, each at least 0). No memory is
 * allocated, and errno is left alone. Which ones are open is read in /proc/self/fd. Without /proc, those
 * below RLIMIT_NOFILE are closed, but at least CLOSE_FDS_MIN_BLIND and at most CLOSE_FDS_MAX_BLIND of them.
 */
void close_fds_from(unsigned int first, const int *kept_fds, size_t n_kept_fds);

#define CLOSE_FDS_MIN_BLIND 65536u
#define CLOSE_FDS_MAX_BLIND 1048576u

#endif
