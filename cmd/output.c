/* output.c - how the commands speak. */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "shadowdb.h"
#include "sys/cleanup.h"
#include "sys/trust.h"
#include "terminal.h"
#include "text.h"

#define PATIENCE_MS 100

static bool is_incomplete;

void output_lost(void)
{
	is_incomplete = true;
}

void print_name(FILE *stream, const char *name)
{
	cleanup_free char *text = text_printable(name);

	if (!text)
		output_lost();
	fputs(text ? text : "?", stream);
}

const char *shadow_error_text(int error)
{
	switch (error) {
	case -EBADMSG:
		return "damaged; the next launch replaces it";
	case -EPROTONOSUPPORT:
		return "written by a newer pbrun";
	case -ESTALE:
		return "made for another page size";
	default:
		return shadowdb_explain(error);
	}
}

int complain(const char *what, const char *where, const char *why)
{
	fprintf(stderr, "pbrun: %s: ", what);
	if (where) {
		print_name(stderr, *where ? where : "''");
		fputs(": ", stderr);
	}
	print_name(stderr, why);
	putc('\n', stderr);
	return 1;
}

const char *error_advice(int error)
{
	if (trust_explain(error))
		return "name a directory that is yours alone, with --dir or PBRUN_DIR";
	switch (-error) {
	case EBADMSG:
	case ESTALE:
		return "the next start makes it anew";
	case EPROTONOSUPPORT:
		return "use that one, or forget it";
	case ENOENT:
		return "is the path right?";
	case EACCES:
	case EPERM:
		return "look at its owner and permissions";
	case ENOSPC:
	case EDQUOT:
		return "make room there";
	case EROFS:
		return "name a place that can be written to";
	case EBADF:
		return "open it for writing first: fd:3 goes with 3>FILE";
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return "name another path";
	case ENOEXEC:
		return "is it a program, and made for this machine?";
	case ENOMEM:
		return "end something that takes memory";
	case EMFILE:
	case ENFILE:
		return "allow more open files: ulimit -n 1024";
	case EIO:
		return "look after the disk: dmesg";
	case ETXTBSY:
	case EBUSY:
	case EAGAIN:
	case ETIMEDOUT:
		return "try again when nobody uses it";
	default:
		return "pbrun --doctor may know more";
	}
}

int complain_error(const char *what, const char *where, int error)
{
	cleanup_free char *why = NULL;

	if (asprintf(&why, "%s (%s)", shadowdb_explain(error), error_advice(error)) < 0)
		why = NULL;
	return complain(what, where, why ? why : shadowdb_explain(error));
}

const char *file_advice(int error)
{
	switch (-error) {
	case ELOOP:
		return "name another path";
	case EPERM:
		return "look at its owner and permissions";
	case EINVAL:
		return "is it a regular file?";
	default:
		return error_advice(error);
	}
}

int complain_file(const char *what, const char *where, int error)
{
	cleanup_free char *why = NULL;

	if (asprintf(&why, "%s (%s)", strerror(-error), file_advice(error)) < 0)
		why = NULL;
	return complain(what, where, why ? why : strerror(-error));
}

int complain_program(const char *what, const char *name, int error)
{
	if (error == -ENOENT) {
		complain(what, name, "no such program (is it installed, and in PATH?)");
		return EXIT_NOT_FOUND;
	}
	complain_file(what, name, error);
	return EXIT_NOT_RUN;
}

void wrong_use(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fputs("pbrun: ", stderr);
	print_name(stderr, text ? text : strerror(ENOMEM));
	free(text);
	fputs("\nTry 'pbrun --help' for more information.\n", stderr);
	exit(EXIT_USAGE);
}

int finish_output(const char *what)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return is_incomplete ? complain_error(what, "standard output", -ENOMEM) : 0;
	/* Whoever ends the pager has seen enough. */
	if (errno == EPIPE && terminal_has_pager())
		return 0;
	return complain_error(what, "standard output", -errno);
}

bool output_has_room(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	return poll(&room, 1, PATIENCE_MS) > 0 && (room.revents & POLLOUT);
}

double mebibytes(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024.0);
}

const char *format_date(int64_t seconds, char buffer[static DATE_SIZE])
{
	time_t time = (time_t)seconds;
	struct tm date;

	if (seconds <= 0 || !localtime_r(&time, &date) ||
	    !strftime(buffer, DATE_SIZE, "%Y-%m-%d %H:%M", &date))
		return "never";
	return buffer;
}
