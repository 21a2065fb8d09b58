/* image.c - opens images, and names the files in them. */
#include "sys/image.h"

#include <inttypes.h>
#include <string.h>

#include "sys/fileid.h"
#include "sys/io.h"

static int read_image(void *data, size_t size, uint64_t offset_bytes, void *context)
{
	const struct image *self = context;
	ssize_t n = io_pread(self->fd, data, size, self->offset_bytes + offset_bytes);

	if (n < 0)
		return (int)n;
	return (size_t)n < size ? -EBADMSG : 0;
}

int image_open(struct image *self, const char *path, uint64_t offset_bytes)
{
	struct stat st;

	self->fd = fileid_open(path, &st);
	self->offset_bytes = offset_bytes;
	if (self->fd < 0)
		return self->fd;
	if (offset_bytes >= (uint64_t)st.st_size) {
		close(take_fd(self->fd));
		return -EBADMSG;
	}
	int r = squashfs_open(&self->squashfs, read_image, self);

	if (r < 0)
		close(take_fd(self->fd));
	return r;
}

void image_close(struct image *self)
{
	if (self->fd < 0)
		return;
	squashfs_close(&self->squashfs);
	close(take_fd(self->fd));
}

bool image_name(const struct loop *loop, uint64_t inode, char *ret_name)
{
	int n = snprintf(ret_name, PATH_MAX, "%s//%" PRIu64 ":%" PRIu64, loop->path, loop->offset_bytes,
			 inode);

	return n > 0 && n < PATH_MAX;
}

bool image_parse_name(const char *name, size_t *ret_size, uint64_t *ret_offset_bytes, uint64_t *ret_inode)
{
	const char *slashes = strstr(name, "//");

	if (!slashes || sscanf(slashes, "//%" SCNu64 ":%" SCNu64, ret_offset_bytes, ret_inode) != 2)
		return false;
	*ret_size = (size_t)(slashes - name);
	return true;
}
