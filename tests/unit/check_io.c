/* check_io.c - reads and writes are whole, whatever the kernel makes of one call */
/* wraps: read write pread pwrite */
#include "sys/io.h"

#include <errno.h>

#include "support.h"

static unsigned int n_calls;
static int last_error; /* what a call says after three that do a part, a signal, a part */

ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);

/* How much the next call is to do; 0: it fails. */
static size_t share_of(size_t size)
{
	n_calls++;
	errno = n_calls == 2 ? EINTR : last_error;
	if (n_calls == 2 || (n_calls > 3 && last_error))
		return 0;
	return size > 3 ? 3 : size;
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
	size_t part = share_of(size);

	return part > 0 ? __real_read(fd, data, part) : -1;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	size_t part = share_of(size);

	return part > 0 ? __real_write(fd, data, part) : -1;
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
	size_t part = share_of(size);

	return part > 0 ? __real_pread(fd, data, part, offset) : -1;
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	size_t part = share_of(size);

	return part > 0 ? __real_pwrite(fd, data, part, offset) : -1;
}

static int fd;

static void set_up(void)
{
	fd = open(scratch_path("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	n_calls = 0;
	last_error = 0;
}

static void tear_down(void)
{
	close(fd);
}

static void assert_holds(const char *text)
{
	char data[32] = "";

	ck_assert_int_eq(__real_pread(fd, data, sizeof(data) - 1, 0), (ssize_t)strlen(text));
	ck_assert_str_eq(data, text);
}

START_TEST(all_is_written)
{
	ck_assert_int_eq(io_write_all(fd, "0123456789", 10), 0);
	assert_holds("0123456789");
	n_calls = 0;
	ck_assert_int_eq(io_pwrite_all(fd, "abcdefgh", 8, 2), 0);
	assert_holds("01abcdefgh");
	ck_assert_int_eq(io_write_all(fd, "", 0), 0);
}
END_TEST

START_TEST(all_is_read_up_to_the_end)
{
	char data[32] = "";

	ck_assert_int_eq(__real_write(fd, "0123456789", 10), 10);
	ck_assert_int_eq(io_pread(fd, data, 5, 4), 5);
	ck_assert_str_eq(data, "45678");
	n_calls = 0;
	ck_assert_int_eq(io_pread(fd, data, sizeof(data), 1), 9);
	ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
	n_calls = 0;
	ck_assert_int_eq(io_read(fd, data, 7), 7);
	ck_assert_int_eq(memcmp(data, "2345678", 7), 0);
	ck_assert_int_eq(io_read(fd, data, sizeof(data)), 1);
	ck_assert_int_eq(io_read(fd, data, sizeof(data)), 0);
}
END_TEST

START_TEST(an_error_is_told)
{
	char data[32] = "0123456789";

	last_error = ENOSPC;
	ck_assert_int_eq(io_write_all(fd, data, 10), -ENOSPC);
	n_calls = 0;
	ck_assert_int_eq(io_pwrite_all(fd, data, 10, 0), -ENOSPC);
	last_error = EIO;
	n_calls = 0;
	ck_assert_int_eq(io_pread(fd, data, 10, 0), -EIO);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	n_calls = 0;
	ck_assert_int_eq(io_read(fd, data, 10), -EIO);
}
END_TEST

/* The file that is open, with this content. */
static int read_text(const char *content, size_t size, char **ret_text)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(__real_write(fd, content, size), (ssize_t)size);
	n_calls = 0;
	return io_read_text(scratch_path("file"), ret_text);
}

START_TEST(a_text_is_read_whole_or_not_at_all)
{
	static char much[IO_MAX_TEXT_BYTES];
	char *text = NULL;

	ck_assert_int_eq(read_text("one\ntwo\n", 8, &text), 0);
	ck_assert_str_eq(text, "one\ntwo\n");
	free(text);
	ck_assert_int_eq(read_text("a\0b", 3, &text), -EINVAL);
	memset(much, 'x', sizeof(much));
	ck_assert_int_eq(read_text(much, sizeof(much), &text), -EINVAL);
	ck_assert_int_eq(io_read_text(scratch_path("none"), &text), -ENOENT);
	ck_assert_int_eq(io_read_text("/dev/null", &text), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io");
	TCase *core = tcase_create("core");

	tcase_add_unchecked_fixture(core, scratch_enter, scratch_leave);
	tcase_add_checked_fixture(core, set_up, tear_down);
	tcase_add_test(core, all_is_written);
	tcase_add_test(core, all_is_read_up_to_the_end);
	tcase_add_test(core, an_error_is_told);
	tcase_add_test(core, a_text_is_read_whole_or_not_at_all);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
