#include "desktop.h"

#include "support.h"

static void assert_wrapped(const char *text, const char *pbrun, const char *expected)
{
	cleanup_free char *wrapped = NULL;

	ck_assert_int_eq(desktop_wrap(text, pbrun, "/s/a b.desktop", &wrapped), 0);
	ck_assert_str_eq(wrapped, expected);
}

START_TEST(only_exec_of_the_entry_and_its_actions_changes)
{
	assert_wrapped("#!/usr/bin/env xdg-open\n"
		       "# comment Exec=x\n"
		       "[Desktop Entry]\n"
		       "Type=Application\n"
		       "TryExec=prog\n"
		       "Exec=prog %u --a=\"b c\"\n"
		       "DBusActivatable=false\n"
		       "StartupWMClass=Prog\n"
		       "Name[de]=Exec=x\n"
		       "\n"
		       "[Desktop Action new]\r\n"
		       "Exec = \"/opt/my prog\" --new\r\n"
		       "[X-Other Group]\n"
		       "Exec=prog\n"
		       "[Desktop Action old]\n"
		       "Exec=",
		       "/usr/bin/pbrun",
		       "#!/usr/bin/env xdg-open\n"
		       "# comment Exec=x\n"
		       "[Desktop Entry]\n"
		       "X-Pbrun-Source=/s/a b.desktop\n"
		       "Type=Application\n"
		       "TryExec=prog\n"
		       "Exec=/usr/bin/pbrun prog %u --a=\"b c\"\n"
		       "DBusActivatable=false\n"
		       "StartupWMClass=Prog\n"
		       "Name[de]=Exec=x\n"
		       "\n"
		       "[Desktop Action new]\r\n"
		       "Exec = /usr/bin/pbrun \"/opt/my prog\" --new\r\n"
		       "[X-Other Group]\n"
		       "Exec=prog\n"
		       "[Desktop Action old]\n"
		       "Exec=");
}
END_TEST

START_TEST(the_path_of_pbrun_is_quoted)
{
	assert_wrapped("[Desktop Entry]\nExec=x\n", "/my programs/$1%\"\\/pbrun",
		       "[Desktop Entry]\nX-Pbrun-Source=/s/a b.desktop\n"
		       "Exec=\"/my programs/\\\\$1%%\\\\\"\\\\\\\\/pbrun\" x\n");
}
END_TEST

START_TEST(what_is_wrapped_is_not_wrapped_again)
{
	static const char *const commands[] = { "pbrun x", "/usr/bin/pbrun x", "\"/my programs/pbrun\" x",
						"pbrun" };
	static const char *const others[] = { "xpbrun x", "x pbrun", "/usr/bin/pbrun/x", "\"pbrun x\"" };

	for (size_t i = 0; i < 4; i++) {
		char text[256];
		char expected[256];

		snprintf(text, sizeof(text), "[Desktop Entry]\nX-Pbrun-Source=/other\nExec=%s\n",
			 commands[i]);
		snprintf(expected, sizeof(expected),
			 "[Desktop Entry]\nX-Pbrun-Source=/s/a b.desktop\nExec=%s\n", commands[i]);
		assert_wrapped(text, "/usr/bin/pbrun", expected);
		ck_assert_uint_eq(desktop_traits(text), DESKTOP_WRAPPED);
		snprintf(text, sizeof(text), "[Desktop Entry]\nExec=%s\n", others[i]);
		ck_assert_uint_eq(desktop_traits(text), DESKTOP_EXEC);
	}
}
END_TEST

START_TEST(traits)
{
	ck_assert_uint_eq(desktop_traits(""), 0);
	ck_assert_uint_eq(desktop_traits("Type=Application\nExec=x\n"), 0);
	ck_assert_uint_eq(
		desktop_traits("[Desktop Entry]\nType = Application \nHidden=true\nDBusActivatable=true"),
		DESKTOP_APPLICATION | DESKTOP_HIDDEN | DESKTOP_DBUS);
	ck_assert_uint_eq(
		desktop_traits("[Desktop Entry]\nType=Link\nHidden=false\n[Other]\nType=Application\n"), 0);
	ck_assert_uint_eq(desktop_traits("[Desktop Action a]\nExec=x\nHidden=true\n"), DESKTOP_EXEC);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("desktop");
	TCase *t = tcase_create("core");

	tcase_add_test(t, only_exec_of_the_entry_and_its_actions_changes);
	tcase_add_test(t, the_path_of_pbrun_is_quoted);
	tcase_add_test(t, what_is_wrapped_is_not_wrapped_again);
	tcase_add_test(t, traits);
	suite_add_tcase(s, t);
	return run_suite(s);
}
