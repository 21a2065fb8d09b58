#include "trace/mapped_files.h"

#include <sys/sysmacros.h>

#include "support.h"

static struct mapped_files files;
static char text[8 * PATH_MAX];
static size_t size;

static void set_up(void)
{
	scratch_enter();
	write_file("a", "x", 1, 0600);
	write_file("b", "xy", 2, 0600);
	size = 0;
}

static void tear_down(void)
{
	mapped_files_release(&files);
	files = (struct mapped_files){ 0 };
	scratch_leave();
}

/* One more page of a file, which is called name, as maps have it. */
static void add(const char *path, const char *name)
{
	struct stat st = { 0 };

	if (path)
		ck_assert_int_eq(stat(path, &st), 0);
	size += (size_t)snprintf(text + size, sizeof(text) - size,
				 "%zx000-%zx000 r-xp 00001000 %02x:%02x %ju %s\n", size + 1, size + 2,
				 major(st.st_dev), minor(st.st_dev), (uintmax_t)st.st_ino, name);
	ck_assert_uint_lt(size, sizeof(text));
}

static void add_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", scratch_path(name));
	add(path, path);
}

static void begin(void)
{
	ck_assert_int_eq(mapped_files_take(&files, text, size), 0);
}

static void assert_next(const char *name, uint64_t size_bytes)
{
	struct procmaps_entry entry;

	ck_assert(mapped_files_next(&files, &entry));
	ck_assert_str_eq(files.path, scratch_path(name));
	ck_assert_uint_eq(files.id.size_bytes, size_bytes);
	ck_assert_uint_lt(entry.start, entry.end);
}

static void assert_end(void)
{
	struct procmaps_entry entry;

	ck_assert(!mapped_files_next(&files, &entry));
}

START_TEST(each_mapping_of_a_file_is_told_and_nothing_else)
{
	add(NULL, "[heap]");
	add_file("a");
	add_file("a");
	add("/proc/self/stat", "/proc/self/stat");
	add(NULL, "");
	add_file("b");
	add_file("a");
	for (int i = 0; i < 2; i++) { /* again: from the beginning */
		begin();
		assert_next("a", 1);
		assert_next("a", 1);
		assert_next("b", 2);
		assert_next("a", 1);
		assert_end();
		assert_end();
	}
}
END_TEST

/* Exchanged, removed, or called like another one since it was mapped. */
START_TEST(what_has_gone_from_its_path_is_passed_over)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", scratch_path("a"));
	add("b", path);
	add_file("b");
	ck_assert_int_eq(snprintf(path, sizeof(path), "%s (deleted)", scratch_path("a")) > 0, 1);
	add("a", path);
	begin();
	assert_next("b", 2);
	assert_end();
}
END_TEST

/* One look at a file is enough for the segments that stand together, not for those that come later. */
START_TEST(a_file_is_looked_up_once_for_its_segments)
{
	struct procmaps_entry entry;

	add_file("a");
	add_file("a");
	add_file("b");
	add_file("a");
	begin();
	assert_next("a", 1);
	ck_assert_int_eq(unlink("a"), 0);
	ck_assert(mapped_files_next(&files, &entry));
	ck_assert_str_eq(files.path, scratch_path("a"));
	assert_next("b", 2);
	assert_end();
}
END_TEST

START_TEST(what_is_excluded_is_passed_over)
{
	cleanup_with(exclusions_release) struct exclusions excluded = { 0 };

	ck_assert_int_eq(exclusions_add(&excluded, scratch_path("a"), NULL), 0);
	add_file("a");
	add_file("b");
	files.excluded = &excluded;
	begin();
	assert_next("b", 2);
	assert_end();
	ck_assert(!mapped_files_may_have(&excluded, scratch_path("a")));
	ck_assert(mapped_files_may_have(&excluded, scratch_path("b")));
}
END_TEST

START_TEST(what_lives_in_memory_is_none_of_our_business)
{
	static const char *const elsewhere[] = { "/proc/self/exe", "/sys/x", "/dev/shm/x", "/run/x" };
	static const char *const here[] = { "/processes", "/devel/x", "/usr/run/x", "/" };

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		ck_assert(!mapped_files_may_have(NULL, elsewhere[i]));
		ck_assert(mapped_files_may_have(NULL, here[i]));
	}
}
END_TEST

START_TEST(one_finds_oneself)
{
	struct procmaps_entry entry;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	bool is_found = false;

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	ck_assert_int_eq(mapped_files_read(&files, getpid()), 0);
	while (mapped_files_next(&files, &entry))
		is_found |= strcmp(files.path, self) == 0;
	ck_assert(is_found);
	/* A process that is not there: what was read before is not taken for its. */
	ck_assert_int_lt(mapped_files_read(&files, 0x7ffffffe), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mapped_files");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, each_mapping_of_a_file_is_told_and_nothing_else);
	tcase_add_test(t, what_has_gone_from_its_path_is_passed_over);
	tcase_add_test(t, a_file_is_looked_up_once_for_its_segments);
	tcase_add_test(t, what_is_excluded_is_passed_over);
	tcase_add_test(t, what_lives_in_memory_is_none_of_our_business);
	tcase_add_test(t, one_finds_oneself);
	suite_add_tcase(s, t);
	return run_suite(s);
}
