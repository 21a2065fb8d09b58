/* record_file.c - records in files. */
#include "record_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "output.h"
#include "replace.h"
#include "sys/io.h"

/* All that can be read from fd, up to what a record may be. 0 or -errno. */
static int read_whole(int fd, uint8_t **ret_data, size_t *ret_size)
{
	cleanup_free uint8_t *data = NULL;
	size_t size = 0;
	size_t room = 0;

	for (;;) {
		if (size == room) {
			room = room ? 2 * room : 1 << 16;
			uint8_t *grown = realloc(data, room);

			if (!grown)
				return -ENOMEM;
			data = grown;
		}
		ssize_t n = read(fd, data + size, room - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > PORTABLE_MAX_BYTES)
			return -EFBIG;
	}
	*ret_data = take_pointer(data);
	*ret_size = size;
	return 0;
}

/* NULL: not an error of a record. */
static const char *record_error_text(int error)
{
	switch (error) {
	case -EBADMSG:
		return "it is no record, or a damaged one; export it again";
	case -EFBIG:
		return "it is larger than a record can be; is it the right file?";
	case -EPROTONOSUPPORT:
		return "written by a newer pbrun; export it with this version, or use that one";
	case -ESTALE:
		return "made for another page size; export it on a machine of this kind";
	default:
		return NULL;
	}
}

int read_record_file(const char *what, const char *path, struct portable *ret_portable)
{
	cleanup_close int fd =
		strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	cleanup_free uint8_t *data = NULL;
	size_t size = 0;
	int r = fd < 0 ? -errno : read_whole(fd, &data, &size);

	if (r == 0)
		r = portable_decode(data, size, ret_portable);
	const char *why = record_error_text(r);

	if (r == 0)
		return 0;
	return why ? complain(what, path, why) : complain_file(what, path, r);
}

static int write_to_stdout(const char *what, const void *data, size_t size)
{
	if (isatty(STDOUT_FILENO))
		return complain(what, "standard output", "a record is not for a terminal; name a file");
	(void)fwrite(data, 1, size, stdout);
	return finish_output(what);
}

/* A device or a FIFO is written to: to put a file in its place would take /dev/null away from everybody. */
static int write_to_special(const char *what, const char *path, const void *data, size_t size)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : io_write_all(fd, data, size);

	return r < 0 ? complain_file(what, path, r) : 0;
}

/* As creat(2) would have made it. */
static mode_t new_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

int write_record_file(const char *what, const char *path, const void *data, size_t size)
{
	cleanup_with(replacement_release) struct replacement file = { .fd = -1 };
	struct stat st;

	if (!path || strcmp(path, "-") == 0)
		return write_to_stdout(what, data, size);
	bool is_there = stat(path, &st) == 0;

	if (is_there && !S_ISREG(st.st_mode))
		return write_to_special(what, path, data, size);
	int r = replacement_begin(&file, path);

	if (r == 0)
		r = replacement_write(&file, data, size);
	if (r == 0 && fchmod(file.fd, is_there ? st.st_mode & 0777 : new_mode()) < 0)
		r = -errno;
	if (r == 0)
		r = replacement_commit(&file);
	return r < 0 ? complain_file(what, path, r) : 0;
}

static void tell_one(const char *path, enum exchange_fault fault, void *context)
{
	static const char *const why[] = {
		[EXCHANGE_MISSING] = "not here",
		[EXCHANGE_CHANGED] = "another version here",
		[EXCHANGE_UNREADABLE] = "cannot be read",
	};

	(void)context;
	fputs("pbrun: left out: ", stderr);
	print_name(stderr, path);
	fprintf(stderr, ": %s\n", why[fault]);
}

const struct exchange_listener tell_left_out = { .left_out = tell_one };

void tell_count(const struct exchange_count *count)
{
	fprintf(stderr,
		"pbrun: %" PRIu64 " files, %" PRIu64 " pages, %" PRIu64 " names; %" PRIu64
		" files left out\n",
		count->n_files, count->n_pages, count->n_names, count->n_left_out);
}
