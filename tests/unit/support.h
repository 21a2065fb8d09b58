/*
 * support.h - what unit tests share: a scratch directory, and saying that something cannot run here.
 */
#ifndef PBRUN_TEST_SUPPORT_H
#define PBRUN_TEST_SUPPORT_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char scratch[sizeof("/var/tmp/pbrun-check-XXXXXX")];

/* In /tmp, or in /var/tmp: the one is often memory, where nothing can be evicted, the other on a disk. */
static inline void scratch_enter_in(const char *parent)
{
	snprintf(scratch, sizeof(scratch), "%s/pbrun-check-XXXXXX", parent);
	if (!mkdtemp(scratch) || chmod(scratch, 0755) != 0 || chdir(scratch) != 0) {
		perror(scratch);
		exit(1);
	}
}

/* Unchecked fixtures: the scratch directory is the working directory, and goes away in any case. */
static inline void scratch_enter(void)
{
	scratch_enter_in("/tmp");
}

static inline void scratch_enter_on_disk(void)
{
	scratch_enter_in("/var/tmp");
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void scratch_leave(void)
{
	if (chdir("/") != 0 || nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		perror(scratch);
}

/* The absolute path of a name in the scratch directory, valid until the next call. */
static inline const char *scratch_path(const char *name)
{
	static char path[PATH_MAX];

	ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", scratch, name), (int)sizeof(path));
	return path;
}

static inline void write_file(const char *path, const void *data, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_msg(fd >= 0, "%s: %m", path);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(close(fd), 0);
}

/* How many of its pages are in memory. */
static inline size_t count_resident(int fd)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st;
	size_t n = 0;

	ck_assert_int_eq(fstat(fd, &st), 0);
	size_t size = (size_t)st.st_size, n_pages = (size + page - 1) / page;
	unsigned char *resident = malloc(n_pages);
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_ptr_nonnull(resident);
	ck_assert_int_eq(mincore(map, size, resident), 0);
	for (size_t i = 0; i < n_pages; i++)
		n += resident[i] & 1;
	munmap(map, size);
	free(resident);
	return n;
}

/* Takes a file out of memory. Pages that somebody has just written or read stay for a moment, and where files
 * lie in memory for ever. */
static inline void evict_file(int fd)
{
	int attempts = 200;

	ck_assert_int_eq(fdatasync(fd), 0);
	do
		ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	while (count_resident(fd) > 0 && attempts-- > 0 && usleep(1000) == 0);
}

/* For main(): can it be taken out of memory? A look starts to read what is missing: a fast disk may be done
 * before it is over. */
static inline bool can_evict_file(int fd)
{
	char byte;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };

	for (int i = 0; i < 100; i++)
		if (fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 &&
		    preadv2(fd, &to, 1, 0, RWF_NOWAIT) < 0)
			return errno == EAGAIN;
	return false;
}

/* How many open files this process has room for before the kernel makes more: proc_pid_status(5). */
static inline unsigned long fd_table_size(void)
{
	unsigned long size = 0;
	char line[256];
	FILE *stream = fopen("/proc/self/status", "re");

	ck_assert_ptr_nonnull(stream);
	while (size == 0 && fgets(line, sizeof(line), stream))
		(void)sscanf(line, "FDSize: %lu", &size);
	fclose(stream);
	return size;
}

/* With "." and "..". */
static inline size_t count_entries(const char *path)
{
	DIR *stream = opendir(path);
	size_t n = 0;

	ck_assert_ptr_nonnull(stream);
	while (readdir(stream))
		n++;
	closedir(stream);
	return n;
}

/* For main(): returns is_possible; says what is left out, which PBRUN_MUST_WORK=1 makes a failure. */
static inline bool can_test(bool is_possible, const char *what)
{
	const char *must_work = getenv("PBRUN_MUST_WORK");

	if (!is_possible) {
		printf("not tested here: %s\n", what);
		if (must_work && strcmp(must_work, "1") == 0)
			exit(1);
	}
	return is_possible;
}

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int n_failed;

	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed ? 1 : 0;
}

#endif
