/*
 * io.h - reads and writes that go on after a signal, and after a part. 0 or more is good, -errno is not.
 */
#ifndef PBRUN_IO_H
#define PBRUN_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cleanup.h"

/* Writes all of data, where the descriptor stands. 0 or -errno of write(2). */
must_check int io_write_all(int fd, const void *data, size_t size);

/* Writes all of data at an offset. 0 or -errno of pwrite(2). */
must_check int io_pwrite_all(int fd, const void *data, size_t size, uint64_t offset_bytes);

/* Reads until size bytes are there, or the end of the file: how many there are, or -errno of read(2). */
must_check ssize_t io_read(int fd, void *ret_data, size_t size);

/* The same from an offset on. */
must_check ssize_t io_pread(int fd, void *ret_data, size_t size, uint64_t offset_bytes);

/* Reads the text file at path. 0 and the text, to be freed; -EINVAL: it is no regular file, has a NUL byte,
 * or IO_MAX_TEXT_BYTES or more; -errno of open(2), read(2). */
must_check int io_read_text(const char *path, char **ret_text);
#define IO_MAX_TEXT_BYTES ((size_t)1 << 20)

#endif
