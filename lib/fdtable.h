/*
 * fdtable.h - this process's table of open files.
 */
#ifndef PBRUN_FDTABLE_H
#define PBRUN_FDTABLE_H

#include <stddef.h>

/* How many descriptors this process may have: RLIMIT_NOFILE. */
size_t fdtable_limit(void);

/*
 * Makes the table large enough for n descriptors, to be called while there is one thread. In a process with
 * threads the kernel would wait at each doubling until no other thread can still be looking at the old table
 * (expand_fdtable() in fs/file.c: synchronize_rcu()), 20 ms during which nothing is opened.
 */
void fdtable_widen(size_t n);

#endif
