/* No address sanitizer: its look for leaks needs more descriptors than are left. */
#include "sys/close_fds.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "refuse.h"
#include "support.h"

/* What a child is refused, one more thing each. */
enum refused { NOTHING, CLOSE_RANGE, LISTS_TOO, N_REFUSED };

static bool refuse(int refused)
{
	return (refused < CLOSE_RANGE || refuse_call(SYS_close_range, ENOSYS)) &&
	       (refused < LISTS_TOO || refuse_call(SYS_openat, ENOENT));
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Whether after the closing, in a child, exactly these of the descriptors from first to last are open. Bit 0
 * stands for first. */
static void assert_closed(int refused, unsigned int from, const int *kept_fds, size_t n_kept_fds, int first,
			  int last, unsigned int open_bits)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (!refuse(refused))
			_exit(2);
		errno = E2BIG;
		close_fds_from(from, kept_fds, n_kept_fds);
		if (errno != E2BIG)
			_exit(3);
		for (int fd = first; fd <= last; fd++)
			if (is_open(fd) != (open_bits >> (fd - first) & 1))
				_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(all_from_the_first)
{
	for (int fd = 100; fd < 105; fd++)
		ck_assert_int_eq(dup2(0, fd), fd);
	assert_closed(_i, 102, NULL, 0, 100, 104, 0x3);
	assert_closed(_i, 3, NULL, 0, 100, 104, 0);
}
END_TEST

START_TEST(but_the_kept_ones)
{
	const int kept[] = { 104, 100, 101, 100, 1 };

	for (int fd = 100; fd < 106; fd++)
		ck_assert_int_eq(dup2(0, fd), fd);
	assert_closed(_i, 0, kept, 5, 100, 105, 0x13);
	assert_closed(_i, 101, kept, 5, 100, 105, 0x13);
}
END_TEST

/* More than one reading of the directory brings, with holes. */
START_TEST(very_many)
{
	struct rlimit limit;
	const int kept[] = { 900 };

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < 1024 ? limit.rlim_max : 1024;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int fd = 20; fd < (int)limit.rlim_cur; fd += 1 + fd % 3)
		ck_assert_int_eq(dup2(0, fd), fd);
	ck_assert_int_eq(dup2(0, 900), 900);
	for (int first = 20; first < 1000; first += 20)
		assert_closed(_i, 3, kept, 1, first, first + 19, first == 900 ? 1 : 0);
}
END_TEST

START_TEST(beyond_a_limit_that_was_lowered)
{
	struct rlimit limit = { .rlim_cur = 4, .rlim_max = 4 };

	ck_assert_int_eq(dup2(0, 200), 200);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_closed(_i, 3, NULL, 0, 200, 200, 0);
}
END_TEST

static bool can_refuse(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(!refuse(LISTS_TOO));
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	Suite *s = suite_create("close_fds");
	TCase *t = tcase_create("core");
	int n = can_test(can_refuse(), "a kernel without close_range(2): filters are not allowed")
			? N_REFUSED
			: CLOSE_RANGE;

	tcase_add_loop_test(t, all_from_the_first, 0, n);
	tcase_add_loop_test(t, but_the_kept_ones, 0, n);
	tcase_add_loop_test(t, very_many, 0, n);
	tcase_add_loop_test(t, beyond_a_limit_that_was_lowered, 0, n);
	suite_add_tcase(s, t);
	return run_suite(s);
}
