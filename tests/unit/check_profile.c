#include "profile.h"

#include "support.h"

#define MAX_WORDS 20

/* Splits text at its spaces. */
static void split(char *text, char *argv[MAX_WORDS])
{
	size_t n = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		ck_assert_uint_lt(n, MAX_WORDS - 1);
		argv[n++] = word;
	}
	argv[n] = NULL;
}

/* expected NULL: no rule has the name. */
static void assert_profile(const char *rules, const char *command, const char *expected)
{
	cleanup_free char *text = strdup(command);
	cleanup_free char *profile = NULL;
	char *argv[MAX_WORDS];

	split(text, argv);
	int r = profile_of_command(argv, "/home/me", rules, &profile);

	ck_assert_msg(r == (expected ? 0 : -ENOENT), "%s: %d", command, r);
	if (expected)
		ck_assert_msg(strcmp(profile, expected) == 0, "%s: '%s'", command, profile);
}

START_TEST(builtin_rules)
{
	static const struct {
		const char *command, *profile;
	} cases[] = {
		{ "python3 tool.py --verbose", "/home/me/tool.py" },
		{ "/usr/bin/python3.11 -u -W ignore -X dev ./a/../tool.py", "/home/me/tool.py" },
		{ "python3 -Wignore -bb /opt//x/./tool.py", "/opt/x/tool.py" },
		{ "python3 -m http.server 80", "-m http.server" },
		{ "python3 -Im http.server", "-m http.server" },
		{ "python3 -mhttp.server", "-m http.server" },
		{ "python3 -c pass tool.py", "" },
		{ "python3 -Ic pass", "" },
		{ "python3 - tool.py", "" },
		{ "python3", "" },
		{ "python3 -- tool.py", "/home/me/tool.py" },
		{ "python3 -W", "" },
		{ "pythonic x", NULL },
		{ "perl -w x.pl", "/home/me/x.pl" },
		{ "perl -I lib -Mstrict x.pl", "/home/me/x.pl" },
		{ "perl -lne print x", "" },
		{ "perl -ie x.pl", "/home/me/x.pl" },
		{ "ruby -Ilib -rjson x.rb", "/home/me/x.rb" },
		{ "ruby -r json x.rb", "/home/me/x.rb" },
		{ "node app.js", "/home/me/app.js" },
		{ "node --require ./hook.js app.js", "/home/me/app.js" },
		{ "node --require=./hook.js --inspect app.js", "/home/me/app.js" },
		{ "node -p 1", "" },
		{ "java -Xmx1g -Dm=p -jar x.jar server", "/home/me/x.jar" },
		{ "java -cp a:b org.example.Main", "org.example.Main" },
		{ "java src/Main.java", "/home/me/src/Main.java" },
		{ "java -p mods -m app/org.example.Main", "-m app/org.example.Main" },
		{ "java --module-path=mods --module=app", "-m app" },
		{ "bash -x script", "/home/me/script" },
		{ "bash -o pipefail +x -- script", "/home/me/script" },
		{ "bash -euo pipefail script", "/home/me/script" },
		{ "bash -lc ls", "" },
		{ "-bash", "" },
		{ "sh ../script", "/home/script" },
		{ "sh ../../../script", "/script" },
		{ "wine game/x.exe", "/home/me/game/x.exe" },
		{ "wine C:\\game\\x.exe", "C:\\game\\x.exe" },
		{ "git status", "status" },
		{ "git -C /tmp -c a.b=c --no-pager log -p", "log" },
		{ "git --git-dir=/x --version", "" },
		{ "git /x", "" },
		{ "npm run build", "run build" },
		{ "npm install", "install" },
		{ "flatpak run --branch=stable --command=sh org.gimp.GIMP x", "run org.gimp.GIMP" },
		{ "flatpak --user run --arch x86_64 org.gimp.GIMP", "run org.gimp.GIMP" },
		{ "flatpak run", "run" },
		{ "flatpak list --app", "list" },
		{ "snap run firefox", "run firefox" },
		{ "env A=1 B=2 prog x", "prog" },
		{ "env -i -u HOME -C /tmp A=1 python3 tool.py", "python3 /home/me/tool.py" },
		{ "env -S a", "" },
		{ "env", "" },
		{ "env A=1", "" },
		{ "nice -n 5 env A=1 git log", "env git log" },
		{ "nice -10 /opt/prog", "/opt/prog" },
		{ "timeout -k 1 5 ./prog", "/home/me/prog" },
		{ "env env env env env env env prog", "env env env env" },
		{ "bwrap --ro-bind /usr /usr --symlink usr/lib /lib --proc /proc --chdir /x python3 -m "
		  "http.server",
		  "python3 -m http.server" },
		{ "bwrap --unshare-all --setenv A B --perms 0755 --dir /d -- /app/prog x", "/app/prog" },
		{ "bwrap --overlay-src /a --overlay /rw /work / prog", "prog" },
		{ "bwrap --ro-bind /usr", "" },
		{ "bwrap --overlay /rw", "" },
		{ "unshare -mpf --mount-proc -R /root --wd / python3 tool.py", "python3 /home/me/tool.py" },
		{ "unshare --mount=/x --map-user 0 git log", "git log" },
		{ "unshare -m sh -c prog", "sh" },
		{ "unshare", "" },
		{ "nsenter -t 1 -m/proc/1/ns/mnt --net prog", "prog" },
		{ "chroot --userspec 0:0 /srv/root /bin/prog x", "/bin/prog" },
		{ "chroot --groups=0 /srv/root", "" },
		{ "unshare -m chroot /srv/root python3 tool.py", "chroot python3 /home/me/tool.py" },
		{ "systemd-run --user --scope -q -p MemoryMax=1G --unit u prog x", "prog" },
		{ "systemd-run -qdGtunit -E A=1 --slice s prog", "prog" },
		{ "systemd-run -S", "" },
		{ "systemd-inhibit --why=x --what idle prog", "prog" },
		{ "setpriv --reuid me --clear-groups --groups=1 prog", "prog" },
		{ "setpriv --dump", "" },
		{ "fakeroot -l lib.so -- prog", "prog" },
		{ "firejail --net=none --private prog x", "prog" },
		{ "tini -g -p SIGTERM -- prog", "prog" },
		{ "dumb-init --rewrite 15:3 prog", "prog" },
		{ "inkscape x.svg", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_profile(NULL, cases[i].command, cases[i].profile);
	ck_assert_uint_eq(profile_find_fault(profile_builtin_rules), 0);
}
END_TEST

START_TEST(own_rules_come_first)
{
	const char rules[] = "# mine\n\n"
			     "python3 none\n"
			     "this is no rule\n"
			     "mytool  word\tthen=do,make value=--in\r\n"
			     "run-* script path=--file\n"
			     "jail command value2=-b,--bind value3=--over";

	ck_assert_uint_eq(profile_find_fault(rules), 4);
	assert_profile(rules, "python3 tool.py", "");
	assert_profile(rules, "python3.11 tool.py", "/home/me/tool.py");
	assert_profile(rules, "mytool --in x do --in y cake now", "do cake");
	assert_profile(rules, "mytool eat cake", "eat");
	assert_profile(rules, "run-it x", "/home/me/x");
	assert_profile(rules, "run-it --file y x", "/home/me/y");
	assert_profile(rules, "run-it --file=y x", "/home/me/y");
	assert_profile(rules, "jail -b 1 2 --over 1 2 3 prog", "prog");
	assert_profile(rules, "jail --bind 1 2 3 prog", "3");
	assert_profile(rules, "jail --over 1 2", "");
	assert_profile(rules, "this x", NULL);
}
END_TEST

START_TEST(no_rules)
{
	static const char *const faults[] = { "a",
					      "a verb",
					      "a word key=x",
					      "a word value=",
					      "a word value",
					      "a command value2",
					      "a command value4=-x",
					      "a command skip=x",
					      "a command skip=10" };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		ck_assert_msg(profile_find_fault(faults[i]) == 1, "%s", faults[i]);
		assert_profile(faults[i], "a b", NULL);
	}
	ck_assert_uint_eq(profile_find_fault(""), 0);
	ck_assert_uint_eq(profile_find_fault("# a\n"), 0);
}
END_TEST

START_TEST(too_long_a_profile_is_none)
{
	cleanup_free char *profile = NULL;
	char python[] = "python3", git[] = "git";
	char word[2 * PATH_MAX];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert_int_eq(profile_of_command((char *[]){ python, word, NULL }, "/", NULL, &profile), 0);
	ck_assert_str_eq(profile, "");
	free(take_pointer(profile));
	ck_assert_int_eq(profile_of_command((char *[]){ git, word, NULL }, "/", NULL, &profile), 0);
	ck_assert_str_eq(profile, "");
}
END_TEST

START_TEST(without_working_directory_paths_stay_as_they_are)
{
	cleanup_free char *profile = NULL;
	char python[] = "python3", script[] = "a.py";

	ck_assert_int_eq(profile_of_command((char *[]){ python, script, NULL }, NULL, NULL, &profile), 0);
	ck_assert_str_eq(profile, "a.py");
}
END_TEST

START_TEST(what_a_profile_owns)
{
	ck_assert(profile_owns("/home/me/tool.py", "/home/me/tool.py"));
	ck_assert(profile_owns("/home/me/tool.py", "/home/me/lib/x.py"));
	ck_assert(!profile_owns("/home/me/tool.py", "/home/mean.py"));
	ck_assert(!profile_owns("/home/me/tool.py", "/usr/lib/x.py"));
	ck_assert(profile_owns("/tool.py", "/tool.py"));
	ck_assert(!profile_owns("/tool.py", "/usr"));
	ck_assert(profile_owns("python3 /home/me/tool.py", "/home/me/x"));
	ck_assert(!profile_owns("status", "/usr/bin/git"));
	ck_assert(!profile_owns("", "/usr/bin/git"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("profile");
	TCase *t = tcase_create("core");

	tcase_add_test(t, builtin_rules);
	tcase_add_test(t, own_rules_come_first);
	tcase_add_test(t, no_rules);
	tcase_add_test(t, too_long_a_profile_is_none);
	tcase_add_test(t, without_working_directory_paths_stay_as_they_are);
	tcase_add_test(t, what_a_profile_owns);
	suite_add_tcase(s, t);
	return run_suite(s);
}
