/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
#include "trace/uffd.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "target.h"
#include "touched.h"

static struct tracer tracer;

static int end(void)
{
	return TARGET_STATUS;
}

static const struct target targets[] = { { "end", end } };

static struct tracee_stop start_to_exec(void)
{
	struct tracee_stop stop = { 0 };
	pid_t pid = target_fork("end", NULL);

	ck_assert_int_eq(tracee_seize(&tracer, pid), 0);
	target_go();
	ck_assert_int_eq(tracee_wait(&tracer, &stop), 0);
	ck_assert_int_eq(stop.event, TRACEE_EXECED);
	return stop;
}

static void run_to_end(struct tracee_stop stop)
{
	int wait_status = -1;

	while (stop.event != TRACEE_NONE_LEFT) {
		if (stop.event == TRACEE_EXITING)
			wait_status = stop.wait_status;
		if (stop.event != TRACEE_GONE)
			tracee_resume(&tracer, &stop);
		ck_assert_int_eq(tracee_wait(&tracer, &stop), 0);
	}
	ck_assert_int_eq(wait_status, TARGET_STATUS << 8);
}

static size_t count_fds(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	return count_entries(path);
}

START_TEST(it_is_taken_over_and_leaves_no_trace)
{
	struct tracee_stop stop = start_to_exec();
	size_t n_fds = count_fds(stop.tid);
	int uffd = uffd_create_in(&stop);

	ck_assert_int_ge(uffd, 0);
	ck_assert_int_ne(fcntl(uffd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_uint_eq(count_fds(stop.tid), n_fds);
	ck_assert_int_eq(close(uffd), 0);
	run_to_end(stop);
}
END_TEST

START_TEST(it_belongs_to_the_others_address_space)
{
	struct tracee_stop stop = start_to_exec();
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *ours = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start = (uint64_t)(uintptr_t)ours;
	cleanup_close int uffd = uffd_create_in(&stop);

	ck_assert_ptr_ne(ours, MAP_FAILED);
	ck_assert_int_ge(uffd, 0);
	ck_assert_int_eq(uffd_register(uffd, start, start + size), -EINVAL);
	run_to_end(stop);
	ck_assert_int_eq(uffd_register(uffd, start, start + size), -ENOMEM);
}
END_TEST

START_TEST(a_task_without_a_free_descriptor_says_so)
{
	struct tracee_stop stop = start_to_exec();
	struct rlimit none, before;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(prlimit(stop.tid, RLIMIT_NOFILE, &none, NULL), 0);
	ck_assert_int_eq(uffd_create_in(&stop), -EMFILE);
	ck_assert_int_eq(prlimit(stop.tid, RLIMIT_NOFILE, &before, NULL), 0);
	run_to_end(stop);
}
END_TEST

START_TEST(the_killed_say_so)
{
	struct tracee_stop stop = start_to_exec();

	ck_assert_int_eq(kill(stop.tid, SIGKILL), 0);
	ck_assert_int_lt(uffd_create_in(&stop), 0);
	while (stop.event != TRACEE_NONE_LEFT) {
		if (stop.event != TRACEE_GONE)
			tracee_resume(&tracer, &stop);
		ck_assert_int_eq(tracee_wait(&tracer, &stop), 0);
	}
}
END_TEST

START_TEST(what_is_registered_is_mapped_page_by_page)
{
	struct touched touched = touched_map(MAP_PRIVATE);
	cleanup_close int uffd = touched_uffd();

	if (_i)
		ck_assert_int_eq(uffd_register(uffd, touched.start, touched.end), 0);
	touched_touch(&touched, 20);
	if (_i)
		ck_assert_uint_eq(touched_count(&touched), 1);
	else
		ck_assert_uint_gt(touched_count(&touched), 1);
}
END_TEST

START_TEST(huge_folios_are_mapped_page_by_page)
{
	struct touched touched = { 0 };
	uint64_t n_huge_pages = page_huge_bytes() / page_bytes();
	cleanup_close int uffd = touched_uffd();

	if (!touched_map_huge(&touched)) {
		printf("not tested here: %s\n", "huge folios (needs a file system with large folios)");
		return;
	}
	ck_assert_uint_eq(touched_count(&touched), n_huge_pages);
	if (_i)
		ck_assert_int_eq(uffd_register(uffd, touched.start, touched.end), 0);
	touched_touch(&touched, n_huge_pages + 7);
	touched_touch(&touched, 2 * n_huge_pages + 9);
	ck_assert_uint_eq(touched_count(&touched), _i ? 2 : 3 * n_huge_pages);
}
END_TEST

START_TEST(what_cannot_be_registered)
{
	struct touched touched = touched_map(MAP_SHARED);
	cleanup_close int uffd = touched_uffd();

	ck_assert_int_eq(uffd_register(uffd, touched.start, touched.end), -EPERM);
	ck_assert_int_eq(munmap((void *)(uintptr_t)touched.start, touched.end - touched.start), 0);
	ck_assert_int_eq(uffd_register(uffd, touched.start, touched.end), -EINVAL);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("uffd");
	TCase *t = tcase_create("core");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	if (!can_test(can_be_exact(), "anything (needs userfaultfd(2) of a kernel since 6.7)"))
		return 77;
	tcase_add_unchecked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, it_is_taken_over_and_leaves_no_trace);
	tcase_add_test(t, it_belongs_to_the_others_address_space);
	tcase_add_test(t, a_task_without_a_free_descriptor_says_so);
	tcase_add_test(t, the_killed_say_so);
	tcase_add_loop_test(t, what_is_registered_is_mapped_page_by_page, 0, 2);
	tcase_add_loop_test(t, huge_folios_are_mapped_page_by_page, 0, 2);
	tcase_add_test(t, what_cannot_be_registered);
	suite_add_tcase(s, t);
	return run_suite(s);
}
