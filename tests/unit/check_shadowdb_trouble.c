/* check_shadowdb_trouble.c - the directory of shadows under many writers, a kill, and a full disk */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "own_mounts.h"
#include "store.h"

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
	ck_assert_int_eq(count_stored(), 1);
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

START_TEST(who_looks_waits_for_what_was_announced)
{
	enum { LATE_US = 50000 };
	int fd = shadowdb_announce(&db);
	int other_fd = shadowdb_announce(&db);
	int pipe_fds[2];
	char byte = 0;
	int status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(other_fd, 0);
	close(other_fd);
	ck_assert_int_eq(pipe(pipe_fds), 0);
	pid_t pid = fork();

	if (pid == 0) {
		if (write(pipe_fds[1], &byte, 1) != 1)
			_exit(2);
		shadowdb_await_announced(&db);
		_exit(runs_of(&db, PROGRAM, "") != 1);
	}
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
	usleep(LATE_US); /* so that one who does not wait has looked */
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	shadowdb_await_announced(&db);
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

	/* Longer each time, on a busy machine until one of them got so far. */
	for (int i = 0; i < 30 || (runs == 0 && i < 300); i++) {
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
	return own_mounts() && mount("none", path, "tmpfs", 0, "size=64k,mode=700") == 0;
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
	ck_assert_int_eq(count_stored(), 2);
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
	Suite *s = suite_create("shadowdb_trouble");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, make_base, remove_base);
	tcase_add_test(t, fifty_at_once_lose_nothing);
	tcase_add_test(t, lock_is_waited_for_and_dies_with_its_holder);
	tcase_add_test(t, who_looks_waits_for_what_was_announced);
	tcase_add_test(t, killed_at_any_moment_leaves_a_whole_shadow);
	if (has_mount)
		tcase_add_test(t, full_disk_keeps_the_old_one);
	suite_add_tcase(s, t);
	if (run_suite(s) != 0)
		return 1;
	return has_mount ? 0 : 77;
}
