/* check_readahead.c - what a replay reads of a plan, and what it leaves alone */
#include "replaying.h"
#include "sys/clock.h"

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

static bool is_streamed(uint8_t access, uint64_t n_pages, uint64_t n_used)
{
	pageset_release(&pageset);
	pageset_init(&pageset);
	struct pageset_file *file = add("file", access);

	file->id.size_bytes = n_pages * page_bytes();
	add_pages(file, 0, n_used / 2);
	add_pages(file, n_pages - (n_used - n_used / 2), n_used - n_used / 2);
	make_plan();
	return plan.files[0].is_streamed;
}

START_TEST(what_is_read_from_end_to_end_is_streamed)
{
	const uint8_t is_read = PAGESET_OPENED | PAGESET_READ;

	ck_assert(is_streamed(is_read, 1000, 1000));
	ck_assert(is_streamed(is_read, 1000, 920));
	ck_assert(!is_streamed(is_read, 1000, 800));
	ck_assert(!is_streamed(is_read | PAGESET_MAPPED, 1000, 1000));
	ck_assert(!is_streamed(PAGESET_MAPPED, 1000, 1000));
	ck_assert(is_streamed(is_read, PLAN_STREAM_PAGES, PLAN_STREAM_PAGES));
	ck_assert(!is_streamed(is_read, PLAN_STREAM_PAGES - 1, PLAN_STREAM_PAGES - 1));
}
END_TEST

/* Files of 64 pages are too short for it: so the plan is told. */
START_TEST(a_stream_is_left_to_the_kernel_once_the_program_has_come_to_it)
{
	struct readahead *self;

	add_pages(add_cold_file("mapped"), 0, FILE_PAGES);
	add_pages(add_cold_file("streamed"), 0, FILE_PAGES);
	make_plan();
	for (size_t i = 0; i < plan.n_files; i++)
		plan.files[i].is_streamed = strcmp(plan.files[i].file->path, scratch_path("streamed")) == 0;
	self = readahead_start(&plan, 1, clock_now_ns() - 1);
	ck_assert_ptr_nonnull(self);
	ck_assert(readahead_wait_done(self, 10000));
	readahead_finish(self, &stats, NULL);
	ck_assert(becomes_resident("mapped", FILE_PAGES - 1));
	ck_assert(!is_resident("streamed", FILE_PAGES - 1));
	ck_assert_uint_eq(stats.files, 1);
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

START_TEST(the_budget_is_a_part_of_the_memory)
{
	ck_assert_uint_gt(readahead_budget_pages(), 0);
	ck_assert_uint_lt(readahead_budget_pages(), (uint64_t)sysconf(_SC_PHYS_PAGES));
}
END_TEST
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
	tcase_add_test(t, what_is_read_from_end_to_end_is_streamed);
	tcase_add_test(t, a_stream_is_left_to_the_kernel_once_the_program_has_come_to_it);
	tcase_add_test(t, metadata_is_looked_up);
	tcase_add_test(t, the_budget_is_a_part_of_the_memory);
	suite_add_tcase(s, t);
	return run_suite(s);
}
