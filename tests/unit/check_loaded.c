#include "sys/loaded.h"

#include "support.h"
#include "sys/cleanup.h"

enum keep { KEEP_NOTHING, KEEP_FIRST_PAGE };

static void copy_program(const char *name)
{
	static char bytes[1 << 22];
	cleanup_close int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, sizeof(bytes));

	ck_assert_int_gt(n, 0);
	write_file(name, bytes, (size_t)n, 0755);
}

/* Others on the machine may empty the caches in between, names too: then once more. */
static bool is_resident_after_use(const char *used, const char *path)
{
	bool is_resident = false;

	for (int i = 0; i < 100 && !is_resident; i++) {
		copy_program(used);
		/* Its name is in memory while it is open. */
		cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

		ck_assert_int_ge(fd, 0);
		is_resident = loaded_is_resident(path);
	}
	return is_resident;
}

/* A look begins to read what is missing: a fast disk may be done before it is over. */
static bool is_resident_without(const char *evicted, const char *path, enum keep keep)
{
	cleanup_close int fd = open(evicted, O_RDONLY | O_CLOEXEC);
	bool is_resident = true;
	char byte;

	ck_assert_int_eq(fsync(fd), 0);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	for (int i = 0; i < 100 && is_resident; i++) {
		ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		ck_assert(keep == KEEP_NOTHING || pread(fd, &byte, 1, 0) == 1);
		is_resident = loaded_is_resident(path);
	}
	return is_resident;
}

START_TEST(what_was_just_written_is_in_memory)
{
	const char *path = scratch_path("program");

	ck_assert(is_resident_after_use(path, path));
	ck_assert(!is_resident_without(path, path, KEEP_NOTHING));
}
END_TEST

/* As it is after a look at what kind of file it is. */
START_TEST(its_first_page_is_not_enough)
{
	const char *path = scratch_path("program");

	copy_program(path);
	ck_assert(!is_resident_without(path, path, KEEP_FIRST_PAGE));
}
END_TEST

START_TEST(of_a_script_the_interpreter_counts)
{
	char script[2 * PATH_MAX], interpreter[PATH_MAX];

	snprintf(interpreter, sizeof(interpreter), "%s", scratch_path("interpreter"));
	int n = snprintf(script, sizeof(script), "#! %s -e\n", interpreter);

	write_file("script", script, (size_t)n, 0755);
	ck_assert(is_resident_after_use(interpreter, scratch_path("script")));
	ck_assert(!is_resident_without(interpreter, scratch_path("script"), KEEP_NOTHING));
}
END_TEST

START_TEST(what_is_no_program_is_not)
{
	static const char malformed[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, [54] = 56, [56] = (char)0xff };

	write_file("text", "text", 4, 0755);
	write_file("empty", "", 0, 0755);
	write_file("malformed", malformed, sizeof(malformed), 0755);
	write_file("relative", "#!sh\n", 5, 0755);
	ck_assert_int_eq(mkfifo("fifo", 0700), 0);
	ck_assert(!loaded_is_resident(scratch_path("text")));
	ck_assert(!loaded_is_resident(scratch_path("empty")));
	ck_assert(!loaded_is_resident(scratch_path("malformed")));
	ck_assert(!loaded_is_resident(scratch_path("relative")));
	ck_assert(!loaded_is_resident(scratch_path("fifo")));
	ck_assert(!loaded_is_resident(scratch_path("missing")));
	ck_assert(!loaded_is_resident("/"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loaded");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter_on_disk, scratch_leave);
	tcase_add_test(t, what_was_just_written_is_in_memory);
	tcase_add_test(t, its_first_page_is_not_enough);
	tcase_add_test(t, of_a_script_the_interpreter_counts);
	tcase_add_test(t, what_is_no_program_is_not);
	suite_add_tcase(s, t);
	return run_suite(s);
}
