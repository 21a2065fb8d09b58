#include <check.h>
#include <fcntl.h>
#include <string.h>

#include "support.h"
#include "sys/cleanup.h"

START_TEST(close_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	errno = ENOTTY;
	{
		/* Closing what is closed fails with EBADF. */
		cleanup_close int stale = fd;

		(void)stale;
	}
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

START_TEST(scope_end_closes)
{
	int number;

	{
		cleanup_close int fd = open("/dev/null", O_RDONLY);

		ck_assert_int_ge(fd, 0);
		number = fd;
	}
	ck_assert_int_eq(fcntl(number, F_GETFD), -1);
}
END_TEST

START_TEST(taken_fd_stays_open)
{
	int kept;

	{
		cleanup_close int fd = open("/dev/null", O_RDONLY);

		ck_assert_int_ge(fd, 0);
		kept = take_fd(fd);
		ck_assert_int_eq(fd, -1);
	}
	ck_assert_int_ge(fcntl(kept, F_GETFD), 0);
	close(kept);
}
END_TEST

START_TEST(taken_pointer_is_not_freed)
{
	char *kept;

	{
		cleanup_free char *text = strdup("kept");

		ck_assert_ptr_nonnull(text);
		kept = take_pointer(text);
		ck_assert_ptr_null(text);
	}
	ck_assert_str_eq(kept, "kept");
	free(kept);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cleanup");
	TCase *core = tcase_create("core");

	tcase_add_test(core, close_keeps_errno);
	tcase_add_test(core, scope_end_closes);
	tcase_add_test(core, taken_fd_stays_open);
	tcase_add_test(core, taken_pointer_is_not_freed);
	suite_add_tcase(suite, core);

	return run_suite(suite);
}
