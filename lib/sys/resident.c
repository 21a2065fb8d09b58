/* resident.c - asks whether a page is in memory, in the way that the file system knows. */
#include "sys/resident.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/page.h"

static bool is_in_memory(int fd)
{
	struct statfs filesystem;

	return fstatfs(fd, &filesystem) == 0 &&
	       (filesystem.f_type == TMPFS_MAGIC || filesystem.f_type == RAMFS_MAGIC ||
		filesystem.f_type == HUGETLBFS_MAGIC);
}

/* 0, 1, or -errno. */
static int mapped_page_is_resident(int fd, uint64_t page_index)
{
	unsigned char state = 0;
	void *page = mmap(NULL, page_bytes(), PROT_READ, MAP_SHARED, fd, (off_t)(page_index << page_shift()));

	if (page == MAP_FAILED)
		return -errno;
	int r = mincore(page, page_bytes(), &state) < 0 ? -errno : state & 1;

	(void)munmap(page, page_bytes());
	return r;
}

/* To whom mincore(2) does not tell the truth, it says that each page is there: also one behind the end. */
static bool is_told_the_truth(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       mapped_page_is_resident(fd, ((uint64_t)st.st_size >> page_shift()) + 1) == 0;
}

enum resident resident_look(int fd, uint64_t page_index)
{
	char byte;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };
	ssize_t n = preadv2(fd, &to, 1, (off_t)(page_index << page_shift()), RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP)
		return n == 1 ? RESIDENT_YES : RESIDENT_NO;
	int r = mapped_page_is_resident(fd, page_index);

	if (r == 0)
		return RESIDENT_NO;
	return (r > 0 && is_told_the_truth(fd)) || is_in_memory(fd) ? RESIDENT_YES : RESIDENT_UNKNOWN;
}

uint64_t resident_disk_reads(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? (uint64_t)usage.ru_inblock : 0;
}

bool resident_counts_disk_reads(void)
{
	return access("/proc/self/io", F_OK) == 0;
}

bool resident_read(int fd, uint64_t page_index, enum resident_medium medium)
{
	struct rusage before = { 0 }, after = { 0 };
	char byte;

	(void)getrusage(RUSAGE_THREAD, &before);
	if (pread(fd, &byte, 1, (off_t)(page_index << page_shift())) != 1)
		return false;
	(void)getrusage(RUSAGE_THREAD, &after);
	return after.ru_inblock == before.ru_inblock &&
	       (medium == RESIDENT_DISK || after.ru_nvcsw == before.ru_nvcsw);
}
