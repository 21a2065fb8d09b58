/* terminal.c - what standard output can show, and the pager. */
#include "terminal.h"

#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "sys/cleanup.h"
#include "sys/lookup.h"

#define DEFAULT_COLUMNS 80
#define MIN_COLUMNS 20
#define MAX_COLUMNS 1000

static pid_t pager_pid = -1;

static bool is_dumb(void)
{
	const char *term = getenv("TERM");

	return term && strcmp(term, "dumb") == 0;
}

static unsigned int find_columns(int fd)
{
	const char *text = getenv("COLUMNS");
	unsigned long columns = text ? strtoul(text, NULL, 10) : 0;
	struct winsize size;

	if (columns == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
		columns = size.ws_col;
	if (columns == 0)
		columns = DEFAULT_COLUMNS;
	if (columns < MIN_COLUMNS)
		return MIN_COLUMNS;
	return columns > MAX_COLUMNS ? MAX_COLUMNS : (unsigned int)columns;
}

struct terminal terminal_look(void)
{
	const char *no_colour = getenv("NO_COLOR");
	struct terminal self = { .is_terminal = isatty(STDOUT_FILENO) };

	if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !is_dumb())
		self.charset = CHARSET_UTF8;
	/* Who pipes may still ask for a width. */
	if (self.is_terminal || getenv("COLUMNS"))
		self.columns = find_columns(STDOUT_FILENO);
	self.has_colour = self.is_terminal && !is_dumb() && getenv("TERM") && !(no_colour && *no_colour);
	return self;
}

void terminal_progress(const char *line)
{
	if (!isatty(STDERR_FILENO))
		return;
	/* Not into the last column: a terminal may go on to the next line. */
	if (!is_dumb())
		fprintf(stderr, "\r\033[K%.*s", (int)find_columns(STDERR_FILENO) - 1, line);
	else if (*line)
		fprintf(stderr, "%s\n", line);
}

static const char *find_pager(void)
{
	const char *pager = getenv("PBRUN_PAGER");

	if (!pager)
		pager = getenv("PAGER");
	if (!pager)
		pager = "less";
	return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
}

/* Of a command for the shell only the first word can be looked up. */
static bool is_installed(const char *pager)
{
	cleanup_free char *word = strndup(pager, strcspn(pager, " \t"));

	if (!word)
		return false;
	if (strpbrk(word, "$'\"\\=;&|~("))
		return true;

	cleanup_free char *path = NULL;

	return lookup_program(word, getenv("PATH"), &path) == 0;
}

static void wait_for_pager(void)
{
	fflush(stdout);
	/* The pager sees the end when nobody has the pipe open. */
	close(STDOUT_FILENO);
	while (waitpid(pager_pid, NULL, 0) < 0 && errno == EINTR)
		;
}

__attribute__((noreturn)) static void become_pager(const char *pager, int from)
{
	if (dup2(from, STDIN_FILENO) < 0)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	setenv("LESS", "FRX", 0);
	execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	_exit(127);
}

void terminal_start_pager(const struct terminal *self)
{
	const char *pager = find_pager();
	int ends[2];

	if (!self->is_terminal || is_dumb() || !pager || !is_installed(pager) || pipe2(ends, O_CLOEXEC) < 0)
		return;
	/* The pager may be ended before it has read all, and interrupts are for it. */
	signal(SIGPIPE, SIG_IGN);
	fflush(stdout);
	pager_pid = fork();
	if (pager_pid == 0)
		become_pager(pager, ends[0]);
	if (pager_pid > 0 && dup2(ends[1], STDOUT_FILENO) >= 0) {
		signal(SIGINT, SIG_IGN);
		atexit(wait_for_pager);
	}
	close(ends[0]);
	close(ends[1]);
}

bool terminal_has_pager(void)
{
	return pager_pid > 0;
}
