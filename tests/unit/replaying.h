/*
 * replaying.h - files on a disk, a plan of them, and whether it comes into memory.
 */
#ifndef PBRUN_TEST_REPLAYING_H
#define PBRUN_TEST_REPLAYING_H

#include "readahead.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "support.h"
#include "sys/page.h"
#include "sys/pagemap.h"
#include "sys/resident.h"

enum { FILE_PAGES = 64 };

static struct pageset pageset;
static struct plan plan;
static struct readahead_stats stats;

static inline void evict(const char *name)
{
	int fd = open(scratch_path(name), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	evict_file(fd);
	close(fd);
}

static inline bool is_resident(const char *name, uint64_t page_index)
{
	int fd = open(scratch_path(name), O_RDONLY | O_CLOEXEC);
	size_t size = FILE_PAGES * page_bytes();
	unsigned char vector[FILE_PAGES];
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mincore(map, size, vector), 0);
	munmap(map, size);
	close(fd);
	return vector[page_index] & 1;
}

/* What was asked for need not have arrived yet. */
static inline bool becomes_resident(const char *name, uint64_t page_index)
{
	for (int i = 0; i < 1000; i++) {
		if (is_resident(name, page_index))
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return false;
}

static inline void write_pages(const char *name)
{
	char *data = calloc(FILE_PAGES, page_bytes());
	FILE *stream = fopen(scratch_path(name), "we");

	ck_assert_ptr_nonnull(data);
	ck_assert_ptr_nonnull(stream);
	ck_assert_uint_eq(fwrite(data, page_bytes(), FILE_PAGES, stream), FILE_PAGES);
	ck_assert_int_eq(fclose(stream), 0);
	free(data);
}

static inline struct pageset_file *add(const char *name, unsigned int access)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&pageset, scratch_path(name), 0, &file), 0);
	file->access = (uint8_t)access;
	return file;
}

/* A recorded file as it is on disk now, cold. */
static inline struct pageset_file *add_cold_file(const char *name)
{
	struct pageset_file *file = add(name, PAGESET_MAPPED);
	struct stat st;

	write_pages(name);
	evict(name);
	ck_assert_int_eq(stat(scratch_path(name), &st), 0);
	file->id = fileid_from_stat(&st);
	return file;
}

static inline void add_pages(struct pageset_file *file, uint64_t first_page, uint64_t n_pages)
{
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ first_page, n_pages, 0, 0 }), 0);
}

static inline void make_plan(void)
{
	static const struct plan_shape shape = { .piece_pages = 32 };
	static const struct plan_options options = { .shapes = &shape, .budget_pages = 1 << 20 };

	plan_release(&plan);
	ck_assert_int_eq(plan_build(&pageset, &options, &plan), 0);
}

static inline void run(unsigned int n_threads)
{
	struct readahead_stats validated;

	make_plan();

	struct readahead *self = readahead_start(&plan, n_threads, 0);

	ck_assert_ptr_nonnull(self);
	ck_assert(readahead_wait_validated(self, 10000, &validated));
	readahead_finish(self, &stats, NULL);
	ck_assert_uint_eq(validated.stale_files, stats.stale_files);
}

static inline void set_up(void)
{
	scratch_enter_on_disk();
	pageset_init(&pageset);
	plan = (struct plan){ 0 };
}

static inline void tear_down(void)
{
	plan_release(&plan);
	pageset_release(&pageset);
	scratch_leave();
}

static inline void replay(void)
{
	struct readahead *self = readahead_start(&plan, 2, 0);

	ck_assert_ptr_nonnull(self);
	readahead_finish(self, &stats, NULL);
}

/* Pages have to be on a disk, and to leave memory when told to. */
static inline bool can_evict(void)
{
	char path[] = "/var/tmp/check_readahead.XXXXXX";
	cleanup_close int fd = mkstemp(path);

	if (fd < 0)
		return false;
	unlink(path);
	return write(fd, "", 1) == 1 && can_evict_file(fd);
}

#endif
