#include "sys/cached.h"

#include <sys/mount.h>
#include <sys/syscall.h>

#include "own_mounts.h"
#include "refuse.h"
#include "support.h"
#include "sys/page.h"

static enum cached look(const char *path, enum cached_part part)
{
	cleanup_with(cached_looks_release) struct cached_looks looks = { 0 };

	return cached_look(&looks, path, part);
}

/* After a use of it. Others on the machine may empty the caches in between: then once more. */
static enum cached look_after_use(const char *path, enum cached_part part)
{
	enum cached cached = CACHED_NO;
	char byte;

	for (int i = 0; i < 100 && cached == CACHED_NO; i++) {
		cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

		(void)!pread(fd, &byte, 1, 0);
		cached = look(path, part);
	}
	return cached;
}

START_TEST(what_was_just_used_is_cached)
{
	write_file("file", "text", 4, 0600);
	ck_assert_int_eq(look_after_use(scratch_path("file"), CACHED_ALL), CACHED_PRESENT);
	ck_assert_int_eq(look_after_use("file", CACHED_ENDS), CACHED_PRESENT);
	ck_assert_int_eq(look_after_use(scratch_path("."), CACHED_NAME), CACHED_PRESENT);
	ck_assert_int_eq(look_after_use(scratch_path("none"), CACHED_ALL), CACHED_ABSENT);
}
END_TEST

START_TEST(what_is_behind_a_closed_directory_is_absent)
{
	bool is_root = geteuid() == 0;

	ck_assert_int_eq(mkdir("closed", 0), 0);
	if (is_root)
		ck_assert_int_eq(seteuid(65534), 0);
	enum cached cached = look_after_use(scratch_path("closed/file"), CACHED_ALL);

	if (is_root)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(cached, CACHED_ABSENT);
}
END_TEST

START_TEST(nothing_else_can_be_on_a_file_system_in_memory)
{
	ck_assert_int_eq(look_after_use("/dev/shm/pbrun-none/none", CACHED_ALL), CACHED_ABSENT);
}
END_TEST

START_TEST(a_page_that_is_not_in_memory_is_waited_for)
{
	const char *path = scratch_path("file");

	write_file(path, "text", 4, 0600);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(fsync(fd), 0);
	for (enum cached_part part = CACHED_ENDS; part <= CACHED_ALL; part++) {
		enum cached cached = CACHED_PRESENT;

		/* A look starts to read what is missing: a fast disk may be done before it is over. */
		for (int i = 0; i < 100 && cached == CACHED_PRESENT; i++) {
			ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
			cached = look(path, part);
		}
		ck_assert_int_eq(cached, CACHED_NO);
		/* Its name is: it is open. */
		ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		ck_assert_int_eq(look(path, CACHED_NAME), CACHED_PRESENT);
	}
}
END_TEST

/* Without a page in the middle. */
START_TEST(two_ends_are_not_all)
{
	enum { N_PAGES = 33 };
	const off_t page = (off_t)page_bytes();
	const char *path = scratch_path("file");
	char *data = calloc(N_PAGES, page_bytes());
	bool has_ends = false, has_not_all = false;

	ck_assert_ptr_nonnull(data);
	write_file(path, data, N_PAGES * page_bytes(), 0600);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(fsync(fd), 0);
	/* Page by page: of a large folio no part goes. */
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	/* Others may empty the caches, and a look starts to read what is missing. */
	for (int i = 0; i < 100 && !(has_ends && has_not_all); i++) {
		(void)!pread(fd, data, page_bytes(), 0);
		(void)!pread(fd, data, page_bytes(), (N_PAGES - 1) * page);
		ck_assert_int_eq(posix_fadvise(fd, page, (N_PAGES - 2) * page, POSIX_FADV_DONTNEED), 0);
		has_ends |= look(path, CACHED_ENDS) == CACHED_PRESENT;
		ck_assert_int_eq(posix_fadvise(fd, page, (N_PAGES - 2) * page, POSIX_FADV_DONTNEED), 0);
		has_not_all |= look(path, CACHED_ALL) == CACHED_NO;
	}
	free(data);
	ck_assert(has_ends);
	ck_assert(has_not_all);
}
END_TEST

START_TEST(what_has_no_pages_or_may_not_be_read_is_not_waited_for)
{
	bool is_root = geteuid() == 0;

	write_file("empty", "", 0, 0600);
	ck_assert_int_eq(look_after_use(scratch_path("empty"), CACHED_ALL), CACHED_PRESENT);
	write_file("secret", "text", 4, 0);
	if (is_root)
		ck_assert_int_eq(seteuid(65534), 0);
	enum cached cached = look_after_use(scratch_path("secret"), CACHED_ALL);

	if (is_root)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(cached, CACHED_PRESENT);
}
END_TEST

/* As FUSE does: it is mounted, and nobody serves it. */
START_TEST(what_may_never_answer_is_not_asked)
{
	cleanup_close int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64];

	ck_assert_int_eq(mkdir("far", 0700), 0);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (geteuid() != 0 || fd < 0 || !own_mounts() || mount("far", "far", "fuse", 0, options) != 0)
		return;
	ck_assert_int_eq(symlink(scratch_path("far"), "link"), 0);
	ck_assert_int_eq(look(scratch_path("far"), CACHED_NAME), CACHED_NO);
	ck_assert_int_eq(look(scratch_path("far/file"), CACHED_NAME), CACHED_NO);
	ck_assert_int_eq(look(scratch_path("link/file"), CACHED_NAME), CACHED_NO);
	ck_assert_int_eq(look("link", CACHED_NAME), CACHED_NO);
	ck_assert_int_eq(umount2("far", MNT_DETACH), 0);
}
END_TEST

START_TEST(without_openat2_it_is_told_by_the_mount)
{
	write_file("file", "text", 4, 0600);
	if (!refuse_call(SYS_openat2, EPERM))
		return;
	ck_assert_int_eq(look_after_use(scratch_path("file"), CACHED_ALL), CACHED_PRESENT);
	ck_assert_int_eq(look_after_use("file", CACHED_ALL), CACHED_PRESENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cached");
	TCase *t = tcase_create("cached");

	tcase_add_checked_fixture(t, scratch_enter_on_disk, scratch_leave);
	tcase_add_test(t, what_was_just_used_is_cached);
	tcase_add_test(t, what_is_behind_a_closed_directory_is_absent);
	tcase_add_test(t, nothing_else_can_be_on_a_file_system_in_memory);
	tcase_add_test(t, a_page_that_is_not_in_memory_is_waited_for);
	tcase_add_test(t, two_ends_are_not_all);
	tcase_add_test(t, what_has_no_pages_or_may_not_be_read_is_not_waited_for);
	tcase_add_test(t, what_may_never_answer_is_not_asked);
	tcase_add_test(t, without_openat2_it_is_told_by_the_mount);
	suite_add_tcase(suite, t);
	return run_suite(suite);
}
