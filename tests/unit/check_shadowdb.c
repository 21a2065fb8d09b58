/* check_shadowdb.c - the directory of shadows: read, written, listed, under locks, and on a full disk */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utime.h>

#include "store.h"

START_TEST(names_are_safe_and_distinct)
{
	char name[NAME_MAX + 1];
	char longest[PATH_MAX] = "/";

	/* The hash is FNV-1a of "/usr/bin/x\0" and "/usr/bin/x\0p". */
	shadowdb_name(PROGRAM, "", name);
	ck_assert_str_eq(name, "x-a079cebb626ef917.shadow");
	shadowdb_name(PROGRAM, "p", name);
	ck_assert_str_eq(name, "x-1df3af684291ca05.shadow");
	shadowdb_name("/opt/.a b\n\xff+1", "", name);
	ck_assert_int_eq(strncmp(name, "_a_b__+1-", 9), 0);
	shadowdb_name("//", "", name);
	ck_assert_int_eq(strncmp(name, "_-", 2), 0);
	memset(longest + 1, 'x', sizeof(longest) - 2);
	shadowdb_name(longest, "", name);
	ck_assert_uint_lt(strlen(name), NAME_MAX);
}
END_TEST

START_TEST(written_is_read)
{
	cleanup_free char *path = NULL;
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	struct stat st;

	ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &shadow, &path), -ENOENT);
	ck_assert_ptr_null(path);
	umask(027);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(update(PROGRAM, "p"), 0);
	ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &shadow, &path), 0);
	ck_assert_uint_eq(shadow.stats.runs, 2);
	ck_assert_str_eq(path, path_of(NULL));
	ck_assert_int_eq(runs_of(&db, PROGRAM, "p"), 1);
	ck_assert_int_eq(count_entries(), 2);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(db_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
}
END_TEST

static int count_run_in_the_same(struct shadow *shadow, void *context)
{
	ck_assert_ptr_eq(shadow->program, context); /* the very same: not decoded again */
	return count_run(shadow, NULL);
}

START_TEST(what_was_loaded_is_changed_if_it_is_current)
{
	cleanup_with(shadow_release) struct shadow loaded = { 0 };

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &loaded, NULL), 0);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, &loaded, count_run_in_the_same, loaded.program),
			 0);
	ck_assert_ptr_null(loaded.program);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 2);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, &loaded, count_run, NULL), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 3);
}
END_TEST

START_TEST(what_others_wrote_meanwhile_is_not_lost)
{
	cleanup_with(shadow_release) struct shadow loaded = { 0 };

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	for (int i = 0; i < 100; i++) {
		int n_runs = runs_of(&db, PROGRAM, "");

		ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &loaded, NULL), 0);
		ck_assert_int_eq(update(PROGRAM, ""), 0); /* twice: it may get the first one's inode */
		ck_assert_int_eq(update(PROGRAM, ""), 0);
		ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, &loaded, count_run, NULL), 0);
		ck_assert_int_eq(runs_of(&db, PROGRAM, ""), n_runs + 3);
		ck_assert_ptr_nonnull(loaded.program);
		shadow_release(&loaded);
	}
}
END_TEST

START_TEST(excluded_files_are_neither_read_nor_written)
{
	const char *const named[] = { "/a/b", "/mnt/nas/x", NULL };
	struct exclusions excluded = { 0 };
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(shadow_release) struct shadow whole = { 0 };

	ck_assert_int_eq(exclusions_add(&excluded, "/mnt/nas", NULL), 0);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, NULL, add_paths, (void *)(uintptr_t)named), 0);
	db.excluded = &excluded;
	ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &shadow, NULL), 0);
	ck_assert_uint_eq(shadow.files.n_files, 1);
	/* As if a run had used it once more. */
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, &shadow, add_paths, (void *)(uintptr_t)named),
			 0);
	db.excluded = NULL;
	ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &whole, NULL), 0);
	ck_assert_uint_eq(whole.files.n_files, 1);
	ck_assert_str_eq(whole.files.files[0]->path, "/a/b");
	exclusions_release(&excluded);
}
END_TEST

START_TEST(change_decides)
{
	int leave = 1;
	int give_up = -ECANCELED;

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, NULL, count_run, &leave), 1);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, NULL, count_run, &give_up), -ECANCELED);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
}
END_TEST

START_TEST(unusable_is_an_error_and_is_replaced)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;
	char other_name[NAME_MAX + 1];

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	write_text(path_of(NULL), "rubbish");
	ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &shadow, &path), -EBADMSG);
	ck_assert_str_eq(path, path_of(NULL));
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);

	/* Another program's under this one's name. */
	ck_assert_int_eq(update("/usr/bin/y", ""), 0);
	shadowdb_name("/usr/bin/y", "", other_name);
	ck_assert_int_eq(renameat(db.dir_fd, other_name, AT_FDCWD, path_of(NULL)), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EBADMSG);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);

	ck_assert_int_eq(truncate(path_of(NULL), (off_t)SHADOW_MAX_BYTES + 1), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EFBIG);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
}
END_TEST

START_TEST(no_link_or_fifo_is_followed)
{
	char victim[128];

	snprintf(victim, sizeof(victim), "%s/victim", base);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(rename(path_of(NULL), victim), 0);
	ck_assert_int_eq(symlink(victim, path_of(NULL)), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -ELOOP);

	/* Replaced, not written through. */
	struct stat before;
	struct stat after;

	ck_assert_int_eq(stat(victim, &before), 0);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(stat(victim, &after), 0);
	ck_assert_int_eq(memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)), 0);
	ck_assert_int_eq(lstat(path_of(NULL), &after), 0);
	ck_assert(S_ISREG(after.st_mode));

	ck_assert_int_eq(unlink(path_of(NULL)), 0);
	ck_assert_int_eq(mkfifo(path_of(NULL), 0600), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EINVAL);
	ck_assert_int_eq(unlink(path_of(NULL)), 0);
	ck_assert_int_eq(mkdir(path_of(NULL), 0700), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EINVAL);
	ck_assert_int_lt(update(PROGRAM, ""), 0);
	ck_assert_int_eq(count_entries(), 1);

	/* A lock that is a link must not create or open what it points to. */
	snprintf(victim, sizeof(victim), "%s/created", base);
	ck_assert_int_eq(unlink(path_of(".lock")), 0);
	ck_assert_int_eq(symlink(victim, path_of(".lock")), 0);
	ck_assert_int_eq(update(PROGRAM, "p"), -ELOOP);
	ck_assert_int_eq(access(victim, F_OK), -1);
}
END_TEST

static void wait_for_all(int n)
{
	for (int i = 0; i < n; i++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
}

START_TEST(fifty_at_once_lose_nothing)
{
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct shadowdb own;
			int r = shadowdb_open(&own, db_path, NULL);

			_exit(r < 0 || shadowdb_update(&own, PROGRAM, "", 60000, NULL, count_run, NULL) != 0);
		}
	}
	wait_for_all(50);
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, db_path, NULL), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 50);
	ck_assert_int_eq(count_entries(), 1);
}
END_TEST

/* Holds the lock until it is killed. */
static int say_so_and_hang(struct shadow *shadow, void *context)
{
	(void)shadow;
	if (write(*(int *)context, "", 1) != 1)
		return -EIO;
	for (;;)
		pause();
}

START_TEST(lock_is_waited_for_and_dies_with_its_holder)
{
	int pipe_fds[2];
	char byte;

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(pipe(pipe_fds), 0);

	pid_t pid = fork();

	if (pid == 0)
		_exit(shadowdb_update(&db, PROGRAM, "", 0, NULL, say_so_and_hang, &pipe_fds[1]) != 0);
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 20, NULL, count_run, NULL), -ETIMEDOUT);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "p", 0, NULL, count_run, NULL), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 2);
}
END_TEST

static int add_much(struct shadow *shadow, void *context)
{
	struct pageset_file *file;
	char path[32];

	(void)context;
	shadow->stats.runs++;
	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		if (pageset_add(&shadow->files, path, 0, &file) < 0)
			return -ENOMEM;
	}
	return 0;
}

START_TEST(killed_at_any_moment_leaves_a_whole_shadow)
{
	int runs = 0;

	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			for (;;) {
				if (shadowdb_update(&db, PROGRAM, "", 1000, NULL, add_much, NULL) < 0)
					_exit(1);
			}
		}
		poll(NULL, 0, 5 + i);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		shadowdb_release(&db);
		ck_assert_int_eq(shadowdb_open(&db, db_path, NULL), 0);

		int runs_now = runs_of(&db, PROGRAM, "");

		if (runs_now == -ENOENT)
			runs_now = 0;
		ck_assert_int_ge(runs_now, runs);
		runs = runs_now;
	}
	ck_assert_int_gt(runs, 0);
}
END_TEST

START_TEST(system_is_the_second_choice)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;

	make_system();
	ck_assert_int_eq(shadowdb_load(&db, PROGRAM, "", &shadow, &path), 0);
	ck_assert_int_eq(strncmp(path, system_path, strlen(system_path)), 0);

	/* What is written goes on from the system's, into the own directory. */
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 2);
	write_text(path_of(NULL), "rubbish");
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(shadowdb_forget(&db, "/usr/bin/a", ""), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/a", ""), 1);
}
END_TEST

START_TEST(system_alone_is_read_only)
{
	make_system();
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, NULL, system_path), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(update(PROGRAM, ""), -ENOENT);
	ck_assert_int_eq(shadowdb_prepare(&db, 1), -ENOENT);
	ck_assert_int_eq(shadowdb_forget(&db, PROGRAM, NULL), 0);
	shadowdb_release(&db);

	/* A path that is no directory is an error, but the system's can still be read. */
	ck_assert_int_eq(shadowdb_open(&db, "/dev/null", system_path), -ENOTDIR);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(shadowdb_prepare(&db, 1), -ENOTDIR);
}
END_TEST

struct listed {
	char text[1024];
	int stop_after;
};

static int note(const struct shadowdb_entry *entry, void *context)
{
	struct listed *listed = context;
	const size_t size = strlen(listed->text);
	const bool is_system = strcmp(entry->directory, system_path) == 0;

	snprintf(listed->text + size, sizeof(listed->text) - size, "%s%.3s %s %s %s\n",
		 is_system ? "system " : "", entry->file_name, entry->error ? "-" : entry->head->program,
		 entry->error ? "-" : entry->head->profile,
		 entry->error == -EBADMSG ? "bad"
		 : entry->error == -ELOOP ? "refused"
					  : "");
	if (!entry->error) {
		ck_assert_uint_eq(entry->n_files, 0);
		ck_assert_uint_gt(entry->size_bytes, 80);
	}
	return --listed->stop_after == 0 ? 42 : 0;
}

START_TEST(listing)
{
	struct listed listed = { 0 };

	make_system();
	ck_assert_int_eq(update("/usr/bin/z", ""), 0);
	ck_assert_int_eq(update("/usr/bin/b", "p"), 0);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	write_text(path_of("c.shadow"), "rubbish");
	write_text(path_of("other"), "");
	ck_assert_int_eq(symlink("/etc/passwd", path_of("d-1.shadow")), 0);
	ck_assert_int_eq(shadowdb_list(&db, note, &listed), 0);
	ck_assert_str_eq(listed.text, "b-3 /usr/bin/b p \n"
				      "c.s - - bad\n"
				      "d-1 - - refused\n"
				      "x-a /usr/bin/x  \n"
				      "z-a /usr/bin/z  \n"
				      "system a-a /usr/bin/a  \n");

	listed = (struct listed){ .stop_after = 2 };
	ck_assert_int_eq(shadowdb_list(&db, note, &listed), 42);
	ck_assert_int_eq(listed.stop_after, 0);
}
END_TEST

START_TEST(forgetting)
{
	ck_assert_int_eq(shadowdb_forget(&db, PROGRAM, ""), 0);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(update(PROGRAM, "p"), 0);
	ck_assert_int_eq(update(PROGRAM, "q"), 0);
	ck_assert_int_eq(update("/usr/bin/y", "p"), 0);
	ck_assert_int_eq(shadowdb_forget(&db, PROGRAM, "p"), 1);
	ck_assert_int_eq(runs_of(&db, PROGRAM, "p"), -ENOENT);
	write_text(path_of(NULL), "rubbish");
	ck_assert_int_eq(shadowdb_forget(&db, PROGRAM, NULL), 2);
	ck_assert_int_eq(count_entries(), 1);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/y", "p"), 1);
}
END_TEST

START_TEST(dangling_link_is_no_directory)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dangling", base);
	ck_assert_int_eq(symlink("nowhere", path), 0);
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, path, NULL), 0);
	ck_assert_int_eq(shadowdb_prepare(&db, 1), -ENOENT);
}
END_TEST

START_TEST(unwritable_and_unreadable_are_told)
{
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(shadowdb_prepare(&db, 1000), 0);
	ck_assert_int_eq(shadowdb_prepare(&db, UINT64_MAX), -ENOSPC);
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(base, 0755), 0);
		ck_assert_int_eq(seteuid(12345), 0);
	} else {
		ck_assert_int_eq(chmod(path_of(NULL), 0), 0);
		ck_assert_int_eq(chmod(db_path, 0500), 0);
	}
	ck_assert_int_eq(shadowdb_prepare(&db, 1000), -EACCES);
	ck_assert_int_lt(runs_of(&db, PROGRAM, ""), 0);
	ck_assert_int_eq(update(PROGRAM, ""), -EACCES);
	ck_assert_int_eq(shadowdb_forget(&db, "/usr/bin/y", ""), geteuid() == 12345 ? -EACCES : 0);
	if (geteuid() == 12345)
		ck_assert_int_eq(seteuid(0), 0);
	else
		ck_assert_int_eq(chmod(db_path, 0700), 0);
}
END_TEST

static bool write_line(const char *path, const char *line)
{
	FILE *file = fopen(path, "w");

	return file && fputs(line, file) >= 0 && fclose(file) == 0;
}

/* A user namespace in which an ordinary user may mount, as the same user and group. */
static bool enter_namespace(void)
{
	char users[64];
	char groups[64];

	snprintf(users, sizeof(users), "%u %u 1", geteuid(), geteuid());
	snprintf(groups, sizeof(groups), "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWUSER) == 0 && write_line("/proc/self/setgroups", "deny") &&
	       write_line("/proc/self/uid_map", users) && write_line("/proc/self/gid_map", groups);
}

/* Mounts a small filesystem at path, seen by this process only. */
static bool mount_small(const char *path)
{
	if (geteuid() != 0 && !enter_namespace())
		return false;
	if (unshare(CLONE_NEWNS) < 0)
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", path, "tmpfs", 0, "size=64k,mode=700") == 0;
}

START_TEST(full_disk_keeps_the_old_one)
{
	cleanup_close int fd = -1;
	char block[4096] = { 0 };

	ck_assert(mount_small(base));
	shadowdb_release(&db);
	snprintf(db_path, sizeof(db_path), "%s", base);
	ck_assert_int_eq(shadowdb_open(&db, db_path, NULL), 0);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(shadowdb_prepare(&db, 4096), 0);
	fd = open(path_of("filler"), O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	ck_assert_int_eq(shadowdb_prepare(&db, 4096), -ENOSPC);
	ck_assert_int_eq(shadowdb_update(&db, PROGRAM, "", 0, NULL, add_much, NULL), -ENOSPC);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(count_entries(), 2);
	shadowdb_release(&db);
	umount2(base, MNT_DETACH);
}
END_TEST

static bool can_mount(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(!mount_small("/tmp"));
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	const bool has_mount = can_mount();
	Suite *s = suite_create("shadowdb");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, make_base, remove_base);
	tcase_add_test(t, names_are_safe_and_distinct);
	tcase_add_test(t, written_is_read);
	tcase_add_test(t, what_was_loaded_is_changed_if_it_is_current);
	tcase_add_test(t, what_others_wrote_meanwhile_is_not_lost);
	tcase_add_test(t, excluded_files_are_neither_read_nor_written);
	tcase_add_test(t, change_decides);
	tcase_add_test(t, unusable_is_an_error_and_is_replaced);
	tcase_add_test(t, no_link_or_fifo_is_followed);
	tcase_add_test(t, fifty_at_once_lose_nothing);
	tcase_add_test(t, lock_is_waited_for_and_dies_with_its_holder);
	tcase_add_test(t, killed_at_any_moment_leaves_a_whole_shadow);
	tcase_add_test(t, system_is_the_second_choice);
	tcase_add_test(t, system_alone_is_read_only);
	tcase_add_test(t, listing);
	tcase_add_test(t, forgetting);
	tcase_add_test(t, dangling_link_is_no_directory);
	tcase_add_test(t, unwritable_and_unreadable_are_told);
	if (has_mount)
		tcase_add_test(t, full_disk_keeps_the_old_one);
	suite_add_tcase(s, t);

	SRunner *r = srunner_create(s);

	srunner_run_all(r, CK_NORMAL);

	int failed = srunner_ntests_failed(r);

	srunner_free(r);
	if (failed)
		return 1;
	return has_mount ? 0 : 77;
}
