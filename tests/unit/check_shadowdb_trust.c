/* check_shadowdb_trust.c - whom the directory of shadows trusts, and who may read what is written there */
#include <sys/resource.h>
#include <sys/wait.h>

#include "shadowdb_private.h"
#include "store.h"

START_TEST(what_others_could_have_written_is_refused)
{
	char second[PATH_MAX];

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(chmod(path_of(NULL), 0666), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EKEYREJECTED);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	snprintf(second, sizeof(second), "%s/second", base);
	ck_assert_int_eq(link(path_of(NULL), second), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EMLINK);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path_of(NULL), 12345, 12345), 0);
		ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EPERM);
		ck_assert_int_eq(update(PROGRAM, ""), 0);
		ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	}
	/* While it is in use, and when it is opened. */
	ck_assert_int_eq(chmod(db_path, 01777), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EKEYREJECTED);
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, db_path, NULL), -EKEYREJECTED);
	ck_assert_ptr_null(db.path);
	ck_assert_int_eq(update(PROGRAM, ""), -ENOENT);
}
END_TEST

START_TEST(system_that_others_can_write_is_refused)
{
	make_system();
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(chmod(system_path, 0777), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), -EKEYREJECTED);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/none", ""), -ENOENT);
	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
}
END_TEST

/* What a user's HOME that root has kept leads to. */
START_TEST(root_leaves_a_users_directory_alone)
{
	struct stat st;

	ck_assert_int_eq(mkdir(system_path, 0755), 0);
	ck_assert_int_eq(chmod(base, 0755), 0);
	ck_assert_int_eq(chown(base, 12345, 12346), 0);
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, db_path, system_path), -EPERM);
	ck_assert_str_eq(db.path, system_path);
	ck_assert(shadowdb_is_public(&db));
	ck_assert_int_eq(update("/usr/bin/env", ""), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/env", ""), 1);
	ck_assert_int_eq(lstat(db_path, &st), -1);

	shadowdb_release(&db);
	ck_assert_int_eq(seteuid(12345), 0);
	ck_assert_int_eq(shadowdb_open(&db, db_path, system_path), 0);
	ck_assert_int_eq(update("/usr/bin/env", ""), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/env", ""), 2);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_msg(stat(path, &st) == 0, "%s", path);
	return st.st_mode & 07777;
}

START_TEST(modes_are_the_same_under_any_umask)
{
	const mode_t umasks[] = { 0, 022, 077, 0777 };
	char name[NAME_MAX + 1];
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(umasks) / sizeof(umasks[0]); i++) {
		umask(umasks[i]);
		ck_assert_int_eq(update(PROGRAM, ""), 0);
		shadowdb_release(&db);
		ck_assert_int_eq(shadowdb_open(&db, system_path, system_path), 0);
		ck_assert_int_eq(update("/usr/bin/env", ""), 0);
		umask(022);
		ck_assert_uint_eq(mode_of(db_path), 0700);
		ck_assert_uint_eq(mode_of(path_of(NULL)), 0600);
		ck_assert_uint_eq(mode_of(path_of(".lock")), 0600);
		ck_assert_uint_eq(mode_of(system_path), 0755);
		shadowdb_name("/usr/bin/env", "", name);
		snprintf(path, sizeof(path), "%s/%s", system_path, name);
		ck_assert_uint_eq(mode_of(path), 0644);
		remove_base();
		make_base();
	}
	/* A directory that is there already tells others no more. */
	ck_assert_int_eq(mkdir(system_path, 0755), 0);
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, system_path, NULL), 0);
	ck_assert_int_eq(update("/usr/bin/env", ""), 0);
	snprintf(path, sizeof(path), "%s/%s", system_path, name);
	ck_assert_uint_eq(mode_of(path), 0600);
}
END_TEST

START_TEST(system_names_only_what_all_may_read)
{
	static char paths[9][128];
	const char *const parts[] = { "open/all",       "open/own",      "closed/all",
				      "closed/missing", "open/missing",  "open",
				      "closed/open",    "open/link/all", "gone/missing" };
	const char *named[10] = { NULL };
	cleanup_with(shadow_release) struct shadow shadow = { 0 };

	ck_assert_int_eq(chmod(base, 0755), 0);
	ck_assert_int_eq(chdir(base), 0);
	ck_assert_int_eq(mkdir("open", 0755) | mkdir("closed", 0711) | mkdir("closed/open", 0755), 0);
	ck_assert_int_eq(chmod("closed", 0710), 0);
	ck_assert_int_eq(symlink("../closed", "open/link"), 0);
	write_text("open/all", "");
	write_text("open/own", "");
	write_text("closed/all", "");
	ck_assert_int_eq(chmod("open/own", 0640) | chmod("open/all", 0644) | chmod("closed/all", 0644), 0);
	for (int i = 0; i < 9; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", base, parts[i]);
		named[i] = paths[i];
	}
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, system_path, system_path), 0);
	ck_assert_int_eq(
		shadowdb_update(&db, "/usr/bin/env", "", 0, NULL, add_paths, (void *)(uintptr_t)named), 0);
	ck_assert_int_eq(shadowdb_load(&db, "/usr/bin/env", "", &shadow, NULL), 0);
	for (int i = 0; i < 9; i++) {
		bool is_expected = i == 0 || i == 4 || i == 5 || i == 8;

		ck_assert_msg(!pageset_find(&shadow.files, paths[i]) == !is_expected, "%s", paths[i]);
	}
	/* Nor the name of a program that others cannot run. */
	ck_assert_int_eq(update(paths[2], ""), -EACCES);
	ck_assert_int_eq(update(paths[0], ""), 0);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(what_cannot_be_read_for_now_is_kept)
{
	struct rlimit limit;
	int r_load, r_update;

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(prlimit(0, RLIMIT_NOFILE, &(struct rlimit){ 3, limit.rlim_max }, NULL), 0);
	r_load = runs_of(&db, PROGRAM, "");
	r_update = update(PROGRAM, "");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(r_load, -EMFILE);
	ck_assert_int_eq(r_update, -EMFILE);
	ck_assert(!shadowdb_is_unusable(-EMFILE));
	ck_assert(!shadowdb_is_unusable(-EIO));
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shadowdb_trust");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, make_base, remove_base);
	tcase_add_test(t, what_others_could_have_written_is_refused);
	tcase_add_test(t, system_that_others_can_write_is_refused);
	if (can_test(geteuid() == 0, "a user's directory for root (needs root)"))
		tcase_add_test(t, root_leaves_a_users_directory_alone);
	tcase_add_test(t, modes_are_the_same_under_any_umask);
	tcase_add_test(t, system_names_only_what_all_may_read);
	tcase_add_test(t, what_cannot_be_read_for_now_is_kept);
	suite_add_tcase(s, t);
	return run_suite(s);
}
