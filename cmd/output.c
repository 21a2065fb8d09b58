/* output.c - how the commands speak. */
#include "output.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "shadowdb.h"

#include "sys/cleanup.h"
#include "terminal.h"
#include "text.h"

void print_name(FILE *stream, const char *name)
{
	cleanup_free char *text = text_printable(name);

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
		print_name(stderr, where);
		fputs(": ", stderr);
	}
	print_name(stderr, why);
	putc('\n', stderr);
	return 1;
}

int finish_output(const char *what)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	/* Whoever ends the pager has seen enough. */
	if (errno == EPIPE && terminal_has_pager())
		return 0;
	return complain(what, "standard output", strerror(errno));
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
