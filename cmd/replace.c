/* replace.c - writes files whole or not at all. */
#include "replace.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sys/io.h"

int replacement_begin(struct replacement *self, const char *path)
{
	*self = (struct replacement){ .path = strdup(path), .fd = -1 };
	if (!self->path || asprintf(&self->temporary, "%s.XXXXXX", path) < 0) {
		self->temporary = NULL;
		return -ENOMEM;
	}
	self->fd = mkostemp(self->temporary, O_CLOEXEC);
	if (self->fd >= 0)
		return 0;
	int r = -errno;

	free(take_pointer(self->temporary));
	return r;
}

void replacement_release(struct replacement *self)
{
	if (self->temporary)
		(void)unlink(self->temporary);
	cleanup_closep(&self->fd);
	free(self->temporary);
	free(self->path);
	*self = (struct replacement){ .fd = -1 };
}

static int copy_attribute(int from_fd, int to_fd, const char *name)
{
	char value[1 << 16];
	ssize_t size = fgetxattr(from_fd, name, value, sizeof(value));

	if (size < 0)
		return -errno;
	return fsetxattr(to_fd, name, value, (size_t)size, 0) < 0 ? -errno : 0;
}

static int copy_attributes(int from_fd, int to_fd)
{
	char names[1 << 16];
	ssize_t size = flistxattr(from_fd, names, sizeof(names));

	if (size < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *name = names; name < names + size; name += strlen(name) + 1) {
		int r = copy_attribute(from_fd, to_fd, name);

		if (r < 0)
			return r;
	}
	return 0;
}

int replacement_take_after(const struct replacement *self, int like_fd, enum replacement_times times)
{
	struct stat st;

	if (fstat(like_fd, &st) < 0)
		return -errno;
	struct timespec kept[2] = { st.st_atim, st.st_mtim };
	bool is_ours = st.st_uid == geteuid() && st.st_gid == getegid();

	if ((!is_ours && fchown(self->fd, st.st_uid, st.st_gid) < 0) ||
	    fchmod(self->fd, st.st_mode & 07777) < 0)
		return -errno;
	int r = copy_attributes(like_fd, self->fd);

	if (r == 0 && times == REPLACEMENT_KEEP_TIMES && futimens(self->fd, kept) < 0)
		r = -errno;
	return r;
}

int replacement_write(const struct replacement *self, const void *data, size_t size)
{
	return io_write_all(self->fd, data, size);
}

int replacement_commit(struct replacement *self)
{
	if (fsync(self->fd) < 0 || rename(self->temporary, self->path) < 0)
		return -errno;
	free(take_pointer(self->temporary));
	return 0;
}
