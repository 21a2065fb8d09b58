#include "sys/mounts.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "support.h"

static struct mounts mounts;

static void parse(const char *text)
{
	mounts_release(&mounts);
	ck_assert_int_eq(mounts_parse(text, strlen(text), &mounts), 0);
}

static const char *source_of(const char *path)
{
	const struct mount *mount = mounts_find(&mounts, path);

	return mount ? mount->source : "";
}

static void tear_down(void)
{
	mounts_release(&mounts);
}

START_TEST(a_path_lies_on_the_mount_above_it)
{
	parse("27 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n"
	      "30 27 8:17 / /home rw,noatime - xfs /dev/sdb1 rw\n"
	      "31 30 0:50 / /home/me/net rw - nfs4 server:/export rw\n");
	ck_assert_str_eq(source_of("/usr/bin/cat"), "/dev/vda1");
	ck_assert_str_eq(source_of("/"), "/dev/vda1");
	ck_assert_str_eq(source_of("/home"), "/dev/sdb1");
	ck_assert_str_eq(source_of("/homely"), "/dev/vda1");
	ck_assert_str_eq(source_of("/home/me/x"), "/dev/sdb1");
	ck_assert_str_eq(source_of("/home/me/net/a/b"), "server:/export");
	ck_assert_int_eq(mounts_find(&mounts, "/home/me/net/a")->kind, MOUNT_FAR);
	ck_assert_int_eq(mounts_find(&mounts, "/home/me/nets")->kind, MOUNT_LOCAL);
	ck_assert(mounts_find(&mounts, "/home/me")->device == makedev(8, 17));
}
END_TEST

START_TEST(the_order_of_lines_says_nothing)
{
	/* As after the switch from an initial file system: /proc is older than the root that it lies on. */
	parse("22 27 0:21 / /proc rw - proc proc rw\n"
	      "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	ck_assert_str_eq(source_of("/proc/1/maps"), "proc");
}
END_TEST

START_TEST(what_is_covered_is_not_found)
{
	/* One over the other, on the same point; and one on a directory above. */
	parse("27 1 254:1 / / rw - ext4 root rw\n"
	      "30 27 8:1 / /mnt rw - ext4 below rw\n"
	      "31 30 8:2 / /mnt rw - ext4 above rw\n"
	      "40 27 8:3 / /srv/data rw - ext4 hidden rw\n"
	      "41 40 8:4 / /srv/data/more rw - ext4 hidden-too rw\n"
	      "42 27 8:5 / /srv rw - ext4 srv rw\n");
	ck_assert_str_eq(source_of("/mnt/file"), "above");
	ck_assert_str_eq(source_of("/srv/data/file"), "srv");
	ck_assert_str_eq(source_of("/srv/data/more/file"), "srv");
}
END_TEST

START_TEST(escapes_are_decoded)
{
	parse("27 1 254:1 / / rw - ext4 root rw\n"
	      "30 27 8:1 / /a\\040b\\134c rw - fuse.x user\\040dir rw\n");
	ck_assert_str_eq(source_of("/a b\\c/file"), "user dir");
}
END_TEST

START_TEST(nonsense_is_left_out)
{
	parse("27 1 254:1 / / rw - ext4 root rw\n"
	      "no line at all\n"
	      "\n"
	      "28 27 254:1 / relative rw - ext4 x rw\n"
	      "29 27 8 / /y rw - ext4 x rw\n"
	      "30 27 8:1 / /z rw ext4 x rw\n"
	      "31 27 8:1 / /s rw - ext4\n"
	      "40 41 8:1 / /circle rw - ext4 x rw\n"
	      "41 40 8:1 / /circle/b rw - ext4 x rw\n"
	      "42 27 8:1 / /last rw - ext4 last rw");
	ck_assert_str_eq(source_of("/y/file"), "root");
	ck_assert_str_eq(source_of("/last/file"), "last");
	parse("");
	ck_assert_ptr_null(mounts_find(&mounts, "/any"));
}
END_TEST

START_TEST(too_many_are_refused)
{
	char *text = malloc((MOUNTS_MAX + 1) * 2);

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', (MOUNTS_MAX + 1) * 2);
	for (size_t i = 0; i < MOUNTS_MAX + 1; i++)
		text[i * 2] = 'x';
	ck_assert_int_eq(mounts_parse(text, (MOUNTS_MAX + 1) * 2, &mounts), -E2BIG);
	free(text);
}
END_TEST

START_TEST(types_tell_what_to_expect)
{
	ck_assert_int_eq(mounts_kind_of_type("ext4"), MOUNT_LOCAL);
	ck_assert_int_eq(mounts_kind_of_type("overlay"), MOUNT_LOCAL);
	ck_assert_int_eq(mounts_kind_of_type("tmpfs"), MOUNT_MEMORY);
	ck_assert_int_eq(mounts_kind_of_type("proc"), MOUNT_KERNEL);
	ck_assert_int_eq(mounts_kind_of_type("autofs"), MOUNT_TRAP);
	ck_assert_int_eq(mounts_kind_of_type("fuse.sshfs"), MOUNT_FAR);
	ck_assert_int_eq(mounts_kind_of_type("fuseblk"), MOUNT_FAR);
	ck_assert_int_eq(mounts_kind_of_type("not-invented-yet"), MOUNT_FAR);
}
END_TEST

START_TEST(a_mount_has_a_root_and_options)
{
	parse("27 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw,errors=continue\n"
	      "30 27 254:1 /a\\040b /bound rw - ext4 /dev/vda1 rw\n"
	      "31 27 0:50 / /o rw - overlay overlay rw,lowerdir=/a\\040b:/c\n"
	      "32 27 0:51 / /none rw - tmpfs none\n");
	ck_assert_str_eq(mounts_find(&mounts, "/x")->root, "/");
	ck_assert_str_eq(mounts_find(&mounts, "/x")->options, "rw,errors=continue");
	ck_assert_str_eq(mounts_find(&mounts, "/bound/x")->root, "/a b");
	ck_assert_str_eq(mounts_find(&mounts, "/o/x")->options, "rw,lowerdir=/a\\040b:/c");
	ck_assert_str_eq(mounts_find(&mounts, "/none/x")->options, "");
}
END_TEST

START_TEST(another_process_has_mounts)
{
	ck_assert_int_eq(mounts_read_of(getpid(), &mounts), 0);
	ck_assert_ptr_nonnull(mounts_find(&mounts, "/"));
	mounts_release(&mounts);
	ck_assert_int_eq(mounts_read_of(0x7fffffff, &mounts), -ENOENT);
}
END_TEST

START_TEST(this_process_has_mounts)
{
	ck_assert_int_eq(mounts_read(&mounts), 0);
	ck_assert_ptr_nonnull(mounts_find(&mounts, "/"));
	ck_assert_int_eq(mounts_find(&mounts, "/proc/self/maps")->kind, MOUNT_KERNEL);
}
END_TEST

/* As an observer's does, to detach from whom it follows. */
static void *read_alone(void *context)
{
	struct stat st;

	/* The first thread is a zombie: its directory is left without a link. */
	while (stat("/proc/self/root", &st) == 0)
		(void)sched_yield();
	(void)context;
	_exit(mounts_read(&mounts) == 0 && mounts_find(&mounts, "/") ? 0 : 1);
}

START_TEST(a_process_without_its_first_thread_has_mounts)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, read_alone, NULL) != 0)
			_exit(2);
		for (;;)
			(void)syscall(SYS_exit, 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mounts");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, a_path_lies_on_the_mount_above_it);
	tcase_add_test(t, the_order_of_lines_says_nothing);
	tcase_add_test(t, what_is_covered_is_not_found);
	tcase_add_test(t, escapes_are_decoded);
	tcase_add_test(t, nonsense_is_left_out);
	tcase_add_test(t, too_many_are_refused);
	tcase_add_test(t, types_tell_what_to_expect);
	tcase_add_test(t, a_mount_has_a_root_and_options);
	tcase_add_test(t, another_process_has_mounts);
	tcase_add_test(t, this_process_has_mounts);
	tcase_add_test(t, a_process_without_its_first_thread_has_mounts);
	suite_add_tcase(s, t);
	return run_suite(s);
}
