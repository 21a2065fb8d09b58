/* huge.c - a mapping of one page, with the advice that makes its fault a huge one. */
#include "sys/huge.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "sys/cleanup.h"
#include "sys/page.h"

/* Linux 5.14: newer than some headers. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

int huge_read(int fd, off_t offset)
{
	void *page = mmap(NULL, page_bytes(), PROT_READ, MAP_PRIVATE, fd, offset);
	int r = 0;

	if (page == MAP_FAILED)
		return -errno;
	/* MADV_RANDOM: else the kernel would read the next window as well. Touched by the kernel, because a
	 * file that was cut meanwhile would end us with SIGBUS. */
	if (madvise(page, page_bytes(), MADV_HUGEPAGE) < 0 || madvise(page, page_bytes(), MADV_RANDOM) < 0 ||
	    madvise(page, page_bytes(), MADV_POPULATE_READ) < 0)
		r = -errno;
	(void)munmap(page, page_bytes());
	return r;
}

bool huge_is_enabled(const char *root)
{
	char path[PATH_MAX], text[64];

	snprintf(path, sizeof(path), "%s/sys/kernel/mm/transparent_hugepage/enabled", root);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 && !strstr(text, "[never]");
}

bool huge_is_known_by(const char *release, const char *type)
{
	static const struct {
		const char *type;
		unsigned int major, minor;
	} known[] = { { "ext4", 6, 16 }, { "xfs", 5, 18 } };
	unsigned int major, minor;

	if (sscanf(release, "%3u.%3u", &major, &minor) != 2)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(type, known[i].type) == 0)
			return major > known[i].major || (major == known[i].major && minor >= known[i].minor);
	return false;
}

bool huge_is_known(const char *type)
{
	struct utsname name;

	return uname(&name) == 0 && huge_is_known_by(name.release, type);
}
