/* check_shadowdb.c - the directory of shadows: read, written and listed */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

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
	ck_assert_int_eq(count_stored(), 2);
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
	ck_assert_int_eq(count_stored(), 1);

	/* A lock that is a link must not create or open what it points to. */
	snprintf(victim, sizeof(victim), "%s/created", base);
	ck_assert_int_eq(unlink(path_of(".lock")), 0);
	ck_assert_int_eq(symlink(victim, path_of(".lock")), 0);
	ck_assert_int_eq(update(PROGRAM, "p"), -ELOOP);
	ck_assert_int_eq(access(victim, F_OK), -1);
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

/* Until then a start with a shadow of its own asks the system's directory nothing. */
START_TEST(system_is_opened_when_it_is_asked)
{
	char later[sizeof(system_path) + 8];

	make_system();
	snprintf(later, sizeof(later), "%s.later", system_path);
	ck_assert_int_eq(rename(system_path, later), 0);
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, db_path, system_path), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -ENOENT);
	ck_assert_int_eq(rename(later, system_path), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
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
	ck_assert_int_eq(count_stored(), 1);
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

int main(void)
{
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
	tcase_add_test(t, system_is_the_second_choice);
	tcase_add_test(t, system_is_opened_when_it_is_asked);
	tcase_add_test(t, system_alone_is_read_only);
	tcase_add_test(t, listing);
	tcase_add_test(t, forgetting);
	tcase_add_test(t, dangling_link_is_no_directory);
	tcase_add_test(t, unwritable_and_unreadable_are_told);
	suite_add_tcase(s, t);
	return run_suite(s);
}
