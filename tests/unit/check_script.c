#include "sys/script.h"

#include "support.h"

static const struct {
	const char *text;
	const char *interpreter; /* NULL: none */
} scripts[] = {
	{ "#!/bin/sh\n", "/bin/sh" },
	{ "#! \t/bin/sh -e\necho\n", "/bin/sh" },
	{ "#!/usr/bin/env python3", "/usr/bin/env" },
	{ "#!sh\n", NULL },
	{ "#!\n/bin/sh\n", NULL },
	{ "# /bin/sh\n", NULL },
	{ "#!", NULL },
	{ "", NULL },
};

START_TEST(the_first_line_names_it)
{
	char interpreter[SCRIPT_INTERPRETER_BYTES] = "";

	write_file("script", scripts[_i].text, strlen(scripts[_i].text), 0755);
	ck_assert_int_eq(script_read_interpreter("script", interpreter), scripts[_i].interpreter != NULL);
	if (scripts[_i].interpreter)
		ck_assert_str_eq(interpreter, scripts[_i].interpreter);
}
END_TEST

START_TEST(no_file_is_no_script)
{
	char interpreter[SCRIPT_INTERPRETER_BYTES];

	ck_assert(!script_read_interpreter("missing", interpreter));
	ck_assert(!script_read_interpreter(".", interpreter));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("script");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_loop_test(t, the_first_line_names_it, 0, sizeof(scripts) / sizeof(scripts[0]));
	tcase_add_test(t, no_file_is_no_script);
	suite_add_tcase(s, t);
	return run_suite(s);
}
