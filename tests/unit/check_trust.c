/* check_trust.c - which files and directories are believed, and which ways lead to them */
#include "sys/trust.h"

#include "support.h"

static bool is_root(void)
{
	return geteuid() == 0;
}

static struct stat file_of(uid_t uid, mode_t mode, nlink_t n_links)
{
	return (struct stat){ .st_uid = uid, .st_mode = mode, .st_nlink = n_links };
}

START_TEST(files)
{
	const uid_t us = geteuid();
	struct {
		struct stat st;
		int expected;
	} cases[] = {
		{ file_of(us, S_IFREG | 0600, 1), 0 },
		{ file_of(0, S_IFREG | 0644, 1), 0 },
		{ file_of(us, S_IFREG | 0600, 0), 0 },
		{ file_of(us + 1, S_IFREG | 0600, 1), -EPERM },
		{ file_of(us, S_IFREG | 0620, 1), -EKEYREJECTED },
		{ file_of(us, S_IFREG | 0602, 1), -EKEYREJECTED },
		{ file_of(us, S_IFREG | 0600, 2), -EMLINK },
		{ file_of(us, S_IFIFO | 0600, 1), -EINVAL },
		{ file_of(us, S_IFDIR | 0700, 1), -EINVAL },
		{ file_of(us, S_IFCHR | 0600, 1), -EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = trust_check_file(&cases[i].st);

		ck_assert_msg(r == cases[i].expected, "case %zu: %d", i, r);
		ck_assert_int_eq(r == 0, trust_explain(r) == NULL);
	}
	ck_assert_ptr_null(trust_explain(-EMFILE));
	ck_assert_ptr_null(trust_explain(-EACCES));
}
END_TEST

START_TEST(directories)
{
	struct stat ours = file_of(geteuid(), S_IFDIR | 0755, 2);
	struct stat others = file_of(geteuid() + 1, S_IFDIR | 0755, 2);
	struct stat sticky = file_of(0, S_IFDIR | 01777, 2);
	struct stat of_group = file_of(geteuid(), S_IFDIR | 02775, 2);

	ck_assert_int_eq(trust_check_directory(&ours), 0);
	ck_assert_int_eq(trust_check_directory(&others), -EPERM);
	ck_assert_int_eq(trust_check_directory(&sticky), -EKEYREJECTED);
	ck_assert_int_eq(trust_check_directory(&of_group), -EKEYREJECTED);
}
END_TEST

/* Its mode, or what opening it said. */
static int open_mode(const char *name, mode_t make_mode)
{
	struct stat st;
	cleanup_close int fd = trust_open_directory(name, make_mode);

	if (fd < 0)
		return fd;
	ck_assert_int_eq(fstat(fd, &st), 0);
	return (int)(st.st_mode & 07777);
}

START_TEST(made_with_its_mode_whatever_the_umask)
{
	const mode_t umasks[] = { 0, 022, 077, 0777 };

	ck_assert_int_eq(open_mode("missing/below", 0), -ENOENT);
	for (size_t i = 0; i < sizeof(umasks) / sizeof(umasks[0]); i++) {
		umask(umasks[i]);
		ck_assert_int_eq(open_mode("a/b//c/", 0755), 0755);
		ck_assert_int_eq(open_mode(scratch_path("d/e"), 0700), 0700);
		umask(022);
		ck_assert_int_eq(open_mode("a/b", 0), 0755);
		ck_assert_int_eq(system("rm -r a d"), 0);
	}
	/* What is there keeps its mode. */
	ck_assert_int_eq(mkdir("there", 0750), 0);
	ck_assert_int_eq(open_mode("there", 0700), 0750);
	write_file("plain", "", 0, 0600);
	ck_assert_int_eq(open_mode("plain", 0700), -ENOTDIR);
	ck_assert_int_eq(open_mode("plain/x", 0700), -ENOTDIR);
}
END_TEST

START_TEST(own_links_are_followed)
{
	ck_assert_int_eq(mkdir("real", 0700), 0);
	ck_assert_int_eq(mkdir("real/in", 0710), 0);
	ck_assert_int_eq(symlink(scratch_path("real"), "absolute"), 0);
	ck_assert_int_eq(symlink("../real/./in", "real/relative"), 0);
	ck_assert_int_eq(symlink("absolute/relative", "both"), 0);
	ck_assert_int_eq(symlink("circle", "circle"), 0);
	ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
	ck_assert_int_eq(open_mode("absolute/in", 0), 0710);
	ck_assert_int_eq(open_mode("both", 0), 0710);
	ck_assert_int_eq(open_mode("both/../../real", 0), 0700);
	ck_assert_int_eq(open_mode("absolute/new", 0700), 0700);
	ck_assert_int_eq(access("real/new", F_OK), 0);
	ck_assert_int_eq(open_mode("circle", 0), -ELOOP);
	/* A disk that is not mounted, perhaps. */
	ck_assert_int_eq(open_mode("dangling", 0700), -ENOENT);
	ck_assert_int_eq(open_mode("dangling/below", 0700), -ENOENT);
	ck_assert_int_eq(access("nowhere", F_OK), -1);
}
END_TEST

START_TEST(of_others_neither_links_nor_directories)
{
	ck_assert_int_eq(mkdir("home", 0755), 0);
	ck_assert_int_eq(mkdir("secret", 0700), 0);
	ck_assert_int_eq(symlink("../secret", "home/planted"), 0);
	ck_assert_int_eq(lchown("home/planted", 12345, 12345), 0);
	ck_assert_int_eq(open_mode("home/planted", 0700), -ELOOP);
	ck_assert_int_eq(open_mode("home/planted/new", 0700), -ELOOP);
	ck_assert_int_eq(access("secret/new", F_OK), -1);

	/* Also where it would have to be made, and is only asked for. */
	ck_assert_int_eq(chown("home", 12345, 12345), 0);
	ck_assert_int_eq(open_mode("home", 0), -EPERM);
	ck_assert_int_eq(open_mode("home/.cache/pbrun", 0), -EPERM);
	ck_assert_int_eq(open_mode("home/.cache/pbrun", 0700), -EPERM);
	ck_assert_int_eq(access("home/.cache", F_OK), -1);

	/* Its owner follows the own link, and is refused nothing. */
	ck_assert_int_eq(chown("secret", 12345, 12345), 0);
	ck_assert_int_eq(seteuid(12345), 0);
	ck_assert_int_eq(open_mode("home/planted/new", 0700), 0700);
	ck_assert_int_eq(open_mode("home/.cache/pbrun", 0700), 0700);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trust");
	TCase *t = tcase_create("core");

	tcase_add_unchecked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, files);
	tcase_add_test(t, directories);
	tcase_add_test(t, made_with_its_mode_whatever_the_umask);
	tcase_add_test(t, own_links_are_followed);
	if (can_test(is_root(), "what belongs to others (needs root)"))
		tcase_add_test(t, of_others_neither_links_nor_directories);
	suite_add_tcase(s, t);
	return run_suite(s);
}
