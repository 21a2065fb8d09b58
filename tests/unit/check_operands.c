#include "operands.h"

#include "support.h"

static struct operands operands;

static char *arguments[128];

/* Ends with NULL. */
static void list(const char *profile, size_t n, const char *const argv[])
{
	ck_assert_uint_le(n, sizeof(arguments) / sizeof(*arguments));
	memcpy(arguments, argv, n * sizeof(*argv));
	operands_release(&operands);
	ck_assert_int_eq(operands_list(arguments, "/work/dir", profile, &operands), 0);
}

#define LIST(profile, ...)                                                                                   \
	do {                                                                                                 \
		const char *const argv_[] = { "program", __VA_ARGS__, NULL };                                \
		list(profile, sizeof(argv_) / sizeof(*argv_), argv_);                                        \
	} while (0)

static void assert_paths(size_t n, const char *const *expected)
{
	ck_assert_uint_eq(operands.n, n);
	for (size_t i = 0; i < n; i++) {
		char path[PATH_MAX];

		ck_assert(operands_path(&operands, &operands.items[i], path));
		operands_tidy_path(path);
		ck_assert_str_eq(path, expected[i]);
	}
}

#define ASSERT_PATHS(...)                                                                                    \
	do {                                                                                                 \
		const char *const expected_[] = { __VA_ARGS__ };                                             \
		assert_paths(sizeof(expected_) / sizeof(*expected_), expected_);                             \
	} while (0)

static void release(void)
{
	operands_release(&operands);
}

START_TEST(paths_are_those_of_the_working_directory)
{
	LIST("", "notes", "./a//b/", "../up", "/abs/../x", "/..");
	ASSERT_PATHS("/work/dir/notes", "/work/dir/a/b", "/work/up", "/x", "/");
}
END_TEST

START_TEST(what_is_attached_to_an_option_counts)
{
	LIST("", "--input=a", "if=b", "-Iinclude", "@list", "-v", "--long");
	ASSERT_PATHS("/work/dir/a", "/work/dir/b", "/work/dir/if=b", "/work/dir/include", "/work/dir/list",
		     "/work/dir/@list");
}
END_TEST

START_TEST(urls_of_this_machine_are_paths)
{
	char path[PATH_MAX];

	LIST("", "file:///a%20b/%c3%a4.png", "file://localhost/c#part");
	ASSERT_PATHS("/a b/\xc3\xa4.png", "/c");
	LIST("", "file://elsewhere/c", "file:///a%00b");
	ck_assert_uint_eq(operands.n, 2);
	ck_assert(!operands_path(&operands, &operands.items[0], path));
	ck_assert(!operands_path(&operands, &operands.items[1], path));
}
END_TEST

START_TEST(options_end_with_two_dashes)
{
	LIST("", "-a", "--", "-b", "-");
	ck_assert_uint_eq(operands.n, 1);
	ASSERT_PATHS("/work/dir/-b");
}
END_TEST

static uint8_t code_of(const char *name)
{
	for (size_t i = 0; i < operands.n; i++)
		if (strcmp(operands.items[i].name, name) == 0)
			return operands.items[i].code;
	ck_abort_msg("%s", name);
	return 0;
}

START_TEST(codes_tell_places_apart)
{
	LIST("", "a", "-o", "b", "--out=c", "--out", "d", "e");
	ck_assert_uint_eq(code_of("a"), PAGESET_OPERAND_FIRST);
	ck_assert_uint_eq(code_of("e"), PAGESET_OPERAND_FIRST + 1);
	ck_assert_uint_ge(code_of("b"), PAGESET_OPERAND_OPTION);
	ck_assert_uint_eq(code_of("c"), code_of("d"));

	uint8_t b = code_of("b");

	LIST("", "-ob");
	ck_assert_uint_eq(code_of("b"), b);
}
END_TEST

START_TEST(there_are_not_more_codes_than_a_shadow_takes)
{
	enum { N = 100 };
	const char *argv[N + 2] = { "program" };

	for (int i = 1; i <= N; i++)
		argv[i] = "x";
	list("", N + 2, argv);
	ck_assert_uint_eq(operands.n, N);
	for (int i = 0; i < N; i++) {
		ck_assert_uint_ge(operands.items[i].code, PAGESET_OPERAND_FIRST);
		ck_assert_uint_lt(operands.items[i].code, PAGESET_OPERAND_OPTION);
	}
}
END_TEST

START_TEST(the_file_of_the_profile_is_none)
{
	LIST("/work/dir/tool.py", "tool.py", "tool.pyc");
	ck_assert_uint_eq(code_of("tool.py"), PAGESET_NO_OPERAND);
	ck_assert_uint_ne(code_of("tool.pyc"), PAGESET_NO_OPERAND);
	LIST("python3 /work/dir/tool.py", "python3", "./tool.py");
	ck_assert_uint_eq(code_of("./tool.py"), PAGESET_NO_OPERAND);
	LIST("-m /work", "/work/x");
	ck_assert_uint_ne(code_of("/work/x"), PAGESET_NO_OPERAND);
}
END_TEST

START_TEST(without_a_directory_only_absolute_names_count)
{
	char path[PATH_MAX];
	char *nothing = NULL;

	LIST("", "a", "/b");
	operands_release(&operands);
	ck_assert_int_eq(operands_list(arguments, NULL, "", &operands), 0);
	ck_assert(!operands_path(&operands, &operands.items[0], path));
	ck_assert(operands_path(&operands, &operands.items[1], path));
	operands_release(&operands);
	ck_assert_int_eq(operands_list(&nothing, NULL, "", &operands), 0);
	ck_assert_uint_eq(operands.n, 0);
}
END_TEST

START_TEST(what_is_too_long_is_no_path)
{
	char name[2 * PATH_MAX];
	char path[PATH_MAX];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	LIST("", name);
	ck_assert(!operands_path(&operands, &operands.items[0], path));
	memcpy(name, "file:///", 8);
	LIST("", name);
	ck_assert(!operands_path(&operands, &operands.items[0], path));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operands");
	TCase *core = tcase_create("core");

	tcase_add_checked_fixture(core, NULL, release);
	tcase_add_test(core, paths_are_those_of_the_working_directory);
	tcase_add_test(core, what_is_attached_to_an_option_counts);
	tcase_add_test(core, urls_of_this_machine_are_paths);
	tcase_add_test(core, options_end_with_two_dashes);
	tcase_add_test(core, codes_tell_places_apart);
	tcase_add_test(core, there_are_not_more_codes_than_a_shadow_takes);
	tcase_add_test(core, the_file_of_the_profile_is_none);
	tcase_add_test(core, without_a_directory_only_absolute_names_count);
	tcase_add_test(core, what_is_too_long_is_no_path);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
