#include "sys/huge.h"

#include "touched.h"

static void enable(const char *text)
{
	ck_assert(mkdir("sys", 0755) == 0 || errno == EEXIST);
	ck_assert(mkdir("sys/kernel", 0755) == 0 || errno == EEXIST);
	ck_assert(mkdir("sys/kernel/mm", 0755) == 0 || errno == EEXIST);
	ck_assert(mkdir("sys/kernel/mm/transparent_hugepage", 0755) == 0 || errno == EEXIST);
	write_file("sys/kernel/mm/transparent_hugepage/enabled", text, strlen(text), 0644);
}

START_TEST(the_system_may_forbid_it)
{
	ck_assert(!huge_is_enabled(scratch));
	enable("always madvise [never]\n");
	ck_assert(!huge_is_enabled(scratch));
	enable("always [madvise] never\n");
	ck_assert(huge_is_enabled(scratch));
	enable("");
	ck_assert(!huge_is_enabled(scratch));
}
END_TEST

START_TEST(kernels_and_file_systems)
{
	ck_assert(huge_is_known_by("6.18.44-fc", "ext4"));
	ck_assert(huge_is_known_by("6.16.0", "ext4"));
	ck_assert(!huge_is_known_by("6.15.9", "ext4"));
	ck_assert(huge_is_known_by("7.0", "ext4"));
	ck_assert(huge_is_known_by("6.1.0-44-amd64", "xfs"));
	ck_assert(!huge_is_known_by("5.10.0", "xfs"));
	ck_assert(!huge_is_known_by("6.18.0", "vfat"));
	ck_assert(!huge_is_known_by("rolling", "ext4"));
	ck_assert(!huge_is_known_by("", "ext4"));
}
END_TEST

/* How many pages one touch maps, where all can be mapped at once. */
static uint64_t count_mapped(int fd, size_t size)
{
	char *room = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct touched touched;

	ck_assert_ptr_ne(room, MAP_FAILED);
	room += size - (uintptr_t)room % size;
	ck_assert_ptr_ne(mmap(room, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), MAP_FAILED);
	touched = (struct touched){ (uint64_t)(uintptr_t)room, (uint64_t)(uintptr_t)room + size };
	touched_touch(&touched, 5);
	uint64_t n = touched_count(&touched);

	ck_assert_int_eq(munmap(room, size), 0);
	return n;
}

START_TEST(a_window_comes_in_as_one_folio)
{
	size_t size = page_huge_bytes();
	struct touched touched = { 0 };

	if (!touched_map_huge(&touched)) {
		printf("not tested here: huge folios (needs a file system with large folios)\n");
		return;
	}
	ck_assert_int_eq(munmap((void *)(uintptr_t)touched.start, touched.end - touched.start), 0);
	cleanup_close int fd = open("huge", O_RDWR | O_CLOEXEC);

	for (int way = 0; way < 2; way++) {
		evict_file(fd);
		if (way)
			ck_assert_int_eq(huge_read(fd, 0), 0);
		if (way)
			ck_assert_uint_eq(count_mapped(fd, size), size / page_bytes());
		else
			ck_assert_uint_lt(count_mapped(fd, size), size / page_bytes());
	}
}
END_TEST

START_TEST(a_file_that_was_cut_is_no_signal)
{
	cleanup_close int fd = open("short", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_eq(huge_read(fd, (off_t)page_huge_bytes()), -EFAULT);
	ck_assert_int_lt(huge_read(-1, 0), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("huge");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter_on_disk, scratch_leave);
	tcase_add_test(t, the_system_may_forbid_it);
	tcase_add_test(t, kernels_and_file_systems);
	tcase_add_test(t, a_window_comes_in_as_one_folio);
	tcase_add_test(t, a_file_that_was_cut_is_no_signal);
	suite_add_tcase(s, t);
	return run_suite(s);
}
