/*
 * huge.h - brings a part of a file into memory as one huge folio, which the kernel then maps by one fault
 * instead of one for each 64 KiB, in whichever program. No privilege is needed.
 *
 * A fault in a mapping with MADV_HUGEPAGE reads the whole window of the size of a huge page in which it lies,
 * into one folio if none of its pages is in memory, the file system has large folios, and memory is not
 * short; else into small ones (mm/filemap.c: do_sync_mmap_readahead(), mm/readahead.c:
 * page_cache_ra_order()).
 */
#ifndef PBRUN_HUGE_H
#define PBRUN_HUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Has the window of the regular file open at fd that begins at offset read, and waits for it as a read(2)
 * would; a page that is in memory is left as it is, and nothing is read. 0, or -errno: of mmap(2), of
 * madvise(2)
 * (-EINVAL: no such pages in this kernel, or no MADV_POPULATE_READ, which is older than large folios;
 * -EFAULT: the file is shorter by now, or the disk has failed).
 */
int huge_read(int fd, off_t offset);

/* May there be any? /sys/kernel/mm/transparent_hugepage/enabled is there and not "never". root is "", or for
 * tests a directory that holds sys/. */
bool huge_is_enabled(const char *root);

/* Has a kernel of this release ("6.18.1-foo") large folios on file systems of this type? ext4 since
 * Linux 6.16, XFS since 5.18. Of others that is not known. */
bool huge_is_known_by(const char *release, const char *type);

/* The same of the kernel that runs. */
bool huge_is_known(const char *type);

#endif
