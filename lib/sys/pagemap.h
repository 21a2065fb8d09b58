/*
 * pagemap.h - which pages of an address space are present: /proc/PID/pagemap
 * (Documentation/admin-guide/mm/pagemap.rst). No privilege is needed: only frame numbers are hidden.
 */
#ifndef PBRUN_PAGEMAP_H
#define PBRUN_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cleanup.h"

/*
 * -errno (-ENOENT: no such task; -ESRCH: it has no address space any more; -EACCES), or a descriptor for
 * the functions below (O_RDONLY|O_CLOEXEC on /proc/TID/pagemap).
 */
must_check int pagemap_open(pid_t tid);

/* What a run of pages is. */
enum pagemap_kind {
	PAGEMAP_PAGES, /* each was faulted in, by itself or by fault-around */
	PAGEMAP_HUGE,  /* whole huge pages, each mapped by one fault: at least one page of it was touched */
};

typedef int pagemap_found(uint64_t run_start, uint64_t run_end, enum pagemap_kind kind, void *context);

/*
 * Finds the pages in [start, end) that have been faulted in: present or swapped out. Both count as
 * touched, whether they still are the file's page or have become a private copy. Calls found() for
 * each maximal run of one kind, in rising order, with page-aligned addresses; a non-zero return stops and is
 * returned. Uses the PAGEMAP_SCAN ioctl (since Linux 6.7) where there is one, else reads the entries, which
 * do not tell the kinds apart: all are PAGEMAP_PAGES. Nothing is in a range that ends before it starts. 0 or
 * -errno (an address space that is gone reads as empty: 0).
 */
must_check int pagemap_scan(int pagemap_fd, uint64_t start, uint64_t end, pagemap_found *found,
			    void *context);

#endif
