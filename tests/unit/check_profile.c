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
		{ "flatpak run org.gimp.GIMP//stable x", "run org.gimp.GIMP//stable" },
		{ "flatpak run org.gimp.GIMP/x86_64/stable", "run org.gimp.GIMP/x86_64/stable" },
		{ "flatpak run app/org.gimp.GIMP/x86_64/stable x", "run app/org.gimp.GIMP/x86_64/stable" },
		{ "flatpak run --talk-name org.a.B org.python.py", "run org.python.py" },
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
}
END_TEST

START_TEST(builtin_rules_of_tools)
{
	static const struct {
		const char *command, *profile;
	} cases[] = {
		{ "kubectl get pods", "get" },
		{ "kubectl -n web --context dev -v 5 logs pod", "logs" },
		{ "kubectl -nweb --request-timeout=5s apply -f x", "apply" },
		{ "helm --kube-context dev install x ./chart", "install" },
		{ "minikube -p dev start", "start" },
		{ "systemctl status ssh", "status" },
		{ "systemctl --user -t service -H me@host list-units", "list-units" },
		{ "systemctl -tservice --no-pager -al", "" },
		{ "systemctl -n 5 -o json status", "status" },
		{ "loginctl -p Name show-session", "show-session" },
		{ "systemd-analyze --threshold 1 security", "security" },
		{ "apt update", "update" },
		{ "apt -t bookworm-backports install x", "install" },
		{ "apt-get -qqy -o Debug::x=1 install x", "install" },
		{ "apt-get -oDebug::x=1 -c conf upgrade", "upgrade" },
		{ "apt-cache policy bash", "policy" },
		{ "dnf -x kernel --enablerepo extra install x", "install" },
		{ "zypper -x search x", "search" },
		{ "nix --option cores 1 build", "build" },
		{ "npx cowsay hi", "cowsay" },
		{ "npx -y -p typescript tsc --init", "tsc" },
		{ "npx @angular/cli new x", "@angular/cli" },
		{ "npx --package=@angular/cli -- ng new x", "ng new" },
		{ "npx ./tool.js", "/home/me/tool.js" },
		{ "npx -c echo", "" },
		{ "npx", "" },
		{ "npm -w app run build:prod", "run build:prod" },
		{ "npm exec -- prettier .", "exec prettier" },
		{ "pnpm -w run test", "run test" },
		{ "pnpm dlx create-vite x", "dlx create-vite" },
		{ "yarn --cwd app run build", "run build" },
		{ "bun index.ts", "/home/me/index.ts" },
		{ "bun run ./a/../index.ts", "run /home/me/index.ts" },
		{ "bun run build", "run build" },
		{ "bun x cowsay", "x cowsay" },
		{ "bun -e 1", "" },
		{ "deno run -A --config x.json main.ts", "run /home/me/main.ts" },
		{ "deno run npm:cowsay", "run npm:cowsay" },
		{ "deno run https://example.org/x.ts?a", "run https://example.org/x.ts?a" },
		{ "deno main.ts", "/home/me/main.ts" },
		{ "deno jsr:@std/http", "jsr:@std/http" },
		{ "deno task --cwd x build", "task build" },
		{ "deno fmt src/", "fmt" },
		{ "uv sync", "sync" },
		{ "uv run tool.py", "run /home/me/tool.py" },
		{ "uv --directory x run --with rich python3 -I tool.py", "run python3 /home/me/tool.py" },
		{ "uv run -- pytest -x", "run pytest" },
		{ "uv run", "run" },
		{ "uv tool install ruff", "tool install" },
		{ "uvx --python 3.12 ruff@latest check .", "ruff@latest" },
		{ "pipx run --spec x black .", "run black" },
		{ "pipx install black", "install" },
		{ "poetry -C /x run env A=1 python3 -m app", "run env python3 -m app" },
		{ "conda run -n dev python3 x/y.py", "run python3 /home/me/x/y.py" },
		{ "pip3.11 --proxy x install y", "install" },
		{ "tox -e py311", "-e py311" },
		{ "tox run -e py311", "run" },
		{ "nox --session=tests", "-s tests" },
		{ "bundle exec rspec", "exec rspec" },
		{ "bundle exec ruby -Ilib x.rb", "exec ruby /home/me/x.rb" },
		{ "bundle exec -x", "exec" },
		{ "rake db:migrate", "db:migrate" },
		{ "flask --app x run", "run" },
		{ "docker --context dev run -it debian", "run" },
		{ "docker compose -f x.yml up", "compose up" },
		{ "podman ps", "ps" },
		{ "docker-compose -p x -f y up", "up" },
		{ "cargo +nightly -Z unstable build", "build" },
		{ "rustup run nightly cargo test", "run cargo test" },
		{ "rustup update", "update" },
		{ "go -C /x build", "build" },
		{ "go run .", "run /home/me" },
		{ "go run -race -tags x ./cmd/tool arg", "run /home/me/cmd/tool" },
		{ "go tool pprof x", "tool pprof" },
		{ "dotnet bin/app.dll x", "/home/me/bin/app.dll" },
		{ "dotnet build", "build" },
		{ "./gradlew -p app -x lint build", "build" },
		{ "mvn -f app/pom.xml -DskipTests package", "package" },
		{ "ansible-playbook -i hosts -l web site.yml", "/home/me/site.yml" },
		{ "julia --project=. -t4 x.jl", "/home/me/x.jl" },
		{ "julia -e 1", "" },
		{ "ts-node -P tsconfig.json x.ts", "/home/me/x.ts" },
		{ "Rscript --vanilla x.R", "/home/me/x.R" },
		{ "Rscript --eval 1", "" },
		{ "guile -L . -s x.scm", "/home/me/x.scm" },
		{ "pwsh -File x.ps1", "/home/me/x.ps1" },
		{ "ipython -m app", "-m app" },
		{ "php artisan serve", "/home/me/artisan" },
		{ "lua -l x y.lua", "/home/me/y.lua" },
		{ "aws --profile x --region y s3 ls", "s3" },
		{ "gh -R a/b pr list", "pr" },
		{ "terraform -chdir=x plan", "plan" },
		{ "valgrind --leak-check=full python3 x.py", "python3 /home/me/x.py" },
		{ "numactl -N 0 --membind=0 prog", "prog" },
		{ "flock -n /lock git gc", "git gc" },
		{ "flock /lock -c prog", "" },
		{ "xargs -0 -n 1 git add", "git add" },
		{ "proxychains -q -f conf prog", "prog" },
		{ "npx-other x", NULL },
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
			     "jail command value2=-b,--bind value3=--over\n"
			     "?ool,[x]y word exec=with skip=1\n";

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
	assert_profile(rules, "pool with water git log", "with git log");
	assert_profile(rules, "xy with it", "with");
	assert_profile(rules, "xy with it @a/b", "with @a/b");
	assert_profile(rules, "fool x.sh", "/home/me/x.sh");
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
	tcase_add_test(t, builtin_rules_of_tools);
	tcase_add_test(t, own_rules_come_first);
	tcase_add_test(t, no_rules);
	tcase_add_test(t, too_long_a_profile_is_none);
	tcase_add_test(t, without_working_directory_paths_stay_as_they_are);
	tcase_add_test(t, what_a_profile_owns);
	suite_add_tcase(s, t);
	return run_suite(s);
}
