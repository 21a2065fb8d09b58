/* notices.c - prints what went wrong at earlier launches. */
#include "notices.h"

#include <stdio.h>

#include "notice.h"

static int print_one(const struct notice *notice, void *context)
{
	(void)context;
	fprintf(stderr, "pbrun: warning: at the last start of %s: %s\n", notice->program, notice->text);
	return 0;
}

int notices_print(const struct shadowdb *db)
{
	fflush(stdout);
	return notice_list(db, print_one, NULL);
}
