/*
 * terminal.h - where the commands' output goes: how wide it is, what it can show, and whether it is paged.
 */
#ifndef PBRUN_TERMINAL_H
#define PBRUN_TERMINAL_H

#include <stdbool.h>

enum charset { CHARSET_ASCII, CHARSET_UTF8 };

struct terminal {
	/* Of a line; 0: no limit, as the output goes to a file or a pipe. */
	unsigned int columns;
	enum charset charset;
	bool is_terminal;
	bool has_colour;
};

/*
 * Looks at standard output and the environment. The width is that of COLUMNS, else of the terminal, else 80.
 * Unicode is for a UTF-8 locale (locale(7)) and no TERM=dumb, colour for a terminal that is not dumb, without
 * NO_COLOR (no-color.org). Sets the locale's LC_CTYPE.
 */
struct terminal terminal_look(void);

/*
 * Shows a line of progress on standard error, if that is a terminal: in place of the one before, cut to the
 * width; on a dumb terminal as a line of its own. "" takes the last one away.
 */
void terminal_progress(const char *line);

/*
 * On a terminal, sends standard output through the pager as git(1) does it: PBRUN_PAGER, PAGER or less, by
 * the shell; none if that is empty or "cat", if it is not installed, or if TERM is dumb. less gets LESS=FRX
 * unless that is set. The pager is waited for when pbrun exits; what it does not take is no error.
 */
void terminal_start_pager(const struct terminal *self);
bool terminal_has_pager(void);

#endif
