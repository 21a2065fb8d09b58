#include "common_part.h"
#include "store.h"

static char packaged_path[80];

static void set_up(void)
{
	struct shadowdb packaged;

	make_base();
	snprintf(packaged_path, sizeof(packaged_path), "%s/share", base);
	/* As a package's: for everybody to read. The programs of the shadows have to be there for all to see.
	 */
	ck_assert_int_eq(shadowdb_open(&packaged, packaged_path, packaged_path), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(shadowdb_update(&packaged, PROGRAM, "", 0, NULL, count_run, NULL), 0);
	ck_assert_int_eq(shadowdb_update(&packaged, "/usr/bin/p", "", 0, NULL, count_run, NULL), 0);
	ck_assert_int_eq(shadowdb_update(&packaged, PROGRAM, "other", 0, NULL, count_run, NULL), 0);
	shadowdb_remove_lock_file(&packaged);
	shadowdb_release(&packaged);
	make_system();
	db.packaged_path = packaged_path;
}

static char *packaged_file(const char *program)
{
	char name[NAME_MAX + 1];
	char *path = NULL;

	shadowdb_name(program, "", name);
	ck_assert_int_gt(asprintf(&path, "%s/%s", packaged_path, name), 0);
	return path;
}

START_TEST(it_is_the_last_choice)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;
	cleanup_free char *expected = packaged_file("/usr/bin/p");

	/* The system's, which has one of the same program. */
	ck_assert_int_eq(runs_of(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(shadowdb_load(&db, "/usr/bin/p", "", &shadow, &path), 0);
	ck_assert_str_eq(path, expected);
	/* One's own begins with it. */
	ck_assert_int_eq(update("/usr/bin/p", ""), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), 2);
	ck_assert_int_eq(shadowdb_forget(&db, "/usr/bin/p", ""), 1);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), 1);
	ck_assert_int_eq(shadowdb_forget(&db, "/usr/bin/p", NULL), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/none", ""), -ENOENT);
	db.packaged_path = NULL;
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), -ENOENT);
}
END_TEST

START_TEST(it_serves_where_others_are_damaged)
{
	ck_assert_int_eq(update("/usr/bin/p", ""), 0);
	char name[NAME_MAX + 1];

	shadowdb_name("/usr/bin/p", "", name);
	write_text(path_of(name), "rubbish");
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), 1);
	cleanup_free char *path = packaged_file("/usr/bin/p");

	/* The first that is wrong is the one to tell of. */
	write_text(path, "rubbish, too");
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), -EBADMSG);
}
END_TEST

START_TEST(it_is_believed_if_nobody_else_can_write_it)
{
	cleanup_free char *path = packaged_file("/usr/bin/p");

	ck_assert_int_eq(chmod(path, 0664), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), -EKEYREJECTED);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), 1);
	ck_assert_int_eq(chmod(packaged_path, 0777), 0);
	ck_assert_int_eq(runs_of(&db, "/usr/bin/p", ""), -EKEYREJECTED);
}
END_TEST

static int note_place(const struct shadowdb_entry *entry, void *context)
{
	char *text = context;

	ck_assert_int_eq(entry->error, 0);
	sprintf(text + strlen(text), "%s:%s:%c ", entry->head->program, entry->head->profile,
		strrchr(entry->directory, '/')[2]);
	return 0;
}

START_TEST(each_is_listed_once_with_its_place)
{
	char text[1024] = "";

	ck_assert_int_eq(update(PROGRAM, ""), 0);
	ck_assert_int_eq(shadowdb_list(&db, note_place, text), 0);
	ck_assert_str_eq(text, "/usr/bin/x::b /usr/bin/a::y /usr/bin/p::h /usr/bin/x:other:h ");
}
END_TEST

START_TEST(what_it_has_of_other_profiles_is_common_too)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };

	db.packaged_path = NULL;
	ck_assert_int_eq(common_part_load(&db, "/usr/bin/p", "third", &shadow), -ENOENT);
	db.packaged_path = packaged_path;
	ck_assert_int_eq(common_part_load(&db, "/usr/bin/p", "third", &shadow), 0);
}
END_TEST

START_TEST(the_lock_file_goes)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.lock", packaged_path);
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shadowdb_packaged");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, remove_base);
	tcase_add_test(t, it_is_the_last_choice);
	tcase_add_test(t, it_serves_where_others_are_damaged);
	tcase_add_test(t, it_is_believed_if_nobody_else_can_write_it);
	tcase_add_test(t, each_is_listed_once_with_its_place);
	tcase_add_test(t, what_it_has_of_other_profiles_is_common_too);
	tcase_add_test(t, the_lock_file_goes);
	suite_add_tcase(s, t);
	return run_suite(s);
}
