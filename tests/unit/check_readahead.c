#include "readahead.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>

#include "support.h"
#include "sys/page.h"
#include "sys/pagemap.h"
#include "sys/resident.h"

enum { FILE_PAGES = 64 };

static struct pageset pageset;
static struct plan plan;
static struct readahead_stats stats;

static void evict(const char *name)
{
	int fd = open(scratch_path(name), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fdatasync(fd), 0);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
}

static bool is_resident(const char *name, uint64_t page_index)
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
static bool becomes_resident(const char *name, uint64_t page_index)
{
	for (int i = 0; i < 1000; i++) {
		if (is_resident(name, page_index))
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return false;
}

static void write_pages(const char *name)
{
	char *data = calloc(FILE_PAGES, page_bytes());
	FILE *stream = fopen(scratch_path(name), "we");

	ck_assert_ptr_nonnull(data);
	ck_assert_ptr_nonnull(stream);
	ck_assert_uint_eq(fwrite(data, page_bytes(), FILE_PAGES, stream), FILE_PAGES);
	ck_assert_int_eq(fclose(stream), 0);
	free(data);
}

static struct pageset_file *add(const char *name, unsigned int access)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&pageset, scratch_path(name), 0, &file), 0);
	file->access = (uint8_t)access;
	return file;
}

/* A recorded file as it is on disk now, cold. */
static struct pageset_file *add_cold_file(const char *name)
{
	struct pageset_file *file = add(name, PAGESET_MAPPED);
	struct stat st;

	write_pages(name);
	evict(name);
	ck_assert_int_eq(stat(scratch_path(name), &st), 0);
	file->id = fileid_from_stat(&st);
	return file;
}

static void add_pages(struct pageset_file *file, uint64_t first_page, uint64_t n_pages)
{
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ first_page, n_pages, 0, 0 }), 0);
}

static void make_plan(void)
{
	static const struct plan_shape shape = { .piece_pages = 32 };
	static const struct plan_options options = { .shapes = &shape, .budget_pages = 1 << 20 };

	plan_release(&plan);
	ck_assert_int_eq(plan_build(&pageset, &options, &plan), 0);
}

static void run(unsigned int n_threads)
{
	struct readahead_stats validated;

	make_plan();

	struct readahead *self = readahead_start(&plan, n_threads);

	ck_assert_ptr_nonnull(self);
	ck_assert(readahead_wait_validated(self, 10000, &validated));
	readahead_finish(self, &stats, NULL);
	ck_assert_uint_eq(validated.stale_files, stats.stale_files);
}

static size_t count_entries(const char *path)
{
	DIR *stream = opendir(path);
	size_t n = 0;

	ck_assert_ptr_nonnull(stream);
	while (readdir(stream))
		n++;
	closedir(stream);
	return n;
}

static void set_up(void)
{
	scratch_enter_on_disk();
	pageset_init(&pageset);
	plan = (struct plan){ 0 };
}

static void tear_down(void)
{
	plan_release(&plan);
	pageset_release(&pageset);
	scratch_leave();
}

static void replay(void)
{
	struct readahead *self = readahead_start(&plan, 2);

	ck_assert_ptr_nonnull(self);
	readahead_finish(self, &stats, NULL);
}

/* As windows.h makes it, wherever that is. */
START_TEST(a_window_is_read_once)
{
	const uint64_t n_pages = page_huge_bytes() / page_bytes();
	cleanup_close int fd = open(scratch_path("library"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	struct plan_request request = { .n_pages = n_pages, .how = PLAN_HUGE };
	struct pageset_file *file = add("library", PAGESET_MAPPED);
	struct stat st;

	for (uint64_t i = 0; i < n_pages; i++)
		ck_assert_int_eq(pwrite(fd, "x", 1, (off_t)(i * page_bytes())), 1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	file->id = fileid_from_stat(&st);
	add_pages(file, 0, 1);
	stats.bytes = 0;
	/* A page that some other CPU has at hand cannot be evicted: then once more. */
	for (int i = 0; i < 100 && stats.bytes < page_huge_bytes(); i++) {
		evict("library");
		ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
		/* Where its first page is in memory, it is read like all else. */
		if (_i)
			ck_assert_int_ge(resident_look(fd, 0), 0);
		make_plan();
		plan.requests[0] = request;
		replay();
	}
	ck_assert_uint_eq(stats.bytes, page_huge_bytes());
	/* What is on its way would count as read. */
	for (uint64_t i = 0; i < n_pages; i++)
		(void)resident_read(fd, i, RESIDENT_DISK);
	replay();
	ck_assert_uint_eq(stats.bytes, 0);
	ck_assert_uint_eq(stats.resident_bytes, page_huge_bytes());
	for (uint64_t i = 0; i < n_pages; i++)
		ck_assert_int_eq(resident_look(fd, i), RESIDENT_YES);
}
END_TEST

START_TEST(an_empty_plan_ends)
{
	run(4);
	ck_assert_uint_eq(stats.files + stats.extents + stats.bytes + stats.skipped_files, 0);
}
END_TEST

START_TEST(what_is_planned_is_read_and_nothing_else)
{
	struct pageset_file *a = add_cold_file("a"), *b = add_cold_file("b");

	add_pages(a, 3, 3);
	add_pages(a, 40, 2);
	add_pages(b, 63, 1);
	run((unsigned int)_i);
	for (uint64_t page = 0; page < FILE_PAGES; page++)
		if ((page >= 3 && page < 6) || (page >= 40 && page < 42))
			ck_assert_msg(becomes_resident("a", page), "page %d", (int)page);
		else
			ck_assert_msg(!is_resident("a", page), "page %d", (int)page);
	ck_assert(becomes_resident("b", 63));
	ck_assert(!is_resident("b", 0));
	ck_assert_uint_eq(stats.bytes + stats.resident_bytes, 6 * page_bytes());
	ck_assert_uint_eq(stats.skipped_files, 0);
	ck_assert_uint_gt(stats.elapsed_ns, 0);
}
END_TEST

START_TEST(what_is_resident_is_not_counted_as_read)
{
	struct pageset_file *a = add_cold_file("a");

	add_pages(a, 0, 1);
	add_pages(a, 10, 30);
	run(2);
	for (uint64_t page = 10; page < 40; page++)
		ck_assert(becomes_resident("a", page));
	ck_assert(becomes_resident("a", 0));
	run(2);
	ck_assert_uint_eq(stats.resident_bytes, 31 * page_bytes());
	ck_assert_uint_eq(stats.files + stats.extents + stats.bytes, 0);
}
END_TEST

START_TEST(what_is_not_as_recorded_is_left_alone)
{
	struct pageset_file *changed = add_cold_file("changed"), *touched = add_cold_file("touched"),
			    *good = add_cold_file("good"), *gone = add("gone", PAGESET_READ),
			    *fifo = add("fifo", PAGESET_READ), *tree = add("tree", PAGESET_READ);

	gone->id.size_bytes = fifo->id.size_bytes = tree->id.size_bytes = changed->id.size_bytes;
	changed->id.size_bytes -= 1;
	touched->id.mtime_ns -= 1;
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	ck_assert_int_eq(mkdir(scratch_path("tree"), 0700), 0);
	for (size_t i = 0; i < pageset.n_files; i++)
		add_pages(pageset.files[i], 5, 2);
	add_pages(good, 20, 2);
	run(3);
	ck_assert_uint_eq(stats.skipped_files, 5);
	ck_assert_uint_eq(stats.stale_files, 5);
	ck_assert_uint_eq(stats.bytes + stats.resident_bytes, 4 * page_bytes());
	ck_assert(becomes_resident("good", 21));
	ck_assert(!is_resident("changed", 5));
	ck_assert(!is_resident("touched", 5));
}
END_TEST

/* What is no longer as recorded, of each kind: code, data, and what the program writes itself. */
START_TEST(changes_are_counted_by_kind)
{
	struct pageset_file *mapped = add_cold_file("mapped"), *read = add_cold_file("read"),
			    *written = add_cold_file("written"), *good = add_cold_file("good"),
			    *mapped_gone = add("mapped-gone", PAGESET_MAPPED),
			    *read_gone = add("read-gone", PAGESET_READ),
			    *looked_up = add("looked-up", PAGESET_MAPPED);

	read->access = PAGESET_READ;
	written->access = PAGESET_MAPPED | PAGESET_READ | PAGESET_WRITTEN;
	mapped->id.build_id_size = mapped_gone->id.build_id_size = written->id.build_id_size = 1;
	mapped->id.mtime_ns++;
	read->id.size_bytes++;
	written->id.mtime_ns++;
	add_pages(mapped, 0, 3);
	add_pages(read, 0, 5);
	add_pages(read, 10, 6);
	add_pages(written, 0, 7);
	add_pages(good, 0, 9);
	mapped_gone->id.size_bytes = read_gone->id.size_bytes = good->id.size_bytes;
	add_pages(mapped_gone, 0, 2);
	add_pages(read_gone, 0, 4);
	ck_assert_uint_eq(looked_up->n_extents, 0);
	run(2);
	ck_assert_uint_eq(stats.skipped_files, 6);
	ck_assert_uint_eq(stats.stale_files, 5);
	ck_assert_uint_eq(stats.changed_code_files, 2);
	ck_assert_uint_eq(stats.changed_pages, 3 + 11);
}
END_TEST

/* To read them would fill memory with zeros, as much as a shadow claims. */
START_TEST(holes_are_not_read)
{
	struct pageset_file *file = add_cold_file("sparse");
	struct stat st;

	ck_assert_int_eq(truncate(scratch_path("sparse"), 0), 0);
	ck_assert_int_eq(truncate(scratch_path("sparse"), FILE_PAGES * (off_t)page_bytes()), 0);
	int fd = open(scratch_path("sparse"), O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, "x", 1, 40 * (off_t)page_bytes()), 1);
	close(fd);
	evict("sparse");
	ck_assert_int_eq(stat(scratch_path("sparse"), &st), 0);
	if ((uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size)
		return; /* a file system that knows no holes */
	file->id = fileid_from_stat(&st);
	add_pages(file, 0, FILE_PAGES);
	run(2);
	ck_assert(becomes_resident("sparse", 40));
	ck_assert(!is_resident("sparse", 1));
	ck_assert_uint_eq(stats.bytes + stats.resident_bytes, 32 * page_bytes());
}
END_TEST

/* A mount that never answers; close(2) of what this returns lets go of all who wait. -1: there is none. */
static int mount_hung(const char *name)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (can_test(fd >= 0 && mkdir(scratch_path(name), 0700) == 0 &&
			     mount("hung", scratch_path(name), "fuse", 0, options) == 0,
		     "a FUSE mount"))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Files with pages and names on a hung mount, among files that are not. */
static void plan_with_hung(enum place_reach reach)
{
	struct pageset_file *near = add_cold_file("near"), *file;

	add_pages(near, 0, 40);
	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "hung/%d", i);
		file = add(name, i % 2 ? PAGESET_STATED : PAGESET_MAPPED);
		file->id.size_bytes = near->id.size_bytes;
		if (i % 2 == 0)
			add_pages(file, 0, 1);
	}
	make_plan();
	for (size_t i = 0; i < plan.n_files; i++)
		if (strstr(plan.files[i].file->path, "hung/"))
			plan.files[i].place = (struct place){ .reach = reach, .mount = 7 };
	for (size_t i = 0; i < plan.n_names; i++)
		plan.names[i].place = (struct place){ .reach = reach, .mount = 7 };
	for (size_t i = 0; i < plan.n_deferred_names; i++)
		plan.deferred_names[i].place = (struct place){ .reach = reach, .mount = 7 };
}

START_TEST(what_hangs_far_away_keeps_nobody_waiting)
{
	int fuse_fd = mount_hung("hung");
	struct pageset unanswered;
	struct readahead_stats validated, accounted;

	if (fuse_fd < 0)
		return;
	pageset_init(&unanswered);
	plan_with_hung(PLACE_FAR);

	/* On a busy machine the account may be made before any thread has asked. */
	for (int i = 0; i < 100 && unanswered.n_files == 0; i++) {
		struct readahead *self = readahead_start(&plan, 4);

		ck_assert_ptr_nonnull(self);
		ck_assert(readahead_wait_validated(self, 60000, &validated));
		ck_assert(readahead_wait_ahead(self, 60000));
		if (_i == 0)
			readahead_account(self, &accounted);
		readahead_finish(self, &stats, &unanswered);
	}
	close(fuse_fd);
	ck_assert_uint_eq(stats.bytes + stats.resident_bytes, 40 * page_bytes());
	ck_assert_uint_eq(stats.unanswered_files, 40);
	ck_assert_uint_eq(unanswered.n_files, 40);
	ck_assert_ptr_null(pageset_find(&unanswered, scratch_path("near")));
	pageset_release(&unanswered);
	umount2(scratch_path("hung"), MNT_DETACH);
}
END_TEST

/* A disk should not; but if it does, those who wait have had enough in the end. */
START_TEST(what_hangs_near_is_given_up)
{
	int fuse_fd = mount_hung("hung");
	struct readahead_stats accounted;
	struct pageset unanswered;

	if (fuse_fd < 0)
		return;
	pageset_init(&unanswered);
	plan_with_hung(PLACE_NEAR);

	struct readahead *self = readahead_start(&plan, 2);

	ck_assert_ptr_nonnull(self);
	ck_assert(!readahead_wait_ahead(self, 60000));
	readahead_account(self, &accounted);
	readahead_finish(self, &stats, &unanswered);
	close(fuse_fd);
	ck_assert_uint_ge(stats.unanswered_files, 1);
	ck_assert_uint_le(stats.unanswered_files, 2);
	ck_assert_uint_eq(unanswered.n_files, stats.unanswered_files);
	pageset_release(&unanswered);
	umount2(scratch_path("hung"), MNT_DETACH);
}
END_TEST

START_TEST(metadata_is_looked_up)
{
	ck_assert_int_eq(mkdir(scratch_path("listed"), 0700), 0);
	write_pages("listed/entry");
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	ck_assert_int_eq(symlink("/dev/zero", scratch_path("link")), 0);
	add("listed", PAGESET_LISTED | PAGESET_OPENED);
	add("fifo", PAGESET_OPENED);
	add("link", PAGESET_STATED);
	add("never-there", PAGESET_MISSING);
	run(2);
	ck_assert_uint_eq(stats.skipped_files, 0);

	ck_assert_int_eq(mkfifo(scratch_path("fifo-for-directory"), 0600), 0);
	add("fifo-for-directory", PAGESET_LISTED);
	add("listed/gone", PAGESET_STATED);
	run(2);
	ck_assert_uint_eq(stats.skipped_files, 2);
	ck_assert_uint_eq(stats.stale_files, 0);
	ck_assert_uint_eq(stats.files, 0);
}
END_TEST

static void add_many_files(int n)
{
	char name[16];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);

		struct pageset_file *file = add_cold_file(name);

		add_pages(file, 1, 1);
		add_pages(file, 50, 1);
		file->extents[1].first_use_us = 1000000;
	}
}

START_TEST(few_descriptors_are_enough)
{
	struct rlimit limit = { .rlim_cur = 64, .rlim_max = 64 };
	size_t n_open = count_entries("/proc/self/fd");

	add_many_files(200);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	run(4);
	ck_assert_uint_eq(stats.bytes + stats.resident_bytes, 400 * page_bytes());
	/* Now and then a disk is so quick that a page counts as resident; not each time. */
	ck_assert_uint_gt(stats.extents, 200);
	ck_assert_uint_gt(stats.files, 100);
	ck_assert_uint_eq(stats.bytes, stats.extents * page_bytes());
	ck_assert_uint_eq(stats.skipped_files, 0);
	ck_assert_uint_eq(count_entries("/proc/self/fd"), n_open);
}
END_TEST

START_TEST(cancelled_it_leaves_nothing_behind)
{
	/* The first thread of a process may bring along one of a sanitizer's. */
	run(1);

	size_t n_open = count_entries("/proc/self/fd"), n_tasks = count_entries("/proc/self/task");

	add_many_files(1000);
	make_plan();

	/* One thread alone has opened all the files before it begins with the data. It may be through with
	 * these before this one gets to run again, but not every time. */
	uint64_t n_all = plan.n_pages * page_bytes();
	struct readahead_stats validated;

	for (int i = 0; i < 50; i++) {
		struct readahead *self = readahead_start(&plan, 1);

		ck_assert_ptr_nonnull(self);
		ck_assert(readahead_wait_validated(self, 10000, &validated));
		readahead_cancel(self);
		readahead_finish(self, &stats, NULL);
		if (stats.bytes + stats.resident_bytes < n_all)
			break;
	}
	ck_assert_uint_lt(stats.bytes + stats.resident_bytes, n_all);
	ck_assert_uint_eq(count_entries("/proc/self/fd"), n_open);
	/* The kernel wakes who joins a thread a moment before the thread's entry goes. */
	for (int i = 0; i < 1000 && count_entries("/proc/self/task") > n_tasks; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	ck_assert_uint_eq(count_entries("/proc/self/task"), n_tasks);
}
END_TEST

START_TEST(validated_means_every_file)
{
	struct readahead_stats validated = { 0 };

	add_many_files(100);
	pageset.files[99]->id.size_bytes++;
	make_plan();

	struct readahead *self = readahead_start(&plan, 4);

	ck_assert_ptr_nonnull(self);
	while (!readahead_wait_validated(self, 0, &validated))
		ck_assert_uint_eq(validated.stale_files, 0);
	ck_assert_uint_eq(validated.stale_files, 1);
	readahead_finish(self, &stats, NULL);
	ck_assert_uint_eq(stats.stale_files, 1);
}
END_TEST

/* Names are no reason to keep anybody waiting; and it is ahead when the last page is there at the latest. */
START_TEST(it_comes_to_be_ahead)
{
	add_many_files(100);
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "gone%d", i);
		add(name, PAGESET_STATED);
	}
	make_plan();
	ck_assert_uint_gt(plan.n_names, 0);

	struct readahead *self = readahead_start(&plan, 4);

	ck_assert_ptr_nonnull(self);
	ck_assert(readahead_wait_ahead(self, 60000));
	readahead_finish(self, &stats, NULL);
	ck_assert_uint_eq(stats.bytes + stats.resident_bytes, 200 * page_bytes());
	ck_assert_uint_eq(stats.skipped_files, plan.n_names + plan.n_deferred_names);
	ck_assert_uint_eq(stats.skipped_files, 100);
}
END_TEST

/* The program's start must not hang on a disk that does not answer. */
START_TEST(not_ahead_in_time_it_says_so)
{
	struct readahead_stats validated;

	add_many_files(100);
	make_plan();
	for (int i = 0; i < 50; i++) {
		evict("99");

		struct readahead *self = readahead_start(&plan, 1);
		bool is_ahead = readahead_wait_ahead(self, 0);

		ck_assert_ptr_nonnull(self);
		ck_assert(readahead_wait_validated(self, 10000, &validated));
		readahead_finish(self, &stats, NULL);
		if (!is_ahead)
			return;
	}
	ck_abort_msg("always ahead at once");
}
END_TEST

static volatile sig_atomic_t n_signals;

static void count_signal(int number)
{
	(void)number;
	n_signals++;
}

START_TEST(threads_take_no_signals)
{
	sigset_t usr1, now;

	signal(SIGUSR1, count_signal);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	add_many_files(100);
	make_plan();

	struct readahead *self = readahead_start(&plan, 4);

	ck_assert_ptr_nonnull(self);
	sigprocmask(SIG_SETMASK, NULL, &now);
	ck_assert(!sigismember(&now, SIGUSR1));
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	for (int i = 0; i < 100; i++)
		kill(getpid(), SIGUSR1);
	readahead_finish(self, &stats, NULL);
	ck_assert_int_eq(n_signals, 0);
}
END_TEST

START_TEST(without_threads_it_says_so)
{
	struct rlimit before, none;
	uid_t uid = getuid();

	make_plan();
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
	/* The limit does not hold for root. */
	if (uid == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 0), 0);

	errno = 0;
	struct readahead *self = readahead_start(&plan, 4);
	int start_errno = errno;

	if (uid == 0)
		ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
	ck_assert_ptr_null(self);
	ck_assert_int_eq(start_errno, EAGAIN);
}
END_TEST

START_TEST(the_budget_is_a_part_of_the_memory)
{
	ck_assert_uint_gt(readahead_budget_pages(), 0);
	ck_assert_uint_lt(readahead_budget_pages(), (uint64_t)sysconf(_SC_PHYS_PAGES));
}
END_TEST

/* Pages have to be on a disk, and to leave memory when told to. */
static bool can_evict(void)
{
	char path[] = "/var/tmp/check_readahead.XXXXXX", byte = 0;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };
	cleanup_close int fd = mkstemp(path);

	if (fd < 0)
		return false;
	unlink(path);
	return write(fd, &byte, 1) == 1 && fdatasync(fd) == 0 &&
	       posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && preadv2(fd, &to, 1, 0, RWF_NOWAIT) < 0 &&
	       errno == EAGAIN;
}

int main(void)
{
	if (!can_test(can_evict(), "readahead: nothing leaves memory here"))
		return 77;

	Suite *s = suite_create("readahead");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, an_empty_plan_ends);
	tcase_add_loop_test(t, a_window_is_read_once, 0, 2);
	tcase_add_loop_test(t, what_is_planned_is_read_and_nothing_else, 1, 5);
	tcase_add_test(t, what_is_resident_is_not_counted_as_read);
	tcase_add_test(t, what_is_not_as_recorded_is_left_alone);
	tcase_add_test(t, changes_are_counted_by_kind);
	tcase_add_test(t, holes_are_not_read);
	tcase_add_loop_test(t, what_hangs_far_away_keeps_nobody_waiting, 0, 2);
	tcase_add_test(t, what_hangs_near_is_given_up);
	tcase_add_test(t, metadata_is_looked_up);
	tcase_add_test(t, few_descriptors_are_enough);
	tcase_add_test(t, cancelled_it_leaves_nothing_behind);
	tcase_add_test(t, validated_means_every_file);
	tcase_add_test(t, it_comes_to_be_ahead);
	tcase_add_test(t, not_ahead_in_time_it_says_so);
	tcase_add_test(t, threads_take_no_signals);
	tcase_add_test(t, without_threads_it_says_so);
	tcase_add_test(t, the_budget_is_a_part_of_the_memory);
	suite_add_tcase(s, t);
	return run_suite(s);
}
