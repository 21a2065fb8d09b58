/* picture.c - the FILE of --svg. */
#include "picture.h"

#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "sys/cleanup.h"

int picture_open(struct picture *self, const char *what, const char *path)
{
	*self = (struct picture){ .what = what, .path = path };
	self->stream = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	return self->stream ? 0 : complain_file(what, path, -errno);
}

int picture_check(const char *what, const char *path)
{
	cleanup_free char *copy = strdup(path);
	struct stat st;

	if (strcmp(path, "-") == 0 || !copy)
		return 0;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return complain_file(what, path, -EISDIR);
	if (access(path, W_OK) == 0)
		return 0;
	if (errno != ENOENT || access(dirname(copy), W_OK | X_OK) < 0)
		return complain_file(what, path, -errno);
	return 0;
}

int picture_close(struct picture *self)
{
	FILE *stream = take_pointer(self->stream);

	if (!stream)
		return 1;
	int r = fflush(stream) != 0 || ferror(stream) ? -errno : 0;

	if (stream != stdout && fclose(stream) != 0 && r == 0)
		r = -errno;
	return r < 0 ? complain_file(self->what, self->path, r) : 0;
}

void picture_release(struct picture *self)
{
	if (self->stream && self->stream != stdout)
		fclose(self->stream);
	self->stream = NULL;
}
