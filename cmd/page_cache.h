/*
 * page_cache.h - which recorded pages are in memory, and taking them out of it.
 */
#ifndef PBRUN_PAGE_CACHE_H
#define PBRUN_PAGE_CACHE_H

#include "pageset.h"

/*
 * How many of the recorded pages of a file are in memory. 0 for a file that cannot be read, or if nothing
 * tells. For a file that is not the user's own, to ask may begin to read what is not there (resident.h).
 */
uint64_t page_cache_count(const struct pageset_file *file);

/*
 * Takes the files out of memory, as far as they are clean and nobody has them mapped (POSIX_FADV_DONTNEED,
 * posix_fadvise(2)).
 */
void page_cache_evict(const struct pageset *files);
void page_cache_evict_file(const char *path);

/*
 * Takes directory entries and inodes out of memory, which root may (drop_caches, proc_sys_vm(5)), and the
 * blocks of the device of path that hold them. False: it was not permitted.
 */
bool page_cache_evict_names(const char *path);

#endif
