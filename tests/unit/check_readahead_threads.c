/* check_readahead_threads.c - the threads of a replay: who waits for whom, how long, and what they leave
 * behind */
#include "own_mounts.h"
#include "replaying.h"

/* A mount that never answers; close(2) of what this returns lets go of all who wait. -1: there is none. */
static int mount_hung(const char *name)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (can_test(fd >= 0 && own_mounts() && mkdir(scratch_path(name), 0700) == 0 &&
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
		struct readahead *self = readahead_start(&plan, 4, 0);

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

	struct readahead *self = readahead_start(&plan, 2, 0);

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
		struct readahead *self = readahead_start(&plan, 1, 0);

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

	struct readahead *self = readahead_start(&plan, 4, 0);

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

	struct readahead *self = readahead_start(&plan, 4, 0);

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

		struct readahead *self = readahead_start(&plan, 1, 0);
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

	struct readahead *self = readahead_start(&plan, 4, 0);

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
	struct readahead *self = readahead_start(&plan, 4, 0);
	int start_errno = errno;

	if (uid == 0)
		ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
	ck_assert_ptr_null(self);
	ck_assert_int_eq(start_errno, EAGAIN);
}
END_TEST
int main(void)
{
	if (!can_test(can_evict(), "readahead: nothing leaves memory here"))
		return 77;

	Suite *s = suite_create("readahead_threads");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, what_hangs_far_away_keeps_nobody_waiting, 0, 2);
	tcase_add_test(t, what_hangs_near_is_given_up);
	tcase_add_test(t, few_descriptors_are_enough);
	tcase_add_test(t, cancelled_it_leaves_nothing_behind);
	tcase_add_test(t, validated_means_every_file);
	tcase_add_test(t, it_comes_to_be_ahead);
	tcase_add_test(t, not_ahead_in_time_it_says_so);
	tcase_add_test(t, threads_take_no_signals);
	tcase_add_test(t, without_threads_it_says_so);
	suite_add_tcase(s, t);
	return run_suite(s);
}
