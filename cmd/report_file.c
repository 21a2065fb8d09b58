/* report_file.c - opens and writes the file of --report, without waiting for it without a bound. */
#include "report_file.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "sys/clock.h"
#include "sys/io.h"
#include "sys/survey.h"

#define FD_PREFIX "fd:"

/* What is done with the file: the thread that does it may outlive who asked. */
struct deed {
	char *text; /* the path, or what is to be written */
	int base_fd;
	int fd;
	int error;
};

static uint64_t deadline_ns(void)
{
	return clock_now_ns() + REPORT_FILE_MS * UINT64_C(1000000);
}

/* Not to wait for the reader of a FIFO. */
static void open_path(size_t i, void *context)
{
	struct deed *deed = context;

	(void)i;
	deed->fd = openat(deed->base_fd >= 0 ? deed->base_fd : AT_FDCWD, deed->text,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	deed->error = deed->fd < 0 ? -errno : 0;
}

static void write_text(size_t i, void *context)
{
	struct deed *deed = context;

	(void)i;
	if (deed->error == 0)
		deed->error = io_write_all(deed->fd, deed->text, strlen(deed->text));
	if (close(deed->fd) < 0 && deed->error == 0)
		deed->error = -errno;
}

/* Frees deed, unless its thread is still at it. */
static int carry_out(struct deed *deed, void (*work)(size_t, void *), int *ret_fd)
{
	bool is_done = false;

	if (!survey_run(1, work, deed, deadline_ns(), &is_done))
		return -EINPROGRESS;
	int r = deed->error;

	*ret_fd = deed->fd;
	free(deed->text);
	free(deed);
	return r;
}

static struct deed *deed_new(const struct report_file *file, const char *text)
{
	cleanup_free struct deed *deed = calloc(1, sizeof(*deed));

	if (!deed)
		return NULL;
	*deed = (struct deed){ .text = strdup(text), .base_fd = file->base_fd, .fd = file->fd };
	return deed->text ? take_pointer(deed) : NULL;
}

/* The descriptor of fd:N; -1: name is none of these. */
static int number_of(const char *name)
{
	const char *digits = name + strlen(FD_PREFIX);
	char *end = NULL;

	if (strncmp(name, FD_PREFIX, strlen(FD_PREFIX)) != 0 || *digits < '0' || *digits > '9')
		return -1;
	errno = 0;
	long number = strtol(digits, &end, 10);

	return *end || errno || number > INT_MAX ? -1 : (int)number;
}

bool report_file_has_wrong_number(const char *name)
{
	return strncmp(name, FD_PREFIX, strlen(FD_PREFIX)) == 0 && number_of(name) < 0;
}

int report_file_prepare(struct report_file *self, const char *name)
{
	*self = (struct report_file){ .name = name, .base_fd = -1, .fd = -1 };
	if (!name)
		return 0;
	int number = strcmp(name, "-") == 0 ? STDERR_FILENO : number_of(name);

	if (number >= 0) {
		self->fd = fcntl(number, F_DUPFD_CLOEXEC, 3);
		return self->fd < 0 ? -errno : 0;
	}
	/* Without a descriptor to spare, an absolute path is opened all the same. */
	if (name[0] != '/')
		self->base_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

int report_file_open(struct report_file *self)
{
	if (!self->name || self->fd >= 0)
		return 0;
	struct deed *deed = deed_new(self, self->name);

	return deed ? carry_out(deed, open_path, &self->fd) : -ENOMEM;
}

int report_file_write(struct report_file *self, const char *text)
{
	struct deed *deed = deed_new(self, text);
	int fd = take_fd(self->fd);

	return deed ? carry_out(deed, write_text, &fd) : -ENOMEM;
}

const char *report_file_explain(int error)
{
	return error == -EINPROGRESS ? "its file system does not answer" : strerror(-error);
}
