/* io.c - read(2), write(2) and their like, again and again until all is done. */
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int io_write_all(int fd, const void *data, size_t size)
{
	for (const uint8_t *at = data; size > 0;) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int io_pwrite_all(int fd, const void *data, size_t size, uint64_t offset_bytes)
{
	for (size_t n_done = 0; n_done < size;) {
		ssize_t n = pwrite(fd, (const uint8_t *)data + n_done, size - n_done,
				   (off_t)(offset_bytes + n_done));

		if (n < 0 && errno != EINTR)
			return -errno;
		n_done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* offset_bytes: NULL: where the descriptor stands. */
static ssize_t read_all(int fd, void *ret_data, size_t size, const uint64_t *offset_bytes)
{
	size_t n_done = 0;

	while (n_done < size) {
		void *at = (uint8_t *)ret_data + n_done;
		ssize_t n = offset_bytes ? pread(fd, at, size - n_done, (off_t)(*offset_bytes + n_done))
					 : read(fd, at, size - n_done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		n_done += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)n_done;
}

ssize_t io_read(int fd, void *ret_data, size_t size)
{
	return read_all(fd, ret_data, size, NULL);
}

ssize_t io_pread(int fd, void *ret_data, size_t size, uint64_t offset_bytes)
{
	return read_all(fd, ret_data, size, &offset_bytes);
}

int io_read_text(const char *path, char **ret_text)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_free char *text = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size >= IO_MAX_TEXT_BYTES)
		return -EINVAL;
	/* It may grow while it is read. */
	text = malloc(IO_MAX_TEXT_BYTES);
	if (!text)
		return -ENOMEM;
	ssize_t n = io_read(fd, text, IO_MAX_TEXT_BYTES - 1);

	if (n < 0)
		return (int)n;
	text[n] = '\0';
	if (strlen(text) != (size_t)n)
		return -EINVAL;
	*ret_text = take_pointer(text);
	return 0;
}
