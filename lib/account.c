/* account.c - the wording of what went wrong with a launch */
#include "account.h"

#include <stdio.h>
#include <string.h>

static char *describe(const char *path, const char *what, int error, const char *advice)
{
	char *text = NULL;

	return asprintf(&text, "%s: %s: %s%s", path, what, strerror(-error), advice) < 0 ? NULL : text;
}

static const char *attach_advice(int error)
{
	if (error == -EPERM || error == -EACCES || error == -ENOSYS)
		return " (ptrace(2) is not permitted here)";
	return error == -EOPNOTSUPP ? " (/proc is not mounted, or not for this PID namespace)" : "";
}

static char *describe_update(const char *directory, int error)
{
	char *text = NULL;

	if (error != -EINPROGRESS)
		return describe(directory, "the shadow was not written", error, "");
	return asprintf(&text, "%s: the shadow is still being written: a file system is slow to answer",
			directory) < 0
		       ? NULL
		       : text;
}

const char *account_cut_name(const struct account *self)
{
	unsigned int cuts = self->record.cuts;

	if (cuts & FOLLOW_CUT_PROGRAM)
		return "program";
	if (cuts & FOLLOW_CUT_CHILDREN)
		return "children";
	return cuts & FOLLOW_CUT_NAMES ? "names" : "";
}

char *account_problem(const struct account *self, const char *program, const char *directory, size_t n)
{
	int attach_error = self->record.attach_error;
	int update_error = self->record.update_error;

	if (attach_error < 0 && n-- == 0)
		return describe(program, "cannot be watched, so nothing is recorded", attach_error,
				attach_advice(attach_error));
	if (update_error < 0 && n-- == 0)
		return describe_update(directory ? directory : "no shadow directory", update_error);
	return NULL;
}
