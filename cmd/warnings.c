/* warnings.c - keeps warnings, and tells them. */
#include "warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "sys/cleanup.h"
#include "text.h"

void warnings_add(struct warnings *self, const char *format, ...)
{
	char *text;
	va_list args;

	if (self->n == WARNINGS_MAX)
		return;
	va_start(args, format);
	int r = vasprintf(&text, format, args);

	va_end(args);
	if (r >= 0)
		self->texts[self->n++] = text;
}

void warnings_drop(struct warnings *self, size_t first)
{
	while (self->n > first)
		free(self->texts[--self->n]);
}

void warnings_tell(const struct warnings *self, size_t first, int fd)
{
	for (size_t i = first; i < self->n; i++) {
		cleanup_free char *text = text_printable(self->texts[i]);

		if (output_has_room(fd))
			dprintf(fd, "pbrun: warning: %s\n", text ? text : strerror(ENOMEM));
	}
}

void warnings_finish(struct warnings *self)
{
	warnings_tell(self, 0, STDERR_FILENO);
	warnings_drop(self, 0);
}
