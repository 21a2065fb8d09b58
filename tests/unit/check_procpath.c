#include "trace/procpath.h"

#include <sys/mman.h>

#include "support.h"

#define ADDRESS(pointer) ((uint64_t)(uintptr_t)(pointer))

static struct process process;
static char path[PATH_MAX];

static void set_up(void)
{
	scratch_enter();
	process = (struct process){ .pid = getpid() };
}

static void tear_down(void)
{
	free(process.working_directory);
	scratch_leave();
}

START_TEST(a_path_may_end_with_the_memory)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(pages, MAP_FAILED);
	ck_assert_int_eq(munmap(pages + page_size, page_size), 0);
	char *end = pages + page_size;

	memcpy(end - 5, "/abc", 5);
	ck_assert(procpath_read(getpid(), ADDRESS(end - 5), path));
	ck_assert_str_eq(path, "/abc");
	end[-1] = 'd';
	ck_assert(!procpath_read(getpid(), ADDRESS(end - 5), path));
	memset(pages, 'x', page_size);
	ck_assert(!procpath_read(getpid(), ADDRESS(pages), path));
	ck_assert(procpath_read(getpid(), ADDRESS(""), path));
	ck_assert_str_eq(path, "");
}
END_TEST

static void assert_absolute(int dirfd, const char *name, const char *expected)
{
	ck_assert(procpath_read_absolute(&process, getpid(), dirfd, ADDRESS(name), path));
	ck_assert_str_eq(path, expected);
}

START_TEST(a_path_becomes_absolute)
{
	int dirfd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_absolute(AT_FDCWD, "/a/b", "/a/b");
	assert_absolute(AT_FDCWD, "./a", scratch_path("a"));
	assert_absolute(dirfd, "bin/a", "/usr/bin/a");
	assert_absolute(dirfd, "/a", "/a");
	ck_assert(!procpath_read_absolute(&process, getpid(), AT_FDCWD, ADDRESS(""), path));
	ck_assert(!procpath_read_absolute(&process, getpid(), 12345, ADDRESS("a"), path));
	close(dirfd);
}
END_TEST

/* Where each change of directory is seen it is asked for once. */
START_TEST(the_directory_is_remembered_unless_it_changes_unseen)
{
	char before[PATH_MAX];

	memccpy(before, scratch_path("a"), '\0', sizeof(before));
	assert_absolute(AT_FDCWD, "a", before);
	ck_assert_int_eq(chdir("/"), 0);
	assert_absolute(AT_FDCWD, "a", before);
	process.flags |= PROCESS_IS_HALF_SEEN;
	assert_absolute(AT_FDCWD, "a", "/a");
}
END_TEST

START_TEST(a_descriptor_may_have_a_path)
{
	int fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert(procpath_of_fd(getpid(), fd, path));
	ck_assert_str_eq(path, "/usr");
	ck_assert(!procpath_of_fd(getpid(), fds[0], path));
	ck_assert(!procpath_of_fd(getpid(), 12345, path));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("procpath");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_path_may_end_with_the_memory);
	tcase_add_test(t, a_path_becomes_absolute);
	tcase_add_test(t, the_directory_is_remembered_unless_it_changes_unseen);
	tcase_add_test(t, a_descriptor_may_have_a_path);
	suite_add_tcase(s, t);
	return run_suite(s);
}
