#include "record/record.h"

#include <sched.h>

#include "sys/page.h"
#include "touched.h"
#include "trace/follow_private.h"

/* The calls are this process's own: it makes them, and tells of them as a tracer would. What comes of it is
 * seen in the page set of a record. */
static struct record record;
static struct follow_state state;
static struct follow self;
static struct process process;
static struct task task;

static int take(const struct event *event, void *context)
{
	return record_take(context, event);
}

static void set_up(void)
{
	scratch_enter();
	record_init(&record, NULL);
	state = (struct follow_state){ .options = { .emit = take, .context = &record }, .running_ns = 2000 };
	self = (struct follow){ .state = &state };
	process = (struct process){ .pid = getpid() };
	task = (struct task){ .tid = getpid(), .process = &process };
	ck_assert_int_eq(proctree_new_space(&state.tree, &process), 0);
	follow_emit(&self, &process, (struct event){ .kind = EVENT_EXECED });
	touched_write_file();
}

static void tear_down(void)
{
	ck_assert_int_eq(state.error, 0);
	free(process.working_directory);
	ck_assert_uint_eq(proctree_leave_space(&state.tree, &process), 1);
	known_files_release(&state.files);
	record_release(&record);
	scratch_leave();
}

static int64_t call(long nr, const uint64_t args[6])
{
	task.call.nr = (uint64_t)nr;
	task.call.row = syscall_table_find(task.call.nr);
	memcpy(task.call.args, args, sizeof(task.call.args));
	follow_call_entry(&self, &task);
	task.call.needs_exit = follow_needs_exit(&task);
	long result = syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);

	if (result == -1)
		result = -errno;
	if (task.call.needs_exit)
		follow_call_exit(&self, &task, result);
	return result;
}

#define CALL(nr, ...) call(nr, (const uint64_t[6]){ __VA_ARGS__ })
#define ADDRESS(pointer) (uint64_t)(uintptr_t)(pointer)
#define HERE (uint64_t)(int64_t) AT_FDCWD

static int open_by_call(const char *path, int flags)
{
	return (int)CALL(SYS_openat, HERE, ADDRESS(path), (uint64_t)flags, 0600);
}

static struct pageset_file *seen(const char *name)
{
	return pageset_find(&record.seen, scratch_path(name));
}

static void assert_access(const char *name, unsigned int access)
{
	ck_assert_ptr_nonnull(seen(name));
	ck_assert_uint_eq(seen(name)->access, access);
}

static uint64_t at(uint64_t page)
{
	return page * page_bytes();
}

START_TEST(opening_is_noted)
{
	int fd = open_by_call("mapped", O_RDONLY);

	ck_assert_int_ge(fd, 0);
	assert_access("mapped", PAGESET_OPENED);
	ck_assert_uint_gt(seen("mapped")->id.size_bytes, 0);
	ck_assert_uint_eq(seen("mapped")->first_use_us, 2);
	close(fd);
	close(open_by_call(scratch_path("written"), O_WRONLY | O_CREAT));
	assert_access("written", PAGESET_OPENED | PAGESET_WRITTEN);
	ck_assert_uint_gt(record.n_new, 0);
}
END_TEST

START_TEST(names_are_made_absolute)
{
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	write_file("dir/file", "x", 1, 0600);
	cleanup_close int dir = open("dir", O_PATH | O_CLOEXEC);
	struct stat st;

	ck_assert_int_eq(CALL(SYS_newfstatat, (uint64_t)dir, ADDRESS("file"), ADDRESS(&st), 0), 0);
	assert_access("dir/file", PAGESET_STATED);
	ck_assert_int_eq(CALL(SYS_chdir, ADDRESS("./dir")), 0);
	ck_assert_int_eq(CALL(SYS_faccessat, HERE, ADDRESS("./gone"), F_OK), -ENOENT);
	assert_access("dir/gone", PAGESET_MISSING);
	ck_assert_int_eq(CALL(SYS_faccessat, HERE, ADDRESS("file/below"), F_OK), -ENOTDIR);
	assert_access("dir/file/below", PAGESET_MISSING);
	ck_assert_int_eq(CALL(SYS_faccessat, HERE, 8, F_OK), -EFAULT);
	ck_assert_int_eq(chdir(scratch), 0);
}
END_TEST

START_TEST(a_link_and_what_it_leads_to)
{
	ck_assert_int_eq(symlink("mapped", "link"), 0);
	close(open_by_call("link", O_RDONLY));
	assert_access("mapped", PAGESET_OPENED);
	assert_access("link", PAGESET_STATED);
}
END_TEST

START_TEST(what_is_no_disk_file_is_passed_over)
{
	int fds[2];
	char byte;

	close(open_by_call("/dev/null", O_RDONLY));
	close(open_by_call("/proc/self/status", O_RDONLY));
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(CALL(SYS_read, (uint64_t)fds[0], ADDRESS(&byte), 1), 1);
	ck_assert_uint_eq(record.seen.n_files, 0);
}
END_TEST

START_TEST(reads_are_pages)
{
	char *data = malloc(at(4));
	int fd = open_by_call("mapped", O_RDONLY);

	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(CALL(SYS_read, (uint64_t)fd, ADDRESS(data), 1), 1);
	assert_access("mapped", PAGESET_OPENED | PAGESET_READ);
	ck_assert_uint_eq(pageset_file_pages(seen("mapped")), 1);
	ck_assert_int_eq(CALL(SYS_read, (uint64_t)fd, ADDRESS(data), at(1)), (int64_t)at(1));
	ck_assert(pageset_file_has(seen("mapped"), 1));
	ck_assert_int_eq(CALL(SYS_pread64, (uint64_t)fd, ADDRESS(data), 2, at(11) - 1), 2);
	ck_assert(pageset_file_has(seen("mapped"), 10));
	ck_assert(pageset_file_has(seen("mapped"), 11));
	ck_assert_uint_eq(pageset_file_pages(seen("mapped")), 4);
	/* At its end nothing is read. */
	ck_assert_int_eq(CALL(SYS_pread64, (uint64_t)fd, ADDRESS(data), 2, at(TOUCHED_PAGES)), 0);
	ck_assert_uint_eq(pageset_file_pages(seen("mapped")), 4);
	close(fd);
	free(data);
}
END_TEST

START_TEST(sent_files_are_read)
{
	int fd = open_by_call("mapped", O_RDONLY);
	cleanup_close int to = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int64_t offset = (int64_t)at(30);
	int64_t n = CALL(SYS_sendfile, (uint64_t)to, (uint64_t)fd, ADDRESS(&offset), at(2));

	ck_assert_int_eq(n, (int64_t)at(2));
	ck_assert_uint_eq(pageset_file_pages(seen("mapped")), 2);
	ck_assert(pageset_file_has(seen("mapped"), 30));
	ck_assert(pageset_file_has(seen("mapped"), 31));
	close(fd);
}
END_TEST

/* How a descriptor's number comes to stand for another file. */
START_TEST(a_number_is_not_a_file_for_ever)
{
	char byte;
	int fd = open_by_call("mapped", O_RDONLY);

	write_file("other", "x", 1, 0600);
	ck_assert_int_eq(CALL(SYS_read, (uint64_t)fd, ADDRESS(&byte), 1), 1);
	int other = open_by_call("other", O_RDONLY);

	if (_i == 0) {
		ck_assert_int_eq(CALL(SYS_dup3, (uint64_t)other, (uint64_t)fd, O_CLOEXEC), fd);
	} else if (_i == 1) {
		ck_assert_int_eq(CALL(SYS_close, (uint64_t)fd), 0);
		ck_assert_int_eq(CALL(SYS_fcntl, (uint64_t)other, F_DUPFD_CLOEXEC, (uint64_t)fd), fd);
	} else {
		ck_assert_int_eq(CALL(SYS_close_range, (uint64_t)fd, (uint64_t)fd, 0), 0);
		ck_assert_int_eq(fcntl(other, F_DUPFD_CLOEXEC, fd), fd);
	}
	ck_assert_int_eq(CALL(SYS_read, (uint64_t)fd, ADDRESS(&byte), 1), 1);
	assert_access("other", PAGESET_OPENED | PAGESET_READ);
	ck_assert_uint_eq(pageset_file_pages(seen("other")), 1);
	close(fd);
	close(other);
}
END_TEST

static bool is_mapped(uint64_t start, uint64_t end)
{
	const struct addrspace_mappings *mappings = &record.addrspaces->mappings;

	for (size_t i = 0; i < mappings->n_items; i++)
		if (mappings->items[i].start < end && mappings->items[i].end > start)
			return true;
	return false;
}

START_TEST(mappings_come_and_go)
{
	int fd = open_by_call("mapped", O_RDONLY);
	uint64_t start = (uint64_t)CALL(SYS_mmap, 0, at(8) - 1, PROT_READ, MAP_PRIVATE, (uint64_t)fd, at(4));

	assert_access("mapped", PAGESET_OPENED | PAGESET_MAPPED);
	ck_assert_uint_eq(record.addrspaces->mappings.n_items, 1);
	ck_assert_uint_eq(record.addrspaces->mappings.items[0].end, start + at(8));
	ck_assert_uint_eq(record.addrspaces->mappings.items[0].first_page, 4);
	(void)*(const volatile char *)(uintptr_t)(start + at(3));
	/* Seen at the last moment. */
	ck_assert_int_eq(CALL(SYS_munmap, start + at(3), at(1)), 0);
	ck_assert(pageset_file_has(seen("mapped"), 7));
	ck_assert_uint_eq(record.addrspaces->mappings.n_items, 2);
	ck_assert_int_eq(CALL(SYS_mmap, start, at(2), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			      (uint64_t)-1, 0),
			 (int64_t)start);
	ck_assert(!is_mapped(start, start + at(2)));
	ck_assert(is_mapped(start + at(2), start + at(3)));
	ck_assert_int_eq(CALL(SYS_munmap, start, at(8)), 0);
	ck_assert_uint_eq(record.addrspaces->mappings.n_items, 0);
	close(fd);
}
END_TEST

START_TEST(what_is_moved_over_a_mapping_hides_it)
{
	int fd = open_by_call("mapped", O_RDONLY);
	uint64_t start = (uint64_t)CALL(SYS_mmap, 0, at(4), PROT_READ, MAP_PRIVATE, (uint64_t)fd, 0);
	uint64_t other =
		(uint64_t)CALL(SYS_mmap, 0, at(1), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0);

	ck_assert_int_eq(CALL(SYS_mremap, other, at(1), at(1), MREMAP_MAYMOVE | MREMAP_FIXED, start + at(1)),
			 (int64_t)(start + at(1)));
	ck_assert(!is_mapped(start + at(1), start + at(2)));
	ck_assert(is_mapped(start, start + at(1)));
	close(fd);
}
END_TEST

/* Another root, from a call on; this process keeps a way back. */
START_TEST(who_leaves_is_elsewhere)
{
	cleanup_close int root = open("/", O_PATH | O_CLOEXEC);

	ck_assert_int_eq(CALL(SYS_unshare, CLONE_FS), 0);
	ck_assert(!(process.flags & PROCESS_IS_ELSEWHERE));
	ck_assert_int_eq(mkdir("root", 0700), 0);
	ck_assert_int_eq(CALL(SYS_chroot, ADDRESS("root")), 0);
	ck_assert_int_eq(fchdir(root), 0);
	ck_assert_int_eq(chroot("."), 0);
	ck_assert(process.flags & PROCESS_IS_ELSEWHERE);
}
END_TEST

START_TEST(directories_are_listed)
{
	char entries[4096];
	int fd = open_by_call(".", O_RDONLY | O_DIRECTORY);

	ck_assert_int_gt(CALL(SYS_getdents64, (uint64_t)fd, ADDRESS(entries), sizeof(entries)), 0);
	ck_assert_ptr_nonnull(pageset_find(&record.seen, scratch));
	ck_assert(pageset_find(&record.seen, scratch)->access & PAGESET_LISTED);
	close(fd);
}
END_TEST

START_TEST(elsewhere_paths_are_looked_for)
{
	const char *name = scratch_path("a");

	process.flags |= PROCESS_IS_ELSEWHERE;
	ck_assert_int_lt(CALL(SYS_faccessat, HERE, ADDRESS(name), F_OK), 0);
	ck_assert_uint_eq(record.seen.n_files, 1);
	ck_assert_ptr_nonnull(pageset_find(&record.seen, name));
	ck_assert_int_lt(CALL(SYS_faccessat, HERE, ADDRESS("/proc/self/none"), F_OK), 0);
	ck_assert_uint_eq(record.seen.n_files, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("follow_files");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, opening_is_noted);
	tcase_add_test(t, names_are_made_absolute);
	tcase_add_test(t, a_link_and_what_it_leads_to);
	tcase_add_test(t, what_is_no_disk_file_is_passed_over);
	tcase_add_test(t, reads_are_pages);
	tcase_add_test(t, sent_files_are_read);
	tcase_add_loop_test(t, a_number_is_not_a_file_for_ever, 0, 3);
	tcase_add_test(t, mappings_come_and_go);
	tcase_add_test(t, what_is_moved_over_a_mapping_hides_it);
	tcase_add_test(t, directories_are_listed);
	if (can_test(geteuid() == 0, "other roots (needs root)"))
		tcase_add_test(t, who_leaves_is_elsewhere);
	tcase_add_test(t, elsewhere_paths_are_looked_for);
	suite_add_tcase(s, t);
	return run_suite(s);
}
