/*
 * resident.h - is a page of a file in memory? The one probe for all who ask.
 *
 * What works where, on Linux 6.18:
 *
 *     preadv2(2) with RWF_NOWAIT   tells everybody, but overlayfs, squashfs, tmpfs, FUSE do not know it
 *     mincore(2) of a mapping      honest only to who owns the file or may write to it: else it says "all"
 *     cachestat(2)                 the same people; else EPERM; on overlayfs it sees nothing
 *     ru_inblock of getrusage(2)   after the fact: did this thread have anything read from a disk?
 *     ru_nvcsw of getrusage(2)     after the fact: did this thread wait?
 */
#ifndef PBRUN_RESIDENT_H
#define PBRUN_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

enum resident {
	RESIDENT_NO,
	RESIDENT_YES,
	RESIDENT_UNKNOWN, /* nothing tells without waiting */
};

/*
 * Looks at one page of the regular file open at fd, without waiting for its data. Where RWF_NOWAIT is known
 * the kernel may begin to read the page (since Linux 5.10). A file system that is memory: yes.
 */
enum resident resident_look(int fd, uint64_t page_index);

/* How much, in any unit, the calling thread has had read from disks. The same before and after a
 * readahead(2): all was there or on its way, or the file lies on no disk. */
uint64_t resident_disk_reads(void);

/* Does this kernel count them (CONFIG_TASK_IO_ACCOUNTING)? */
bool resident_counts_disk_reads(void);

/* Where a file lies, for resident_read(). */
enum resident_medium {
	RESIDENT_DISK,  /* what is read from it is counted */
	RESIDENT_OTHER, /* a network, say */
};

/* Reads a byte of the page. True if it was there: nothing was read from the disk for it; or, if there is
 * none, the thread did not have to wait for anything. Else it has been read now, however long that took. */
bool resident_read(int fd, uint64_t page_index, enum resident_medium medium);

#endif
