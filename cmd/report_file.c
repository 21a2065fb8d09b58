/* report_file.c - opens and writes the file of --report, without waiting for it without a bound. */
#include "report_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/io.h"
#include "sys/survey.h"

#define FD_PREFIX "fd:"

/* What is done with the file: the thread that does it may outlive who asked. */
struct report_file_deed {
	char *text; /* the path, or what is to be written */
	int base_fd;
	int fd;
	int error;
	atomic_bool is_done; /* all of the above may be read */
};

static uint64_t after_ms(unsigned int ms)
{
	return clock_now_ns() + ms * UINT64_C(1000000);
}

/* Not to wait for the reader of a FIFO. */
static void open_path(size_t i, void *context)
{
	struct report_file_deed *deed = context;

	(void)i;
	deed->fd = openat(deed->base_fd >= 0 ? deed->base_fd : AT_FDCWD, deed->text,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	deed->error = deed->fd < 0 ? -errno : 0;
	atomic_store(&deed->is_done, true);
}

static void write_text(size_t i, void *context)
{
	struct report_file_deed *deed = context;

	(void)i;
	if (deed->error == 0)
		deed->error = io_write_all(deed->fd, deed->text, strlen(deed->text));
	if (close(deed->fd) < 0 && deed->error == 0)
		deed->error = -errno;
}

/* What came of it, after its end. */
static int deed_take(struct report_file_deed *deed, int *ret_fd)
{
	int r = deed->error;

	*ret_fd = deed->fd;
	free(deed->text);
	free(deed);
	return r;
}

static struct report_file_deed *deed_new(const struct report_file *file, const char *text)
{
	cleanup_free struct report_file_deed *deed = calloc(1, sizeof(*deed));

	if (!deed)
		return NULL;
	*deed = (struct report_file_deed){ .text = strdup(text), .base_fd = file->base_fd, .fd = file->fd };
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
	struct report_file_deed *deed = deed_new(self, self->name);

	if (!deed)
		return -ENOMEM;
	if (survey_run(1, open_path, deed, after_ms(REPORT_FILE_OPEN_MS), &(bool){ false }))
		return deed_take(deed, &self->fd);
	self->opening = deed;
	return 0;
}

bool report_file_awaits_text(const struct report_file *self)
{
	return self->fd >= 0 || self->opening;
}

static int finish_opening(struct report_file *self, uint64_t until_ns)
{
	while (self->opening && !atomic_load(&self->opening->is_done)) {
		if (clock_now_ns() >= until_ns)
			return -EINPROGRESS;
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	return self->opening ? deed_take(take_pointer(self->opening), &self->fd) : 0;
}

int report_file_write(struct report_file *self, const char *text)
{
	uint64_t until_ns = after_ms(REPORT_FILE_WRITE_MS);
	int r = finish_opening(self, until_ns);

	if (r < 0)
		return r;
	struct report_file_deed *deed = deed_new(self, text);
	int fd = take_fd(self->fd);

	if (!deed)
		return -ENOMEM;
	if (!survey_run(1, write_text, deed, until_ns, &(bool){ false }))
		return -EINPROGRESS;
	return deed_take(deed, &fd);
}

const char *report_file_explain(int error)
{
	return error == -EINPROGRESS ? "its file system does not answer" : strerror(-error);
}
