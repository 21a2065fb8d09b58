/* notices.c - prints what went wrong at earlier launches. */
#include "notices.h"

#include <stdio.h>

#include "notice.h"
#include "output.h"

static int print_one(const struct notice *notice, void *context)
{
	(void)context;
	fputs("pbrun: warning: at the last start of ", stderr);
	print_name(stderr, notice->program);
	fputs(": ", stderr);
	print_name(stderr, notice->text);
	putc('\n', stderr);
	return 0;
}

int notices_print(const struct shadowdb *db)
{
	fflush(stdout);
	return notice_list(db, print_one, NULL);
}
