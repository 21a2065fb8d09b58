#include "record/record.h"

#include "support.h"
#include "sys/page.h"

/* The program's process, and others. No process is started: events are told, page tables made up. */
enum { MAIN = 100, CHILD = 200, TID = 101 };

static struct record record;
static const struct fileid id = { .size_bytes = 1 << 20, .mtime_ns = 5 };

/* What the page table of any task says: runs of pages that are there. */
static struct page_run present[4];
static size_t n_present;
static enum pagemap_kind kind;
static pid_t asked_tid;

static int open_made_up(pid_t tid)
{
	asked_tid = tid;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static uint64_t at(uint64_t page)
{
	return page * page_bytes();
}

static int scan_made_up(int fd, uint64_t start, uint64_t end, pagemap_found *found, void *context)
{
	int r = fd < 0;

	for (size_t i = 0; i < n_present && r == 0; i++) {
		uint64_t run_start = at(present[i].first_page);
		uint64_t run_end = run_start + at(present[i].n_pages);

		run_start = run_start > start ? run_start : start;
		run_end = run_end < end ? run_end : end;
		if (run_start < run_end)
			r = found(run_start, run_end, kind, context);
	}
	return r;
}

static void set_up(void)
{
	const struct addrspace_pages pages = { .open = open_made_up, .scan = scan_made_up };

	n_present = 0;
	kind = PAGEMAP_PAGES;
	record_init(&record, &pages);
}

static void tear_down(void)
{
	record_release(&record);
}

static int take(struct event event)
{
	event.tid = TID;
	return record_take(&record, &event);
}

static void take_all(const struct event *events, size_t n_events)
{
	for (size_t i = 0; i < n_events; i++)
		ck_assert_int_ge(take(events[i]), 0);
}

#define TAKE_ALL(events) take_all(events, sizeof(events) / sizeof((events)[0]))

static struct pageset_file *seen(const char *path)
{
	struct pageset_file *file = pageset_find(&record.seen, path);

	ck_assert_msg(file, "%s is not there", path);
	return file;
}

static void assert_file(const char *path, unsigned int access, uint64_t n_pages)
{
	ck_assert_uint_eq(seen(path)->access, access);
	ck_assert_uint_eq(pageset_file_pages(seen(path)), n_pages);
}

static struct event mapped(uint32_t space, const char *path, uint64_t start, uint64_t end)
{
	return (struct event){ .kind = EVENT_MAPPED,
			       .pid = MAIN,
			       .space = space,
			       .flags = EVENT_IS_EXACT,
			       .path = path,
			       .id = &id,
			       .start = at(start),
			       .end = at(end),
			       .first_page = 7 };
}

START_TEST(of_what_was_mapped_as_a_whole_nothing_is_known)
{
	const struct event before[] = {
		{ .kind = EVENT_EXECED, .pid = MAIN, .space = 1 },
		mapped(1, "/bin/program", 1000, 1010),
	};

	TAKE_ALL(before);
	present[0] = (struct page_run){ 1002, 2 };
	n_present = 1;
	kind = PAGEMAP_HUGE;
	for (int n_new = 1; n_new >= 0; n_new--)
		ck_assert_int_eq(take((struct event){ .kind = EVENT_TICK, .pid = MAIN, .space = 1 }), n_new);
	assert_file("/bin/program", PAGESET_MAPPED, 0);
	ck_assert_int_eq(pageset_file_settle(seen("/bin/program"), NULL), 0);
	ck_assert_uint_eq(pageset_file_pages(seen("/bin/program")), page_huge_bytes() / page_bytes());
}
END_TEST

/* What an agent tells: of huge pages, that something of each was touched; of others, which. */
START_TEST(what_was_seen_to_be_there_is_taken_as_the_pages_it_is_in)
{
	const struct event before[] = { { .kind = EVENT_EXECED, .pid = MAIN, .space = 1 },
					mapped(1, "/a", 1000, 1010) };
	struct event touched = {
		.kind = EVENT_TOUCHED, .pid = MAIN, .space = 1, .start = at(1002), .end = at(1004)
	};

	TAKE_ALL(before);
	touched.flags = EVENT_IS_HUGE;
	ck_assert_int_eq(take(touched), 1);
	assert_file("/a", PAGESET_MAPPED, 0);
	touched.flags = 0;
	ck_assert_int_eq(take(touched), 1);
	assert_file("/a", PAGESET_MAPPED, 2);
	ck_assert(pageset_file_has(seen("/a"), 9));
}
END_TEST

START_TEST(a_launch_becomes_a_page_set)
{
	const struct event before[] = {
		{ .kind = EVENT_EXECED, .pid = MAIN, .space = 1 },
		{ .kind = EVENT_MAPS_BEGIN, .pid = MAIN, .space = 1 },
		mapped(1, "/bin/program", 1000, 1010),
		{ .kind = EVENT_MAPS_END, .pid = MAIN, .space = 1 },
		{ .kind = EVENT_LOOKED_UP,
		  .pid = MAIN,
		  .time_us = 1,
		  .path = "/etc/ld.so.preload",
		  .flags = EVENT_IS_MISSING },
		{ .kind = EVENT_OPENED, .pid = MAIN, .time_us = 2, .path = "/lib/a.so", .id = &id },
		{ .kind = EVENT_READ,
		  .pid = MAIN,
		  .time_us = 3,
		  .path = "/lib/a.so",
		  .id = &id,
		  .n_bytes = 832 },
		mapped(1, "/lib/a.so", 2000, 2010),
		{ .kind = EVENT_LOOKED_UP, .pid = MAIN, .time_us = 5, .path = "/etc" },
		{ .kind = EVENT_OPENED, .pid = MAIN, .time_us = 6, .path = "/etc" },
		{ .kind = EVENT_LISTED, .pid = MAIN, .time_us = 6, .path = "/etc" },
		{ .kind = EVENT_OPENED,
		  .pid = MAIN,
		  .path = "/tmp/log",
		  .id = &id,
		  .flags = EVENT_FOR_WRITING },
	};
	const struct event after[] = {
		{ .kind = EVENT_EXITING, .pid = MAIN, .space = 1, .time_us = 9 },
		{ .kind = EVENT_LEFT, .pid = MAIN, .space = 1 },
	};

	TAKE_ALL(before);
	present[0] = (struct page_run){ 1002, 2 };
	present[1] = (struct page_run){ 2009, 500 };
	n_present = 2;
	TAKE_ALL(after);
	assert_file("/bin/program", PAGESET_MAPPED, 2);
	ck_assert(pageset_file_has(seen("/bin/program"), 9));
	ck_assert(pageset_file_has(seen("/bin/program"), 10));
	assert_file("/etc/ld.so.preload", PAGESET_MISSING, 0);
	assert_file("/lib/a.so", PAGESET_OPENED | PAGESET_READ | PAGESET_MAPPED, 2);
	ck_assert(pageset_file_has(seen("/lib/a.so"), 0));
	ck_assert(pageset_file_has(seen("/lib/a.so"), 16));
	ck_assert(seen("/lib/a.so")->exact);
	ck_assert_uint_eq(seen("/lib/a.so")->first_use_us, 2);
	ck_assert_uint_eq(seen("/lib/a.so")->id.size_bytes, id.size_bytes);
	assert_file("/etc", PAGESET_STATED | PAGESET_OPENED | PAGESET_LISTED, 0);
	assert_file("/tmp/log", PAGESET_OPENED | PAGESET_WRITTEN, 0);
	ck_assert_uint_eq(record.seen.n_files, 5);
	ck_assert_int_eq(asked_tid, TID);
}
END_TEST

START_TEST(a_page_has_the_time_at_which_it_was_found)
{
	const struct event events[] = { { .kind = EVENT_EXECED, .pid = MAIN, .space = 1 },
					mapped(1, "/a", 1000, 1010) };
	struct event tick = { .kind = EVENT_TICK, .pid = MAIN, .space = 1, .time_us = 10 };

	TAKE_ALL(events);
	ck_assert_int_eq(take(tick), 0);
	present[n_present++] = (struct page_run){ 1000, 1 };
	ck_assert_int_eq(take(tick), 1);
	ck_assert_int_eq(take(tick), 0);
	tick.time_us = 20;
	present[n_present++] = (struct page_run){ 1005, 1 };
	ck_assert_int_eq(take(tick), 1);
	ck_assert_uint_eq(seen("/a")->n_extents, 2);
	ck_assert_uint_eq(seen("/a")->extents[0].first_use_us, 10);
	ck_assert_uint_eq(seen("/a")->extents[1].first_use_us, 20);
	ck_assert_uint_eq(record.n_new, 1 + 2); /* the file, and its pages */
}
END_TEST

START_TEST(what_vanishes_is_looked_at_before)
{
	const struct event events[] = { { .kind = EVENT_EXECED, .pid = MAIN, .space = 1 },
					mapped(1, "/a", 1000, 1010) };
	struct event gone = {
		.kind = EVENT_UNMAPPING, .pid = MAIN, .space = 1, .start = at(1000), .end = at(1004)
	};

	TAKE_ALL(events);
	present[n_present++] = (struct page_run){ 1003, 2 };
	ck_assert_int_eq(take(gone), 1);
	ck_assert_uint_eq(pageset_file_pages(seen("/a")), 1);
	gone.kind = EVENT_UNMAPPED;
	ck_assert_int_eq(take(gone), 0);
	present[0] = (struct page_run){ 1000, 10 };
	ck_assert_int_eq(take((struct event){ .kind = EVENT_TICK, .pid = MAIN, .space = 1 }), 1);
	ck_assert_uint_eq(pageset_file_pages(seen("/a")), 7);
}
END_TEST

/* Which a sampled run does not see. */
START_TEST(what_others_map_and_what_was_before_an_exec_is_marked)
{
	struct event child = mapped(2, "/b", 1000, 1010);
	const struct event events[] = {
		{ .kind = EVENT_EXECED, .pid = MAIN, .space = 1 },
		mapped(1, "/a", 1000, 1010),
		{ .kind = EVENT_TICK, .pid = MAIN, .space = 1 },
		{ .kind = EVENT_FORKED, .pid = CHILD, .space = 2 },
		child,
		{ .kind = EVENT_EXITING, .pid = CHILD, .space = 2 },
		mapped(1, "/c", 1100, 1110),
		{ .kind = EVENT_EXECING, .pid = MAIN, .space = 1 },
		{ .kind = EVENT_EXECED, .pid = MAIN, .space = 3 },
		{ .kind = EVENT_LEFT, .pid = MAIN, .space = 1 },
		mapped(3, "/d", 1000, 1010),
		{ .kind = EVENT_EXITING, .pid = MAIN, .space = 3 },
	};

	TAKE_ALL(events);
	assert_file("/a", PAGESET_MAPPED | PAGESET_BEFORE_EXEC, 0);
	assert_file("/b", PAGESET_MAPPED | PAGESET_BEFORE_EXEC, 0);
	assert_file("/c", PAGESET_MAPPED | PAGESET_BEFORE_EXEC, 0);
	assert_file("/d", PAGESET_MAPPED, 0);
}
END_TEST

START_TEST(pages_of_an_inexact_mapping_make_the_file_inexact)
{
	struct event inexact = mapped(1, "/a", 1000, 1010);
	const struct event events[] = { { .kind = EVENT_EXECED, .pid = MAIN, .space = 1 } };

	inexact.flags = 0;
	TAKE_ALL(events);
	ck_assert_int_eq(take(inexact), 1);
	ck_assert(seen("/a")->exact);
	present[n_present++] = (struct page_run){ 1000, 1 };
	ck_assert_int_eq(take((struct event){ .kind = EVENT_TICK, .pid = MAIN, .space = 1 }), 1);
	ck_assert(!seen("/a")->exact);
}
END_TEST

START_TEST(address_spaces_that_nobody_told_of_are_passed_over)
{
	const struct event events[] = {
		mapped(9, "/a", 1000, 1010),
		{ .kind = EVENT_TICK, .pid = MAIN, .space = 9 },
		{ .kind = EVENT_MAPS_BEGIN, .pid = MAIN, .space = 9 },
		{ .kind = EVENT_MAPS_END, .pid = MAIN, .space = 9 },
		{ .kind = EVENT_LEFT, .pid = MAIN, .space = 9 },
		{ .kind = EVENT_EXITING, .pid = MAIN },
	};

	TAKE_ALL(events);
	ck_assert_uint_eq(record.seen.n_files, 0);
}
END_TEST

START_TEST(reads_are_whole_pages)
{
	struct event read = {
		.kind = EVENT_READ, .path = "/a", .id = &id, .offset_bytes = (int64_t)at(11) - 1, .n_bytes = 2
	};

	ck_assert_int_eq(take(read), 1);
	ck_assert_int_eq(take(read), 0);
	assert_file("/a", PAGESET_READ, 2);
	ck_assert(pageset_file_has(seen("/a"), 10));
	ck_assert(pageset_file_has(seen("/a"), 11));
	/* Nobody knows where; or nowhere that there could be. */
	read.n_bytes = 0;
	ck_assert_int_eq(take(read), 0);
	read.offset_bytes = INT64_MAX;
	read.n_bytes = INT64_MAX;
	ck_assert_int_eq(take(read), 0);
	assert_file("/a", PAGESET_READ, 2);
}
END_TEST

START_TEST(lookups_leave_room_for_what_is_opened)
{
	record.n_lookups_left = 1;
	ck_assert_int_eq(take((struct event){ .kind = EVENT_LOOKED_UP, .path = "/a" }), 1);
	ck_assert_int_eq(take((struct event){ .kind = EVENT_LOOKED_UP, .path = "/b" }), 0);
	ck_assert_int_eq(take((struct event){ .kind = EVENT_OPENED, .path = "/c", .id = &id }), 1);
	/* What is there already is no matter. */
	ck_assert_int_eq(take((struct event){ .kind = EVENT_LOOKED_UP, .path = "/c" }), 1);
	ck_assert_uint_eq(record.seen.n_files, 2);
}
END_TEST

START_TEST(files_are_limited)
{
	const struct event events[] = { { .kind = EVENT_EXECED, .pid = MAIN, .space = 1 },
					mapped(1, "/a", 1000, 1010),
					mapped(1, "/b", 1005, 1010) };

	record.n_files_left = 1;
	TAKE_ALL(events);
	present[n_present++] = (struct page_run){ 1000, 10 };
	ck_assert_int_eq(take((struct event){ .kind = EVENT_TICK, .pid = MAIN, .space = 1 }), 1);
	/* The one too many hides what was mapped there before. */
	ck_assert_uint_eq(record.seen.n_files, 1);
	assert_file("/a", PAGESET_MAPPED, 5);
}
END_TEST

START_TEST(what_is_out_of_reach_is_counted)
{
	struct event event = {
		.kind = EVENT_OUT_OF_REACH, .pid = MAIN, .path = "/bin/x", .mount = "squashfs /dev/loop0 on /"
	};
	char mount[64];

	ck_assert_int_eq(take(event), 0);
	ck_assert_int_eq(take(event), 0);
	event.path = "/bin/y";
	ck_assert_int_eq(take(event), 0);
	ck_assert_uint_eq(record.unreached.files.n_files, 2);
	ck_assert_uint_eq(record.unreached.n_mounts, 1);
	ck_assert_str_eq(record.unreached.mounts[0], "squashfs /dev/loop0 on /");
	ck_assert_uint_eq(record.seen.n_files, 0);
	event.mount = mount;
	for (int i = 0; i < 2 * RECORD_MAX_MOUNTS; i++) {
		snprintf(mount, sizeof(mount), "nfs server:/%d on /n", i);
		ck_assert_int_eq(take(event), 0);
	}
	ck_assert_uint_eq(record.unreached.n_mounts, RECORD_MAX_MOUNTS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_launch_becomes_a_page_set);
	tcase_add_test(t, of_what_was_mapped_as_a_whole_nothing_is_known);
	tcase_add_test(t, what_was_seen_to_be_there_is_taken_as_the_pages_it_is_in);
	tcase_add_test(t, a_page_has_the_time_at_which_it_was_found);
	tcase_add_test(t, what_vanishes_is_looked_at_before);
	tcase_add_test(t, what_others_map_and_what_was_before_an_exec_is_marked);
	tcase_add_test(t, pages_of_an_inexact_mapping_make_the_file_inexact);
	tcase_add_test(t, address_spaces_that_nobody_told_of_are_passed_over);
	tcase_add_test(t, reads_are_whole_pages);
	tcase_add_test(t, lookups_leave_room_for_what_is_opened);
	tcase_add_test(t, files_are_limited);
	tcase_add_test(t, what_is_out_of_reach_is_counted);
	suite_add_tcase(s, t);
	return run_suite(s);
}
