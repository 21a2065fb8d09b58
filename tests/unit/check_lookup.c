#include "sys/lookup.h"

#include <stdint.h>
#include <sys/wait.h>

#include "support.h"

/* What execvp(3) itself makes of name: 0 and the path of the script it ran, or -errno. */
static int run(const char *name, const char *path_list, char ret_path[PATH_MAX])
{
	char *const arguments[] = { (char *)name, NULL };
	int r = 0, output[2], failure[2];
	ssize_t n;
	pid_t child;

	ck_assert(pipe2(output, O_CLOEXEC) == 0 && pipe2(failure, O_CLOEXEC) == 0);
	child = fork();
	if (child == 0) {
		dup2(output[1], STDOUT_FILENO);
		if (path_list)
			setenv("PATH", path_list, 1);
		else
			unsetenv("PATH");
		execvp(name, arguments);
		r = -errno;
		_exit(write(failure[1], &r, sizeof(r)) == sizeof(r) ? 0 : 1);
	}
	close(output[1]);
	close(failure[1]);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	n = read(failure[0], &r, sizeof(r));
	if (n <= 0) {
		n = read(output[0], ret_path, PATH_MAX - 1);
		ck_assert_int_gt(n, 0);
		ret_path[n] = '\0';
	}
	close(output[0]);
	close(failure[0]);
	return r;
}

static void assert_as_execvp(const char *name, const char *path_list)
{
	char run_path[PATH_MAX];
	cleanup_free char *path = NULL;
	int run_result = run(name, path_list, run_path);
	int r = lookup_program(name, path_list, &path);

	ck_assert_msg(r == run_result, "'%.20s' in '%.60s': %d, execvp: %d", name,
		      path_list ? path_list : "NULL", r, run_result);
	if (r == 0)
		ck_assert_str_eq(path, run_path);
	else
		ck_assert_ptr_null(path);
}

/* Scripts that say where they lie. They have no "#!" line, so nothing but their own file is needed. */
static void write_script(const char *path, mode_t mode)
{
	char script[PATH_MAX];
	int size = snprintf(script, sizeof(script), "printf %%s '%s'\n", scratch_path(path));

	write_file(path, script, (size_t)size, mode);
}

static void fill_scratch(void)
{
	ck_assert(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 && mkdir("closed", 0) == 0);
	ck_assert(mkdir("a/directory", 0755) == 0 && mkdir("a/first", 0755) == 0);
	write_script("a/only-a", 0755);
	write_script("a/both", 0755);
	write_script("b/both", 0755);
	write_script("a/not-executable", 0644);
	write_script("b/not-executable", 0755);
	write_script("a/nowhere-executable", 0644);
	write_script("b/first", 0755);
	write_script("a/private", 0700);
	write_script("here", 0755);
	ck_assert(symlink("only-a", "a/shortcut") == 0 && symlink("loop", "a/loop") == 0 &&
		  symlink("none", "a/dangling") == 0);
	ck_assert(mkfifo("a/fifo", 0755) == 0);
}

static void set_up(void)
{
	scratch_enter();
	fill_scratch();
}

static const char *const commands[] = {
	"only-a",
	"both",
	"not-executable",
	"nowhere-executable",
	"first",
	"here",
	"inside",
	"shortcut",
	"loop",
	"dangling",
	"fifo",
	"directory",
	"missing",
	"",
	"./here",
	"a/only-a",
	"b/only-a",
	"a/directory",
	"a/not-executable",
	"here/below",
	"a/",
	"a/loop",
	"closed/inside",
	"../../../../../../nowhere/x",
	"/",
	".",
};

static const char *const path_lists[] = {
	"a:b",    "b:a",      "a",        "",         ":",    "::a", "a:",    ":a", "missing:a:b",
	"here:b", "a/loop:b", "closed:b", "b:closed", "a::b", "a/",  "//bin", NULL,
};

START_TEST(agrees_with_execvp)
{
	for (size_t i = 0; i < sizeof(path_lists) / sizeof(path_lists[0]); i++)
		assert_as_execvp(commands[_i], path_lists[i]);
}
END_TEST

START_TEST(agrees_with_execvp_for_users)
{
	ck_assert_int_eq(setgid(65534), 0);
	ck_assert_int_eq(setuid(65534), 0);
	for (size_t i = 0; i < sizeof(path_lists) / sizeof(path_lists[0]); i++)
		assert_as_execvp(commands[_i], path_lists[i]);
}
END_TEST

/* As in a program that is setuid, but has not dropped that yet. */
START_TEST(agrees_with_execvp_on_effective_ids)
{
	ck_assert_int_eq(seteuid(65534), 0);
	assert_as_execvp("private", "a");
	assert_as_execvp("a/private", NULL);
	/* For a leak checker, which looks into this process at its end. */
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* size bytes of a path that leads nowhere, then rest. */
static const char *long_path(size_t size, const char *rest)
{
	static char path[4 * PATH_MAX];

	memset(path, 'x', size);
	for (size_t i = 0; i < size; i += 100)
		path[i] = '/';
	strcpy(path + size, rest);
	return path;
}

START_TEST(agrees_with_execvp_on_lengths)
{
	char name[2 * NAME_MAX], *path = NULL;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_as_execvp(name, "a:b");
	assert_as_execvp(name, "missing");
	assert_as_execvp(name, long_path(PATH_MAX - 1, ""));
	name[NAME_MAX + 1] = '\0';
	assert_as_execvp(name, "missing:a:b");
	name[NAME_MAX] = '\0';
	assert_as_execvp(name, "a:b");
	assert_as_execvp("both", long_path(PATH_MAX - 100, ":a"));
	assert_as_execvp("both", long_path(PATH_MAX - 1, ":a"));
	assert_as_execvp("both", long_path(PATH_MAX, ":a"));
	assert_as_execvp("both", long_path(2 * PATH_MAX, ":a"));
	assert_as_execvp("here", long_path(2 * PATH_MAX, ":a"));
	/* Here execvp() leaves errno as it was. */
	ck_assert_int_eq(lookup_program("both", long_path(2 * PATH_MAX, ""), &path), -ENOENT);
	assert_as_execvp(long_path(2 * PATH_MAX, ""), "a");
}
END_TEST

START_TEST(uses_default_path)
{
	cleanup_free char *path = NULL;
	char real_path[PATH_MAX];

	ck_assert_ptr_nonnull(realpath("/bin/sh", real_path));
	ck_assert_int_eq(lookup_program("sh", NULL, &path), 0);
	ck_assert_str_eq(path, real_path);
}
END_TEST

START_TEST(gives_canonical_path)
{
	cleanup_free char *path = NULL;

	ck_assert_int_eq(lookup_program("shortcut", "missing:b/../a/.", &path), 0);
	ck_assert_str_eq(path, scratch_path("a/only-a"));
}
END_TEST

START_TEST(profile_is_another_name)
{
	ck_assert_str_eq(lookup_profile("ls", "/bin/busybox"), "ls");
	ck_assert_str_eq(lookup_profile("/usr/bin/ls", "/bin/busybox"), "ls");
	ck_assert_str_eq(lookup_profile("../busybox", "/bin/busybox"), "");
	ck_assert_str_eq(lookup_profile("busybox", "/bin/busybox"), "");
	ck_assert_str_eq(lookup_profile("box", "/bin/busybox"), "box");
}
END_TEST

/* As pbrun is passed over under the name of another program. */
START_TEST(passes_over)
{
	struct lookup_besides besides = { .name = "self" };
	cleanup_free char *file = NULL;
	cleanup_free char *path = NULL;
	struct stat st;

	write_script("self", 0755);
	ck_assert(mkdir("links", 0755) == 0 && symlink("../self", "links/both") == 0);
	ck_assert(stat("self", &st) == 0);
	besides.device = st.st_dev;
	besides.inode = st.st_ino;
	ck_assert_int_eq(lookup_other_program("both", "links:b:a", &besides, &file, &path), 1);
	ck_assert_str_eq(file, "b/both");
	ck_assert_str_eq(path, scratch_path("b/both"));
	free(take_pointer(file));
	free(take_pointer(path));
	/* Also by a path; the working directory is one. */
	ck_assert(rename("b/both", "both") == 0);
	ck_assert_int_eq(lookup_other_program("links/both", "links::a", &besides, &file, &path), 1);
	ck_assert_str_eq(file, "./both");
	free(take_pointer(file));
	free(take_pointer(path));
	ck_assert_int_eq(lookup_other_program("both", "a:links", &besides, &file, &path), 0);
	ck_assert_str_eq(file, "a/both");
	free(take_pointer(file));
	free(take_pointer(path));
	ck_assert_int_eq(lookup_other_program("both", "links:closed", &besides, &file, &path), -EALREADY);
	ck_assert_int_eq(lookup_other_program("none", "links:a", &besides, &file, &path), -ENOENT);
	/* Another file of this name. */
	besides.inode++;
	ck_assert_int_eq(lookup_other_program("both", "links", &besides, &file, &path), -EALREADY);
	besides.name = "other";
	ck_assert_int_eq(lookup_other_program("both", "links", &besides, &file, &path), 0);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *s = suite_create("lookup");
	TCase *t = tcase_create("core");

	tcase_add_unchecked_fixture(t, set_up, scratch_leave);
	tcase_add_loop_test(t, agrees_with_execvp, 0, COUNT(commands));
	if (can_test(geteuid() == 0, "lookup as another user (needs root)")) {
		tcase_add_loop_test(t, agrees_with_execvp_for_users, 0, COUNT(commands));
		tcase_add_test(t, agrees_with_execvp_on_effective_ids);
	}
	tcase_add_test(t, agrees_with_execvp_on_lengths);
	tcase_add_test(t, uses_default_path);
	tcase_add_test(t, gives_canonical_path);
	tcase_add_test(t, profile_is_another_name);
	tcase_add_test(t, passes_over);
	suite_add_tcase(s, t);
	return run_suite(s);
}
