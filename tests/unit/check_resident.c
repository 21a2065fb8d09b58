#include "sys/resident.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "support.h"
#include "sys/cleanup.h"
#include "sys/page.h"

enum { N_PAGES = 64 };

/* A file that is on its disk and nowhere else. */
static int open_cold(const char *name)
{
	char *data = calloc(N_PAGES, page_bytes());
	int fd;

	write_file(name, data, N_PAGES * page_bytes(), 0644);
	free(data);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	evict_file(fd);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	return fd;
}

static bool is_on_disk(void)
{
	struct statfs filesystem;

	return can_test(statfs(".", &filesystem) == 0 && filesystem.f_type != TMPFS_MAGIC,
			"pages that are not in memory");
}

START_TEST(what_was_read_is_there)
{
	cleanup_close int fd = open_cold("file");
	char byte;

	ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(resident_look(fd, 0), RESIDENT_YES);
	if (is_on_disk()) {
		enum resident other = RESIDENT_YES;

		/* A look starts to read what is missing: a fast disk may be done before it is over. */
		for (int i = 0; i < 100 && other == RESIDENT_YES; i++) {
			evict_file(fd);
			other = resident_look(fd, N_PAGES / 2);
		}
		ck_assert_int_ne(other, RESIDENT_YES);
	}
	ck_assert_int_eq(resident_look(fd, N_PAGES + 1), RESIDENT_NO);
}
END_TEST

START_TEST(a_read_tells)
{
	for (enum resident_medium medium = RESIDENT_DISK; medium <= RESIDENT_OTHER; medium++) {
		cleanup_close int fd = open_cold("file");
		bool was_there = false;

		if (is_on_disk())
			ck_assert(!resident_read(fd, 7, medium));
		/* A busy machine may have it wait for something else, or taken it away again. */
		for (int i = 0; i < 100 && !was_there; i++)
			was_there = resident_read(fd, 7, medium);
		ck_assert(was_there);
		ck_assert(!resident_read(fd, N_PAGES, medium));
	}
}
END_TEST

START_TEST(reads_from_the_disk_are_counted)
{
	cleanup_close int fd = open_cold("file");
	uint64_t n_before = resident_disk_reads();

	if (!can_test(resident_counts_disk_reads(), "a kernel that counts reads") || !is_on_disk())
		return;
	ck_assert_int_eq(readahead(fd, 0, 8 * page_bytes()), 0);
	ck_assert_uint_gt(resident_disk_reads(), n_before);
	n_before = resident_disk_reads();
	ck_assert_int_eq(readahead(fd, 0, 8 * page_bytes()), 0);
	ck_assert_uint_eq(resident_disk_reads(), n_before);
}
END_TEST

static bool mount_here(const char *source, const char *point, const char *type, const char *options)
{
	return mkdir(point, 0755) == 0 && mount(source, point, type, 0, options) == 0;
}

START_TEST(a_tmpfs_is_memory)
{
	if (!can_test(mount_here("tmpfs", "memory", "tmpfs", ""), "mounting"))
		return;
	cleanup_close int fd = open_cold("memory/file");
	enum resident answer = resident_look(fd, 1);

	ck_assert_int_eq(umount2("memory", MNT_DETACH), 0);
	ck_assert_int_eq(answer, RESIDENT_YES);
}
END_TEST

/* To those who may write the file mincore(2) tells the truth; to others that all is there. */
START_TEST(an_overlay_tells_its_owner)
{
	enum resident cold, warm, other;
	char byte;
	int status;

	ck_assert_int_eq(mkdir("lower", 0755) + mkdir("upper", 0755) + mkdir("work", 0755), 0);
	close(open_cold("lower/file"));
	if (!is_on_disk() ||
	    !can_test(mount_here("overlay", "both", "overlay", "lowerdir=lower,upperdir=upper,workdir=work"),
		      "an overlay"))
		return;
	cleanup_close int fd = open("both/file", O_RDONLY | O_CLOEXEC);

	cold = resident_look(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
	warm = resident_look(fd, 0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(setresuid(65534, 65534, 65534) == 0 ? (int)resident_look(fd, 0) : 99);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	other = (enum resident)WEXITSTATUS(status);
	ck_assert_int_eq(umount2("both", MNT_DETACH), 0);
	ck_assert_int_eq(cold, RESIDENT_NO);
	ck_assert_int_eq(warm, RESIDENT_YES);
	ck_assert_int_eq(other, RESIDENT_UNKNOWN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("resident");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, what_was_read_is_there);
	tcase_add_test(t, a_read_tells);
	tcase_add_test(t, reads_from_the_disk_are_counted);
	tcase_add_test(t, a_tmpfs_is_memory);
	tcase_add_test(t, an_overlay_tells_its_owner);
	suite_add_tcase(s, t);
	return run_suite(s);
}
