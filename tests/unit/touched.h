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

static inline int touched_add_run(uint64_t start, uint64_t end, enum pagemap_kind kind, void *context)
{
	(void)kind;
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

/*
 * The same, of a file of three huge pages that is in memory as huge folios, aligned so that each can be
 * mapped as a whole. False: not to be had, on this file system or kernel.
 */
static inline bool touched_map_huge(struct touched *ret_touched)
{
	size_t huge_bytes = page_huge_bytes(), size = 3 * huge_bytes;
	cleanup_close int fd = open("huge", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	/* Huge pages of large pages would fill the memory. */
	if (huge_bytes > 4 << 20 || posix_fallocate(fd, 0, (off_t)size) != 0)
		return false;
	for (size_t i = 0; i < size; i += page_bytes())
		ck_assert_int_eq(pwrite(fd, "x", 1, (off_t)i), 1);
	ck_assert_int_eq(fsync(fd), 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	char *room = mmap(NULL, size + huge_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(room, MAP_FAILED);
	room += huge_bytes - (uintptr_t)room % huge_bytes;
	for (int way = 0; way < 2; way++) {
		ck_assert_ptr_ne(mmap(room, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), MAP_FAILED);
		for (size_t i = 0; way == 0 && madvise(room, size, MADV_HUGEPAGE) == 0 && i < 3; i++)
			(void)*(volatile char *)(room + i * huge_bytes);
	}
	*ret_touched = (struct touched){ (uint64_t)(uintptr_t)room, (uint64_t)(uintptr_t)room + size };
	touched_touch(ret_touched, 0);
	return touched_count(ret_touched) >= huge_bytes / page_bytes();
}

#endif
