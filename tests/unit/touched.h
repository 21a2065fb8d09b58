/*
 * touched.h - a file mapped into the test's own address space, and what the kernel says of its pages.
 */
#ifndef PBRUN_TEST_TOUCHED_H
#define PBRUN_TEST_TOUCHED_H

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "support.h"
#include "sys/cleanup.h"
#include "sys/page.h"
#include "sys/pagemap.h"

enum { TOUCHED_PAGES = 64 };

/* Open as uffd.h says; -1: not on this kernel, or not for this user. */
static inline int touched_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = 1 << 15 /* UFFD_FEATURE_WP_ASYNC */ };
	cleanup_close int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	return uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0 ? take_fd(uffd) : -1;
}

static inline bool can_be_exact(void)
{
	cleanup_close int uffd = touched_uffd();

	return uffd >= 0;
}

/* "mapped" in the scratch directory: its last page is half a one. */
static inline void touched_write_file(void)
{
	cleanup_free char *data = calloc(TOUCHED_PAGES, page_bytes());

	ck_assert_ptr_nonnull(data);
	write_file("mapped", data, TOUCHED_PAGES * page_bytes() - page_bytes() / 2, 0644);
}

struct touched {
	uint64_t start;
	uint64_t end;
};

static inline struct touched touched_map(int flags)
{
	size_t size = TOUCHED_PAGES * page_bytes();

	touched_write_file();
	cleanup_close int fd = open("mapped", O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, size, PROT_READ, flags, fd, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	return (struct touched){ (uint64_t)(uintptr_t)map, (uint64_t)(uintptr_t)map + size };
}

static inline void touched_touch(const struct touched *self, uint64_t page)
{
	(void)*(const volatile char *)(uintptr_t)(self->start + page * page_bytes());
}

static inline int touched_add_run(uint64_t start, uint64_t end, void *context)
{
	*(uint64_t *)context += (end - start) / page_bytes();
	return 0;
}

static inline uint64_t touched_count(const struct touched *self)
{
	uint64_t n = 0;
	cleanup_close int fd = pagemap_open(getpid());

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pagemap_scan(fd, self->start, self->end, touched_add_run, &n), 0);
	return n;
}

#endif
