#include "unit.h"

#include "support.h"

#define HEAD "# Made by pbrun --unit, taken back by pbrun --undo.\n[Service]\nExecStart=\n"

/* expected NULL: there is nothing to change. */
static void assert_drop_in(const char *text, const char *options, const char *expected)
{
	cleanup_with(unit_release) struct unit unit = { 0 };
	cleanup_free char *drop_in = NULL;

	ck_assert_int_eq(unit_add(&unit, text), 0);
	int r = unit_drop_in(&unit, "/usr/bin/pbrun", options, &drop_in);

	ck_assert_int_eq(r, expected ? 0 : -ENODATA);
	if (!expected)
		return;
	ck_assert_msg(strcmp(drop_in, expected) == 0, "%s", drop_in);
	ck_assert(unit_is_drop_in(drop_in));
}

START_TEST(prefixes_and_quotes_stay)
{
	static const char *const cases[][2] = {
		{ "/bin/x --a  %i", "/usr/bin/pbrun /bin/x --a %i" },
		{ "-/bin/x", "-/usr/bin/pbrun /bin/x" },
		{ "!!-:+/bin/x $$ ${A}", "!!-:+/usr/bin/pbrun /bin/x $$ ${A}" },
		{ "@/bin/x y z", "@/usr/bin/pbrun pbrun --argv0 y /bin/x z" },
		{ "-@\"/bin/x y\" 'a b' z", "-@/usr/bin/pbrun pbrun --argv0 'a b' \"/bin/x y\" z" },
		{ "\"-/bin/x y\" z", "-/usr/bin/pbrun \"/bin/x y\" z" },
		{ "/bin/x \"a ; b\" 'c\\' d' \\; e", "/usr/bin/pbrun /bin/x \"a ; b\" 'c\\' d' \\; e" },
		{ "/bin/x ; -/bin/y z ; /bin/pbrun v",
		  "/usr/bin/pbrun /bin/x ; -/usr/bin/pbrun /bin/y z ; /bin/pbrun v" },
		{ "/opt/$x", "/usr/bin/pbrun /opt/$$x" },
		{ ":/opt/$x", ":/usr/bin/pbrun /opt/$x" },
		{ "x", "/usr/bin/pbrun x" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		char expected[256];

		snprintf(text, sizeof(text), "[Service]\nExecStart=%s\n", cases[i][0]);
		snprintf(expected, sizeof(expected), HEAD "ExecStart=%s\n", cases[i][1]);
		assert_drop_in(text, NULL, expected);
	}
	assert_drop_in("[Service]\nExecStart=@/bin/x y z", "-d /a",
		       HEAD "ExecStart=@/usr/bin/pbrun pbrun --argv0 y -d /a /bin/x z\n");
}
END_TEST

START_TEST(lines_are_read_as_systemd_does)
{
	assert_drop_in("[Unit]\nExecStart=/bin/no\n"
		       "[Service]\n"
		       "# ExecStart=/bin/no\n"
		       "  ; ExecStart=/bin/no\n"
		       "ExecStartPre=/bin/no\n"
		       "ExecStart = /bin/a \\\n"
		       "  # a comment \\\n"
		       "\tb \\\r\n"
		       "c\r\n"
		       "ExecStart=/bin/d\n"
		       "[Install]\nExecStart=/bin/no\n",
		       NULL, HEAD "ExecStart=/usr/bin/pbrun /bin/a b c\nExecStart=/usr/bin/pbrun /bin/d\n");
	assert_drop_in("[Service]\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b", NULL,
		       HEAD "ExecStart=/usr/bin/pbrun /bin/b\n");
	assert_drop_in("[Service]\nExecStart=/bin/a \\\\\nExecStart=/bin/b \\\\\\\n/c\n", NULL,
		       HEAD
		       "ExecStart=/usr/bin/pbrun /bin/a \\\\\nExecStart=/usr/bin/pbrun /bin/b \\\\ /c\n");
	assert_drop_in("[Service]\nExecStart=/bin/a\n[Service]\nExecStart=\n", NULL, NULL);
	assert_drop_in("[Service]\nExecStart=-/bin/pbrun x\n", NULL, NULL);
	assert_drop_in("[Service]\nExecStart=\"/my bin/pbrun\" x\n", NULL, NULL);
	assert_drop_in("", NULL, NULL);
	ck_assert(!unit_is_drop_in("[Service]\nExecStart=\n"));
}
END_TEST

START_TEST(files_add_up)
{
	cleanup_with(unit_release) struct unit unit = { 0 };

	ck_assert_int_eq(unit_add(&unit, "[Service]\nExecStart=a\nUser=root\n"), 0);
	ck_assert_uint_eq(unit.traits, 0);
	ck_assert_int_eq(unit_add(&unit, "[Service]\nUser=me\n"), 0);
	ck_assert_uint_eq(unit.traits, UNIT_USER);
	ck_assert_int_eq(unit_add(&unit, "[Service]\nDynamicUser=On\n"), 0);
	ck_assert_uint_eq(unit.traits, UNIT_USER | UNIT_DYNAMIC_USER);
	ck_assert_int_eq(unit_add(&unit, "[Service]\nExecStart=b\nUser=\n"), 0);
	ck_assert_uint_eq(unit.traits, UNIT_DYNAMIC_USER);
	ck_assert_int_eq(unit_add(&unit, "[Service]\nDynamicUser=off\n"), 0);
	ck_assert_uint_eq(unit.traits, 0);
	ck_assert_uint_eq(unit.n_commands, 2);
	for (size_t i = unit.n_commands; i < UNIT_MAX_COMMANDS; i++)
		ck_assert_int_eq(unit_add(&unit, "[Service]\nExecStart=c\n"), 0);
	ck_assert_int_eq(unit_add(&unit, "[Service]\nExecStart=c\n"), -E2BIG);
}
END_TEST

START_TEST(in_another_root_there_is_no_pbrun)
{
	static const char *const others[] = { "RootDirectory=/srv/x", "RootImage=/srv/x.raw" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		cleanup_with(unit_release) struct unit unit = { 0 };
		cleanup_free char *drop_in = NULL;
		char text[64];

		snprintf(text, sizeof(text), "[Service]\n%s\nExecStart=/bin/x\n", others[i]);
		ck_assert_int_eq(unit_add(&unit, text), 0);
		ck_assert_int_eq(unit_drop_in(&unit, "/usr/bin/pbrun", NULL, &drop_in), -EXDEV);
	}
	assert_drop_in("[Service]\nRootDirectory=/srv/x\nRootDirectory=/\nRootImage=\nExecStart=/bin/x\n",
		       NULL, HEAD "ExecStart=/usr/bin/pbrun /bin/x\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unit");
	TCase *t = tcase_create("core");

	tcase_add_test(t, prefixes_and_quotes_stay);
	tcase_add_test(t, lines_are_read_as_systemd_does);
	tcase_add_test(t, files_add_up);
	tcase_add_test(t, in_another_root_there_is_no_pbrun);
	suite_add_tcase(s, t);
	return run_suite(s);
}
