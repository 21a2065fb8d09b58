#include "trace/view.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "own_mounts.h"
#include "support.h"

static struct views views;
static pid_t other; /* a process with a view of its own */

static void set_up(void)
{
	scratch_enter();
	ck_assert_int_eq(mkdir("real", 0755), 0);
	ck_assert_int_eq(mkdir("bound", 0755), 0);
	ck_assert_int_eq(mkdir("root", 0755), 0);
	ck_assert_int_eq(mkdir("low", 0755), 0);
	ck_assert_int_eq(mkdir("up", 0755), 0);
	ck_assert_int_eq(mkdir("work", 0755), 0);
	write_file("real/file", "x", 1, 0644);
	write_file("root/file", "root", 4, 0644);
	write_file("low/file", "lower", 5, 0644);
	write_file("low/changed", "lower", 5, 0644);
	write_file("up/changed", "another", 7, 0644);
}

static void tear_down(void)
{
	views_release(&views);
	if (other > 0) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	other = 0;
	scratch_leave();
}

/* Starts it, and waits until it is settled. */
static void start(bool (*settle)(void))
{
	int ready[2];
	char byte = 0;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	other = fork();
	ck_assert_int_ge(other, 0);
	if (other == 0) {
		byte = settle() ? 'y' : 'n';
		if (write(ready[1], &byte, 1) == 1)
			poll(NULL, 0, -1);
		_exit(0);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	ck_assert_int_eq(byte, 'y');
}

/* What is called so inside is called so outside; "": by no name. */
static void assert_leads(const char *inside, const char *outside)
{
	char path[PATH_MAX];
	char through[PATH_MAX];
	char found[PATH_MAX] = "";
	struct stat theirs;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", scratch, inside);
	ck_assert(views_inside_path(&views, other, path, through));
	ck_assert_int_eq(stat(through, &theirs), 0);
	bool is_found = views_find(&views, other, path, &theirs, found, &st);

	ck_assert_int_eq(is_found, outside[0] != '\0');
	if (is_found)
		ck_assert_str_eq(found, scratch_path(outside));
}

static bool be_bound(void)
{
	return own_mounts() && mount("real", "bound", NULL, MS_BIND, NULL) == 0;
}

START_TEST(a_bound_directory)
{
	char found[PATH_MAX];

	start(be_bound);
	assert_leads("bound/file", "real/file");
	assert_leads("bound", "real");
	assert_leads("real/file", "real/file");
	ck_assert(views_find_name(&views, other, scratch_path("bound/none"), found));
	ck_assert_str_eq(found, scratch_path("real/none"));
	ck_assert(views_find_name(&views, other, scratch_path("bound/file"), found));
	ck_assert_str_eq(found, scratch_path("real/file"));
	ck_assert(!views_find_name(&views, other, scratch_path("none/none"), found));
	ck_assert_str_eq(views_mount(&views, other, scratch_path("bound/file"))->point,
			 scratch_path("bound"));
}
END_TEST

static bool be_overlaid(void)
{
	char options[3 * PATH_MAX];

	snprintf(options, sizeof(options), "lowerdir=%s/low,upperdir=%s/up,workdir=%s/work", scratch, scratch,
		 scratch);
	return own_mounts() && mount("overlay", "bound", "overlay", 0, options) == 0;
}

START_TEST(an_overlay)
{
	start(be_overlaid);
	assert_leads("bound/file", "low/file");
	assert_leads("bound/changed", "up/changed");
}
END_TEST

static bool be_in_tmpfs(void)
{
	if (!own_mounts() || mount("mine", "bound", "tmpfs", 0, NULL) < 0)
		return false;
	write_file("bound/file", "x", 1, 0644);
	return true;
}

START_TEST(what_only_they_have)
{
	start(be_in_tmpfs);
	assert_leads("bound/file", "");
	ck_assert_int_eq(views_mount(&views, other, scratch_path("bound/file"))->kind, MOUNT_MEMORY);
}
END_TEST

static bool be_in_root(void)
{
	return chroot("root") == 0;
}

START_TEST(another_root)
{
	char path[PATH_MAX] = "/file";

	start(be_in_root);
	ck_assert(views_add_root(&views, other, path));
	ck_assert_str_eq(path, scratch_path("root/file"));
	assert_leads("root/file", "root/file");
	ck_assert(!views_inside_path(&views, other, scratch_path("real/file"), path));
	strcpy(path, "/");
	ck_assert(views_add_root(&views, other, path));
	ck_assert_str_eq(path, scratch_path("root"));
}
END_TEST

START_TEST(tables_are_read_anew_when_told)
{
	start(be_in_root);
	assert_leads("root/file", "root/file");
	views_forget(&views);
	ck_assert_ptr_null(views.root);
	assert_leads("root/file", "root/file");
}
END_TEST

START_TEST(who_is_gone_has_no_view)
{
	char path[PATH_MAX] = "/file";
	struct stat st = { .st_mode = S_IFREG };

	ck_assert(!views_add_root(&views, 0x7fffffff, path));
	ck_assert(!views_find(&views, 0x7fffffff, "/file", &st, path, &st));
	ck_assert(!views_find_name(&views, 0x7fffffff, "/file", path));
	ck_assert_ptr_null(views_mount(&views, 0x7fffffff, "/file"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("view");
	TCase *t = tcase_create("core");
	bool has_namespaces = geteuid() == 0;
	pid_t child = has_namespaces ? fork() : -1;
	int status = 1;

	if (child == 0)
		_exit(unshare(CLONE_NEWNS) != 0);
	if (child > 0)
		waitpid(child, &status, 0);
	tcase_add_checked_fixture(t, set_up, tear_down);
	if (can_test(status == 0, "mount namespaces (needs root)")) {
		tcase_add_test(t, a_bound_directory);
		tcase_add_test(t, an_overlay);
		tcase_add_test(t, what_only_they_have);
		tcase_add_test(t, another_root);
		tcase_add_test(t, tables_are_read_anew_when_told);
	}
	tcase_add_test(t, who_is_gone_has_no_view);
	suite_add_tcase(s, t);
	return run_suite(s);
}
