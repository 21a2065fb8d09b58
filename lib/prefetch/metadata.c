/* metadata.c - looks up and lists what a program is going to look up or list */
#include "prefetch/metadata.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A directory is read this far, in buffers of LISTING_BYTES. */
enum { LISTING_MAX_READS = 256, LISTING_BYTES = 8192 };

static int list_directory(const char *path)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;
	char entries[LISTING_BYTES];
	cleanup_close int fd = open(path, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = open(path, flags);
	if (fd < 0)
		return -errno;
	for (int i = 0; i < LISTING_MAX_READS; i++)
		if (getdents64(fd, entries, sizeof(entries)) <= 0)
			break;
	return 0;
}

int metadata_fetch(const char *path, uint8_t access)
{
	struct stat st;

	if (access & PAGESET_LISTED)
		return list_directory(path);
	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 &&
	    !(access & PAGESET_MISSING))
		return -errno;
	return 0;
}
