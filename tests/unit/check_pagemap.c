#include "sys/page.h"
#include "sys/pagemap.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "touched.h"

/* Runs that found() saw, in pages from an origin. */
struct runs {
	uint64_t origin;
	size_t n_runs;
	size_t stop_after;
	struct {
		uint64_t first_page;
		uint64_t n_pages;
		enum pagemap_kind kind;
	} run[1000];
};

static struct runs runs;

static int note_run(uint64_t run_start, uint64_t run_end, enum pagemap_kind kind, void *context)
{
	struct runs *self = context;
	uint64_t page_size = page_bytes();

	ck_assert(run_start < run_end && run_start % page_size == 0 && run_end % page_size == 0);
	ck_assert_uint_lt(self->n_runs, sizeof(self->run) / sizeof(self->run[0]));
	self->run[self->n_runs].first_page = (run_start - self->origin) / page_size;
	self->run[self->n_runs].n_pages = (run_end - run_start) / page_size;
	self->run[self->n_runs].kind = kind;
	self->n_runs++;
	return self->n_runs == self->stop_after ? -ECANCELED : 0;
}

static int scan_fd(int fd, const void *start, uint64_t n_pages)
{
	uint64_t from = (uintptr_t)start;

	runs.origin = from;
	runs.n_runs = 0;
	return pagemap_scan(fd, from, from + n_pages * page_bytes(), note_run, &runs);
}

static int scan(const void *start, uint64_t n_pages)
{
	cleanup_close int fd = pagemap_open(getpid());

	ck_assert_int_ge(fd, 0);
	return scan_fd(fd, start, n_pages);
}

static void assert_run(size_t i, uint64_t first_page, uint64_t n_pages)
{
	ck_assert_uint_lt(i, runs.n_runs);
	ck_assert_uint_eq(runs.run[i].first_page, first_page);
	ck_assert_uint_eq(runs.run[i].n_pages, n_pages);
}

/* A pagemap of our own making, which knows no ioctl: what it is asked with goes by reading. */
static int make_pagemap(const uint64_t *entries, size_t n_entries)
{
	int fd = memfd_create("pagemap", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, entries, n_entries * sizeof(*entries)),
			 (ssize_t)(n_entries * sizeof(*entries)));
	return fd;
}

enum { BY_IOCTL, BY_READING, N_WAYS };

/* Each test has a process of its own, and each process finds out once. */
static void choose_way(int way)
{
	if (way == BY_READING) {
		cleanup_close int fd = make_pagemap((uint64_t[]){ 0 }, 1);

		ck_assert_int_eq(scan_fd(fd, NULL, 1), 0);
	}
}

static char *map(size_t n_pages, int flags, int fd)
{
	char *start = mmap(NULL, n_pages * page_bytes(), PROT_READ | PROT_WRITE, flags, fd, 0);

	ck_assert_ptr_ne(start, MAP_FAILED);
	return start;
}

static char *map_scratch_file(size_t n_pages, int flags)
{
	cleanup_close int fd = open(scratch_path("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)(n_pages * page_bytes())), 0);
	return map(n_pages, flags, fd);
}

static void touch(char *start, uint64_t page)
{
	*(volatile char *)(start + page * page_bytes()) = 1;
}

/* Only a write fault brings in just one page: the kernel maps around a read fault. */
START_TEST(finds_private_copies)
{
	char *start = map_scratch_file(64, MAP_PRIVATE);

	choose_way(_i);
	ck_assert_int_eq(scan(start, 64), 0);
	ck_assert_uint_eq(runs.n_runs, 0);
	touch(start, 0);
	touch(start, 7);
	touch(start, 8);
	touch(start, 63);
	ck_assert_int_eq(scan(start, 64), 0);
	ck_assert_uint_eq(runs.n_runs, 3);
	assert_run(0, 0, 1);
	assert_run(1, 7, 2);
	assert_run(2, 63, 1);
	/* Not beyond the range. */
	ck_assert_int_eq(scan(start, 8), 0);
	ck_assert_uint_eq(runs.n_runs, 2);
	assert_run(1, 7, 1);
}
END_TEST

START_TEST(finds_pages_of_the_file)
{
	char *start = map_scratch_file(1024, MAP_PRIVATE);
	bool is_found = false;

	choose_way(_i);
	ck_assert_int_eq(*(volatile char *)(start + 512 * page_bytes()), 0);
	ck_assert_int_eq(scan(start, 1024), 0);
	for (size_t i = 0; i < runs.n_runs; i++)
		is_found |=
			runs.run[i].first_page <= 512 && runs.run[i].first_page + runs.run[i].n_pages > 512;
	ck_assert(is_found);
}
END_TEST

START_TEST(tells_what_was_mapped_as_a_whole)
{
	struct touched touched = { 0 };
	uint64_t n_huge_pages = page_huge_bytes() / page_bytes();

	if (!touched_map_huge(&touched)) {
		printf("not tested here: %s\n", "huge folios (needs a file system with large folios)");
		return;
	}
	/* The table that is in place of a huge page keeps it from being mapped as a whole. */
	touched_touch(&touched, 1);
	ck_assert_int_eq(mprotect((char *)(uintptr_t)touched.start + page_huge_bytes(), page_bytes(),
				  PROT_READ | PROT_WRITE),
			 0);
	touched_touch(&touched, n_huge_pages);
	ck_assert_int_eq(scan((char *)(uintptr_t)touched.start, 3 * n_huge_pages), 0);
	ck_assert_uint_eq(runs.n_runs, 2);
	assert_run(0, 0, n_huge_pages);
	ck_assert_int_eq(runs.run[0].kind, PAGEMAP_HUGE);
	ck_assert_uint_eq(runs.run[1].first_page, n_huge_pages);
	ck_assert_int_eq(runs.run[1].kind, PAGEMAP_PAGES);
}
END_TEST

START_TEST(finds_more_runs_than_fit_at_once)
{
	enum { N_RUNS = 700 };
	char *start = map_scratch_file(2 * N_RUNS, MAP_PRIVATE);

	choose_way(_i);
	for (uint64_t i = 0; i < N_RUNS; i++)
		touch(start, 2 * i);
	ck_assert_int_eq(scan(start, UINT64_C(2) * N_RUNS), 0);
	ck_assert_uint_eq(runs.n_runs, N_RUNS);
	for (size_t i = 0; i < N_RUNS; i++)
		assert_run(i, 2 * i, 1);
}
END_TEST

START_TEST(joins_runs_across_steps)
{
	/* The pages around 1024 and 1 GiB: where one step ends and the next begins. */
	static const uint64_t steps[] = { 1024, 262144 };
	enum { N_PAGES = 300000 };
	char *start = map(N_PAGES, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	choose_way(_i);
	madvise(start, N_PAGES * page_bytes(), MADV_NOHUGEPAGE);
	for (size_t i = 0; i < 2; i++) {
		touch(start, steps[i] - 1);
		touch(start, steps[i]);
	}
	ck_assert_int_eq(scan(start, N_PAGES), 0);
	ck_assert_uint_eq(runs.n_runs, 2);
	assert_run(0, steps[0] - 1, 2);
	assert_run(1, steps[1] - 1, 2);
}
END_TEST

START_TEST(stops_when_told)
{
	char *start = map_scratch_file(16, MAP_PRIVATE);

	choose_way(_i);
	for (uint64_t page = 0; page < 16; page += 4)
		touch(start, page);
	for (runs.stop_after = 1; runs.stop_after <= 4; runs.stop_after++) {
		ck_assert_int_eq(scan(start, 16), -ECANCELED);
		ck_assert_uint_eq(runs.n_runs, runs.stop_after);
	}
}
END_TEST

START_TEST(address_space_that_is_gone_is_empty)
{
	char *start = map_scratch_file(16, MAP_PRIVATE);
	cleanup_close int fd = -1;
	pid_t child;

	choose_way(_i);
	touch(start, 3);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	fd = pagemap_open(child);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(scan_fd(fd, start, 16), 0);
	ck_assert_uint_eq(runs.n_runs, 1);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(scan_fd(fd, start, 16), 0);
	ck_assert_uint_eq(runs.n_runs, 0);
	ck_assert_int_eq(pagemap_open(child), -ENOENT);
}
END_TEST

START_TEST(reads_entries)
{
	static const uint64_t entries[] = {
		UINT64_C(0x0000000000000000), /* never touched */
		UINT64_C(0x8000000000000000), /* present, private */
		UINT64_C(0xa180000000000000), /* present, of the file, soft-dirty, exclusive */
		UINT64_C(0x4000000000000000), /* swapped out */
		UINT64_C(0x2380000000000000), /* neither, with every other flag that there is */
		UINT64_C(0x007fffffffffffff), /* a frame number alone */
		UINT64_C(0x8080000000000001),
	};
	enum { N_ENTRIES = sizeof(entries) / sizeof(entries[0]) };
	cleanup_close int fd = make_pagemap(entries, N_ENTRIES);

	/* Ends where the file ends, before the range does. */
	ck_assert_int_eq(scan_fd(fd, NULL, N_ENTRIES + 10), 0);
	ck_assert_uint_eq(runs.n_runs, 2);
	assert_run(0, 1, 3);
	assert_run(1, 6, 1);
}
END_TEST

/* Of a length that makes no sense, as munmap(2) refuses it. */
START_TEST(a_range_that_ends_before_it_starts_is_empty)
{
	static const uint64_t entries[] = { UINT64_C(1) << 63, UINT64_C(1) << 63, UINT64_C(1) << 63 };
	cleanup_close int fd = make_pagemap(entries, 3);

	runs.n_runs = 0;
	ck_assert_int_eq(pagemap_scan(fd, page_bytes(), 0, note_run, &runs), 0);
	ck_assert_int_eq(scan_fd(fd, NULL, 0), 0);
	ck_assert_int_eq(scan_fd(fd, NULL, 1), 0); /* by reading, from now on */
	runs.n_runs = 0;
	ck_assert_int_eq(pagemap_scan(fd, page_bytes(), 0, note_run, &runs), 0);
	ck_assert_uint_eq(runs.n_runs, 0);
}
END_TEST

START_TEST(reports_bad_descriptor)
{
	ck_assert_int_eq(scan_fd(-1, NULL, 1), -EBADF);
}
END_TEST

START_TEST(page_size_is_the_machines)
{
	ck_assert_uint_eq(page_bytes(), (uint64_t)getpagesize());
	ck_assert_uint_eq(UINT64_C(1) << page_shift(), page_bytes());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pagemap");
	TCase *t = tcase_create("core");

	tcase_add_unchecked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_loop_test(t, finds_private_copies, 0, N_WAYS);
	tcase_add_loop_test(t, finds_pages_of_the_file, 0, N_WAYS);
	tcase_add_test(t, tells_what_was_mapped_as_a_whole);
	tcase_add_loop_test(t, finds_more_runs_than_fit_at_once, 0, N_WAYS);
	tcase_add_loop_test(t, joins_runs_across_steps, 0, N_WAYS);
	tcase_add_loop_test(t, stops_when_told, 0, N_WAYS);
	tcase_add_loop_test(t, address_space_that_is_gone_is_empty, 0, N_WAYS);
	tcase_add_test(t, reads_entries);
	tcase_add_test(t, a_range_that_ends_before_it_starts_is_empty);
	tcase_add_test(t, reports_bad_descriptor);
	tcase_add_test(t, page_size_is_the_machines);
	suite_add_tcase(s, t);
	return run_suite(s);
}
