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

/* Its binary logarithm. */
static inline unsigned int page_shift(void)
{
	return (unsigned int)__builtin_ctzll(page_bytes());
}

#endif
