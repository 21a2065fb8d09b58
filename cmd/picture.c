/* picture.c - the FILE of --svg. */
#include "picture.h"

#include <string.h>

#include "output.h"
#include "sys/cleanup.h"

int picture_open(struct picture *self, const char *what, const char *path)
{
	*self = (struct picture){ .what = what, .path = path };
	self->stream = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	return self->stream ? 0 : complain_error(what, path, -errno);
}

int picture_close(struct picture *self)
{
	FILE *stream = take_pointer(self->stream);

	if (!stream)
		return 1;
	int r = fflush(stream) != 0 || ferror(stream) ? -errno : 0;

	if (stream != stdout && fclose(stream) != 0 && r == 0)
		r = -errno;
	return r < 0 ? complain_error(self->what, self->path, r) : 0;
}

void picture_release(struct picture *self)
{
	if (self->stream && self->stream != stdout)
		fclose(self->stream);
	self->stream = NULL;
}
