/* page.h - the size of a page on this machine (sysconf(3), _SC_PAGESIZE). */
#ifndef PBRUN_PAGE_H
#define PBRUN_PAGE_H

#include <stdint.h>
#include <unistd.h>

/* In bytes. */
static inline uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* How many pages so many bytes fill, the last one perhaps in part. */
static inline uint64_t page_count(uint64_t n_bytes)
{
	return n_bytes / page_bytes() + (n_bytes % page_bytes() != 0);
}

/* Its binary logarithm. */
static inline unsigned int page_shift(void)
{
	return (unsigned int)__builtin_ctzll(page_bytes());
}

/* What one entry of the second level of a page table covers, in bytes: the size of a huge page. */
static inline uint64_t page_huge_bytes(void)
{
	return page_bytes() / sizeof(uint64_t) * page_bytes();
}

#endif
