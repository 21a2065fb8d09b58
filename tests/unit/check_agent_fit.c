#include "trace/agent_fit.h"

#include "support.h"
#include "sys/elfinfo_needs.h"

#define OWN "/proc/self/exe"

static bool is_linked_as_we_are(const char *path)
{
	return agent_fits(path, OWN);
}

START_TEST(a_program_with_our_libc_fits)
{
	ck_assert(is_linked_as_we_are("/bin/true"));
	ck_assert(is_linked_as_we_are("/usr/bin/env"));
}
END_TEST

START_TEST(a_script_is_what_its_interpreter_is)
{
	const char one[] = "#! /bin/sh -e\n";
	const char two[] = "#!./one\n";
	const char three[] = "#!/missing\n";
	char four[PATH_MAX + 8];

	write_file("one", one, sizeof(one) - 1, 0755);
	write_file("two", two, sizeof(two) - 1, 0755);
	write_file("three", three, sizeof(three) - 1, 0755);
	snprintf(four, sizeof(four), "#!%s\n", scratch_path("one"));
	write_file("four", four, strlen(four), 0755);
	ck_assert(is_linked_as_we_are("one"));
	ck_assert(!is_linked_as_we_are("two")); /* not by an absolute path */
	ck_assert(!is_linked_as_we_are("three"));
	ck_assert(is_linked_as_we_are("four"));
}
END_TEST

/* A copy of a program with another word in place of one, that is no shorter. False: it has no such word. */
static bool make_other_of(const char *program, const char *name, const char *word, const char *other)
{
	static char data[4 << 20];
	cleanup_close int fd = open(program, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, data, sizeof(data));
	char *at = n > 0 ? memmem(data, (size_t)n, word, strlen(word)) : NULL;

	if (!at)
		return false;
	memcpy(at, other, strlen(other));
	write_file(name, data, (size_t)n, 0755);
	return true;
}

static void make_other(const char *name, const char *word, const char *other)
{
	ck_assert(make_other_of("/bin/true", name, word, other));
}

START_TEST(another_loader_libc_or_a_sanitizer_does_not)
{
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs needs = { 0 };
	cleanup_close int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(elfinfo_read_needs(fd, &needs), 0);
	make_other("loader", needs.interpreter, "/x");
	ck_assert(!is_linked_as_we_are("loader"));
	make_other("libc", "libc.so.6", "libc.so.7");
	ck_assert(!is_linked_as_we_are("libc"));
	make_other("sanitizer", "libc.so.6", "libasan.5");
	ck_assert(!is_linked_as_we_are("sanitizer"));
	/* Beside the libc, too: in place of another library. */
	if (make_other_of("/bin/ls", "with-libc", "libselinux.so.1", "libasan.so.8xx1")) {
		ck_assert(is_linked_as_we_are("/bin/ls"));
		ck_assert(!is_linked_as_we_are("with-libc"));
	}
	make_other("same", "libc.so.6", "libc.so.6");
	ck_assert(is_linked_as_we_are("same"));
}
END_TEST

START_TEST(no_program_does_not)
{
	write_file("text", "echo\n", 5, 0755);
	ck_assert(!is_linked_as_we_are("text"));
	ck_assert(!is_linked_as_we_are("missing"));
	ck_assert(!is_linked_as_we_are("/"));
	if (access("/sbin/ldconfig.real", R_OK) == 0)
		ck_assert(!is_linked_as_we_are("/sbin/ldconfig.real"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent_fit");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, a_program_with_our_libc_fits);
	tcase_add_test(t, a_script_is_what_its_interpreter_is);
	tcase_add_test(t, another_loader_libc_or_a_sanitizer_does_not);
	tcase_add_test(t, no_program_does_not);
	suite_add_tcase(s, t);
	return run_suite(s);
}
