/* check_traps.c - ways that lead to what would be mounted; nothing is mounted here. */
#include "sys/traps.h"

#include "support.h"

static struct mounts mounts;

/* The trap is the directory "trap" in the scratch directory, which is an ordinary one. */
static void set_up(void)
{
	char text[2 * PATH_MAX];

	scratch_enter();
	ck_assert_int_eq(mkdir("trap", 0755), 0);
	ck_assert_int_eq(mkdir("dir", 0755), 0);
	write_file("trap/file", "x", 1, 0644);
	write_file("dir/file", "x", 1, 0644);
	snprintf(text, sizeof(text), "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 0:9 / %s rw - autofs x rw\n",
		 scratch_path("trap"));
	ck_assert_int_eq(mounts_parse(text, strlen(text), &mounts), 0);
}

static void tear_down(void)
{
	mounts_release(&mounts);
	scratch_leave();
}

static bool is_on_way(const char *name)
{
	return traps_on_way(&mounts, scratch_path(name));
}

START_TEST(by_its_name)
{
	ck_assert(traps_exist(&mounts));
	ck_assert(is_on_way("trap"));
	ck_assert(is_on_way("trap/file"));
	ck_assert(is_on_way("trap/missing/file"));
	ck_assert(is_on_way("dir/../trap"));
	ck_assert(is_on_way("dir//.././trap/file"));
	ck_assert(!is_on_way("dir"));
	ck_assert(!is_on_way("dir/file"));
	ck_assert(!is_on_way("dir/../dir/file/"));
	ck_assert(!is_on_way("traps"));
	ck_assert(!is_on_way("missing/trap"));
	ck_assert(!traps_on_way(&mounts, "/"));
	ck_assert(!traps_on_way(&mounts, "/.."));
}
END_TEST

START_TEST(by_links)
{
	ck_assert_int_eq(symlink("../trap", "dir/relative"), 0);
	ck_assert_int_eq(symlink(scratch_path("trap"), "absolute"), 0);
	ck_assert_int_eq(symlink("absolute/file", "second"), 0);
	ck_assert_int_eq(symlink("dir", "harmless"), 0);
	ck_assert_int_eq(symlink("circle", "circle"), 0);
	ck_assert(is_on_way("dir/relative"));
	ck_assert(is_on_way("dir/relative/file"));
	ck_assert(is_on_way("absolute/file"));
	ck_assert(is_on_way("second"));
	ck_assert(is_on_way("harmless/relative/file"));
	ck_assert(!is_on_way("harmless"));
	ck_assert(!is_on_way("harmless/file"));
	ck_assert(is_on_way("circle"));
}
END_TEST

START_TEST(too_long)
{
	char path[2 * PATH_MAX];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert(traps_on_way(&mounts, path));
}
END_TEST

START_TEST(where_there_is_none)
{
	static const char text[] = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				   "22 20 0:5 / /proc rw - proc proc rw\n"
				   "21 22 0:9 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n";
	struct mounts ordinary;

	ck_assert_int_eq(mounts_parse(text, sizeof(text) - 1, &ordinary), 0);
	ck_assert(!traps_exist(&ordinary));
	ck_assert(!traps_on_way(&ordinary, scratch_path("trap")));
	mounts_release(&ordinary);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("traps");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, by_its_name);
	tcase_add_test(t, by_links);
	tcase_add_test(t, too_long);
	tcase_add_test(t, where_there_is_none);
	suite_add_tcase(s, t);
	return run_suite(s);
}
