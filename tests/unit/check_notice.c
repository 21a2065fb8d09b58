#include "notice.h"

#include "support.h"

#define PROGRAM "/usr/bin/x"

static struct shadowdb db;

static void set_up(void)
{
	scratch_enter();
	ck_assert_int_eq(shadowdb_open(&db, scratch_path("shadows"), NULL), 0);
	ck_assert_int_eq(shadowdb_prepare(&db, 0), 0);
}

static void tear_down(void)
{
	shadowdb_release(&db);
	scratch_leave();
}

/* The path of the one file in the directory. */
static const char *notice_path(void)
{
	char name[NAME_MAX + 1];
	char relative[NAME_MAX + 16];

	shadowdb_name(PROGRAM, "", name);
	*strrchr(name, '.') = '\0';
	snprintf(relative, sizeof(relative), "shadows/%s.notice", name);
	return scratch_path(relative);
}

START_TEST(it_is_new_once)
{
	struct notice notice = { 0 };

	ck_assert_int_eq(notice_take(&db, PROGRAM, "", &notice), -ENOENT);
	ck_assert_int_eq(notice_leave(&db, PROGRAM, "", NOTICE_NEW, "it went wrong"), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(notice_take(&db, PROGRAM, "", &notice), 0);
		ck_assert_int_eq((int)notice.state, i == 0 ? NOTICE_NEW : NOTICE_TOLD);
		ck_assert_str_eq(notice.text, "it went wrong");
		ck_assert_str_eq(notice.program, PROGRAM);
		notice_release(&notice);
	}
	ck_assert_int_eq(notice_read(&db, PROGRAM, "other", &notice), -ENOENT);
	ck_assert_int_eq(notice_leave(&db, PROGRAM, "", NOTICE_TOLD, "again"), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), 0);
	ck_assert_str_eq(notice.text, "again");
	ck_assert_int_eq((int)notice.state, NOTICE_TOLD);
	notice_release(&notice);
	ck_assert_int_eq(notice_remove(&db, PROGRAM, ""), 1);
	ck_assert_int_eq(notice_remove(&db, PROGRAM, ""), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -ENOENT);
}
END_TEST

START_TEST(no_control_character_passes)
{
	struct notice notice = { 0 };

	ck_assert_int_eq(notice_leave(&db, PROGRAM, "", NOTICE_NEW, "a\n\033[2Jb\x7f"), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), 0);
	ck_assert_str_eq(notice.text, "a??[2Jb?");
	notice_release(&notice);
	write_file(notice_path(), "n\n/x\nb\033c\n", 9, 0600);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), 0);
	ck_assert_str_eq(notice.text, "b?c");
	notice_release(&notice);
	ck_assert_int_eq(notice_leave(&db, "/a\nb", "", NOTICE_NEW, "text"), 0);
	ck_assert_int_eq(notice_read(&db, "/a\nb", "", &notice), 0);
	ck_assert_str_eq(notice.program, "/a?b");
	ck_assert_str_eq(notice.text, "text");
	notice_release(&notice);
}
END_TEST

START_TEST(what_is_not_ours_or_no_notice_is_not_believed)
{
	static const char *const texts[] = {
		"", "n", "n\n", "n\n/x\n", "n\n/x\ntext", "x\n/x\ntext\n", "nn\n/x\ntext\n"
	};
	struct notice notice = { 0 };
	char large[NOTICE_MAX_BYTES + 2];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_file(notice_path(), texts[i], strlen(texts[i]), 0600);
		ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -EBADMSG);
	}
	memset(large, 'x', sizeof(large));
	strcpy(large, "n\n/x\n");
	large[5] = 'x';
	large[sizeof(large) - 1] = '\n';
	write_file(notice_path(), large, sizeof(large), 0600);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -EBADMSG);
	write_file(notice_path(), "n\n/x\ntext\n", 10, 0622);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -EBADMSG);
	write_file(notice_path(), "n\n/x\ntext\n", 10, 0600);
	ck_assert_int_eq(link(notice_path(), "second"), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -EBADMSG);
	ck_assert_int_eq(unlink(notice_path()), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -ENOENT);
	ck_assert_int_eq(symlink("../second", notice_path()), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -ELOOP);
	ck_assert_int_eq(unlink(notice_path()), 0);
	ck_assert_int_eq(mkfifo(notice_path(), 0600), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -EBADMSG);
	ck_assert_ptr_null(notice.text);
}
END_TEST

/* Nor does anything of it stay in the directory. */
START_TEST(what_cannot_be_kept_is_told)
{
	char text[NOTICE_MAX_BYTES + 1];
	size_t n_entries = count_entries(scratch_path("shadows"));

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(notice_leave(&db, PROGRAM, "", NOTICE_NEW, text), -E2BIG);
	ck_assert_uint_eq(count_entries(scratch_path("shadows")), n_entries);
	ck_assert_int_eq(mkdir(notice_path(), 0700), 0);
	ck_assert_int_eq(notice_leave(&db, PROGRAM, "", NOTICE_NEW, "x"), -EISDIR);
	ck_assert_uint_eq(count_entries(scratch_path("shadows")), n_entries + 1);
}
END_TEST

/* For those who run as root. */
START_TEST(what_is_somebody_elses_is_not_believed)
{
	struct notice notice = { 0 };

	ck_assert_int_eq(notice_leave(&db, PROGRAM, "", NOTICE_NEW, "x"), 0);
	ck_assert_int_eq(chown(notice_path(), 65534, 65534), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), -EBADMSG);
	/* But what is root's is, by everybody. */
	ck_assert_int_eq(chown(notice_path(), 0, 0), 0);
	ck_assert_int_eq(chmod(notice_path(), 0644), 0);
	ck_assert_int_eq(chmod(scratch_path("shadows"), 0755), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(notice_read(&db, PROGRAM, "", &notice), 0);
	notice_release(&notice);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

static int count(const struct notice *notice, void *context)
{
	char *seen = context;

	strcat(seen, notice->program);
	return 0;
}

START_TEST(all_are_listed)
{
	char seen[64] = "";

	ck_assert_int_eq(notice_leave(&db, "/b", "", NOTICE_NEW, "1"), 0);
	ck_assert_int_eq(notice_leave(&db, "/a", "", NOTICE_TOLD, "2"), 0);
	ck_assert_int_eq(notice_list(&db, count, seen), 0);
	ck_assert_str_eq(seen, "/a/b");
}
END_TEST

START_TEST(those_of_all_profiles_go)
{
	char seen[64] = "";

	ck_assert_int_eq(notice_leave(&db, "/a\n", "", NOTICE_NEW, "1"), 0);
	ck_assert_int_eq(notice_leave(&db, "/a\n", "p", NOTICE_TOLD, "2"), 0);
	ck_assert_int_eq(notice_leave(&db, "/b", "p", NOTICE_TOLD, "3"), 0);
	ck_assert_int_eq(notice_remove(&db, "/a\n", NULL), 2);
	ck_assert_int_eq(notice_remove(&db, "/a\n", NULL), 0);
	ck_assert_int_eq(notice_list(&db, count, seen), 0);
	ck_assert_str_eq(seen, "/b");
}
END_TEST

START_TEST(without_a_directory_there_is_none)
{
	struct shadowdb none = { .dir_fd = -1 };
	struct notice notice = { 0 };
	char seen[8] = "";

	ck_assert_int_eq(notice_leave(&none, PROGRAM, "", NOTICE_NEW, "x"), -ENOENT);
	ck_assert_int_eq(notice_take(&none, PROGRAM, "", &notice), -ENOENT);
	ck_assert_int_eq(notice_remove(&none, PROGRAM, ""), 0);
	ck_assert_int_eq(notice_remove(&none, PROGRAM, NULL), 0);
	ck_assert_int_eq(notice_list(&none, count, seen), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("notice");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, it_is_new_once);
	tcase_add_test(t, no_control_character_passes);
	tcase_add_test(t, what_is_not_ours_or_no_notice_is_not_believed);
	tcase_add_test(t, what_cannot_be_kept_is_told);
	if (geteuid() == 0)
		tcase_add_test(t, what_is_somebody_elses_is_not_believed);
	tcase_add_test(t, all_are_listed);
	tcase_add_test(t, those_of_all_profiles_go);
	tcase_add_test(t, without_a_directory_there_is_none);
	suite_add_tcase(s, t);
	return run_suite(s);
}
