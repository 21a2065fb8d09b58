/* check_shadowdb_tidy.c - what goes from the directory of shadows, and when */
#include <sys/wait.h>
#include <utime.h>

#include "notice.h"
#include "store.h"

#define DAY_S 86400

static char program[128];

/* A program that is there, and its shadow, not used for so many days. Its path is valid until the next call.
 */
static const char *add(const char *name, int unused_days)
{
	const time_t then = time(NULL) - unused_days * DAY_S;
	const struct utimbuf times = { then, then };
	char shadow_name[NAME_MAX + 1];

	snprintf(program, sizeof(program), "%s/%s", base, name);
	write_text(program, "");
	ck_assert_int_eq(update(program, ""), 0);
	shadowdb_name(program, "", shadow_name);
	ck_assert_int_eq(utime(path_of(shadow_name), &times), 0);
	return program;
}

static bool is_there(const char *name)
{
	char shadow_name[NAME_MAX + 1];

	snprintf(program, sizeof(program), "%s/%s", base, name);
	shadowdb_name(program, "", shadow_name);
	return access(path_of(shadow_name), F_OK) == 0;
}

static void open_again(void)
{
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, db_path, NULL), 0);
}

START_TEST(programs_that_are_gone)
{
	ck_assert_int_eq(shadowdb_tidy(&db), 0); /* there is no directory */
	unlink(add("gone", 0));
	add("there", 0);
	unlink(add("of-this-launch", 0));
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(!is_there("gone"));
	ck_assert(is_there("there"));
	ck_assert(is_there("of-this-launch"));
}
END_TEST

/* A notice, not touched for so many days. */
static void leave_notice(const char *of_program, int days)
{
	const time_t then = time(NULL) - days * DAY_S;
	const struct utimbuf times = { then, then };
	char name[NAME_MAX + 1];

	ck_assert_int_eq(notice_leave(&db, of_program, "", NOTICE_NEW, "text"), 0);
	notice_name(of_program, "", name);
	ck_assert_int_eq(utime(path_of(name), &times), 0);
}

static bool has_notice(const char *of_program)
{
	cleanup_with(notice_release) struct notice notice = { 0 };

	return notice_read(&db, of_program, "", &notice) == 0;
}

START_TEST(notices_that_nobody_needs)
{
	db.limits.max_days = 90;
	add("there", 0);
	leave_notice("/bin/sh", 89);
	leave_notice("/bin/cat", 91);
	leave_notice("/usr/bin/pbrun-no-such-program", 0);
	leave_notice("/media/stick/program", 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(has_notice("/bin/sh"));
	ck_assert(!has_notice("/bin/cat"));
	ck_assert(!has_notice("/usr/bin/pbrun-no-such-program"));
	ck_assert(has_notice("/media/stick/program"));
}
END_TEST

START_TEST(an_index_that_is_not_used)
{
	const time_t then = time(NULL) - 91 * DAY_S;
	const struct utimbuf times = { then, then };
	char name[NAME_MAX + 1];

	db.limits.max_days = 90;
	ck_assert_int_eq(update(SHADOWDB_INDEX, ""), 0);
	shadowdb_name(SHADOWDB_INDEX, "", name);
	add("there", 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert_int_eq(access(path_of(name), F_OK), 0);
	ck_assert_int_eq(utime(path_of(name), &times), 0);
	add("new", 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert_int_lt(access(path_of(name), F_OK), 0);
}
END_TEST

START_TEST(whole_trees_that_are_gone_but_not_unmounted_ones)
{
	char directory[128];

	snprintf(directory, sizeof(directory), "%s/removed", base);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	unlink(add("removed/program", 0));
	ck_assert_int_eq(rmdir(directory), 0);

	/* A mount point is an empty directory while nothing is mounted on it. */
	snprintf(directory, sizeof(directory), "%s/disk/bin", base);
	ck_assert_int_eq(mkdir(strcat(strcpy(program, base), "/disk"), 0700), 0);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	unlink(add("disk/bin/program", 0));
	ck_assert_int_eq(rmdir(directory), 0);

	ck_assert_int_eq(update("/proc/none/program", ""), 0);
	ck_assert_int_eq(update("/media/stick/program", ""), 0);
	open_again();
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(!is_there("removed/program"));
	ck_assert(is_there("disk/bin/program"));
	ck_assert_int_eq(runs_of(&db, "/media/stick/program", ""), 1);
	ck_assert_int_eq(runs_of(&db, "/proc/none/program", ""), -ENOENT);
}
END_TEST

START_TEST(what_is_long_unused)
{
	add("old", 11);
	add("older", 300);
	add("new", 9);
	db.limits.max_days = 10;
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(!is_there("old"));
	ck_assert(!is_there("older"));
	ck_assert(is_there("new"));
}
END_TEST

START_TEST(what_is_too_much)
{
	struct stat st;

	for (int i = 0; i < 6; i++) {
		char name[2] = { (char)('a' + i), '\0' };

		add(name, i % 2 ? i : 20 - i);
	}
	/* Unused for 20, 1, 18, 3, 16, 5 days: there is room for three. */
	ck_assert(is_there("a"));
	char shadow_name[NAME_MAX + 1];

	shadowdb_name(program, "", shadow_name);
	ck_assert_int_eq(stat(path_of(shadow_name), &st), 0);
	db.limits.max_bytes = 3 * (uint64_t)st.st_size + 1;
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(!is_there("a") && !is_there("c") && !is_there("e"));
	ck_assert(is_there("b") && is_there("d") && is_there("f"));
}
END_TEST

START_TEST(left_over_temporary_files)
{
	const char *names[] = { ".x-0123456789abcdef.0123456789abcdef.tmp",
				".y-0123456789abcdef.0123456789abcdef.tmp", ".foreign.tmp", "foreign" };
	const struct utimbuf old = { 1000, 1000 };

	db.limits.max_days = 10;
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	for (int i = 0; i < 4; i++) {
		write_text(path_of(names[i]), "");
		if (i != 1)
			ck_assert_int_eq(utime(path_of(names[i]), &old), 0);
	}
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert_int_eq(access(path_of(names[0]), F_OK), -1);
	ck_assert_int_eq(access(path_of(names[1]), F_OK), 0);
	ck_assert_int_eq(access(path_of(names[2]), F_OK), 0);
	ck_assert_int_eq(access(path_of(names[3]), F_OK), 0);
}
END_TEST

START_TEST(only_when_it_is_time)
{
	struct utimbuf times = { time(NULL) - DAY_S - 1, time(NULL) - DAY_S - 1 };

	add("a", 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	add("b", 0);
	ck_assert_int_eq(unlink(program), 0);
	open_again();
	/* Nothing is new, and the last time is not long ago. */
	ck_assert_int_eq(update(strcat(strcpy(program, base), "/a"), ""), 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(is_there("b"));
	ck_assert_int_eq(utime(path_of(".tidied"), &times), 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(!is_there("b"));

	/* A new one. */
	add("c", 0);
	ck_assert_int_eq(unlink(program), 0);
	open_again();
	add("d", 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(!is_there("c"));

	/* The clock was put back. */
	add("e", 0);
	ck_assert_int_eq(unlink(program), 0);
	open_again();
	times.modtime = time(NULL) + 1000;
	ck_assert_int_eq(utime(path_of(".tidied"), &times), 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(!is_there("e"));
}
END_TEST

static int tell_and_wait(struct shadow *shadow, void *context)
{
	int *fds = context;
	char byte;

	shadow->stats.runs++;
	return write(fds[1], "", 1) == 1 && read(fds[2], &byte, 1) == 1 ? 0 : -EIO;
}

START_TEST(what_is_being_written_stays)
{
	int fds[4];
	char byte;
	int status;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(pipe(fds + 2), 0);
	add("busy", 0);
	ck_assert_int_eq(unlink(program), 0);

	pid_t pid = fork();

	if (pid == 0)
		_exit(shadowdb_update(&db, program, "", 0, NULL, tell_and_wait, fds) != 0);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert(is_there("busy"));
	ck_assert_int_eq(write(fds[3], "", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(is_there("busy"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shadowdb_tidy");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, make_base, remove_base);
	tcase_add_test(t, programs_that_are_gone);
	tcase_add_test(t, notices_that_nobody_needs);
	tcase_add_test(t, an_index_that_is_not_used);
	tcase_add_test(t, whole_trees_that_are_gone_but_not_unmounted_ones);
	tcase_add_test(t, what_is_long_unused);
	tcase_add_test(t, what_is_too_much);
	tcase_add_test(t, left_over_temporary_files);
	tcase_add_test(t, only_when_it_is_time);
	tcase_add_test(t, what_is_being_written_stays);
	suite_add_tcase(s, t);
	return run_suite(s);
}
