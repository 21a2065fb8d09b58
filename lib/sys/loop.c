/* loop.c - reads which file a loop device stands for. */
#include "sys/loop.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

/* One line, without its newline. */
static int read_attribute(dev_t device, const char *name, char *ret_text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/loop/%s", major(device), minor(device), name);

	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size);

	if (n < 0)
		return -errno;
	if (n == 0 || (size_t)n == size)
		return n == 0 ? -ENOENT : -ENAMETOOLONG;
	ret_text[ret_text[n - 1] == '\n' ? n - 1 : n] = '\0';
	return 0;
}

int loop_find(dev_t device, struct loop *ret_loop)
{
	char path[PATH_MAX] = "";
	char offset[32];
	int r = read_attribute(device, "backing_file", path, sizeof(path));

	if (r == 0)
		r = read_attribute(device, "offset", offset, sizeof(offset));
	if (r != 0)
		return r;
	if (path[0] != '/')
		return -ENOENT;
	memccpy(ret_loop->path, path, '\0', sizeof(ret_loop->path));
	ret_loop->offset_bytes = strtoull(offset, NULL, 10);
	return 0;
}
