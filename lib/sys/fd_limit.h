/*
 * fd_limit.h - this process's table of open files.
 */
#ifndef PBRUN_FD_LIMIT_H
#define PBRUN_FD_LIMIT_H

#include <stddef.h>

/* How many descriptors this process may have: RLIMIT_NOFILE. */
size_t fd_limit_get(void);

/*
 * Makes the table large enough for n descriptors, to be called while there is one thread. In a process with
 * threads the kernel would wait at each doubling until no other thread can still be looking at the old table
 * (expand_fdtable() in fs/file.c: synchronize_rcu()), 20 ms during which nothing is opened.
 */
void fd_limit_widen(size_t n);

#endif
