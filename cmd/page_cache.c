/* page_cache.c - which recorded pages are in memory, and taking them out of it. */
#include "page_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include "sys/page.h"

uint64_t page_cache_count(const struct pageset_file *file)
{
	struct stat st;
	cleanup_close int fd = fileid_open(file->path, &st);
	uint64_t n_resident = 0;
	char byte;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };

	if (fd < 0)
		return 0;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (size_t i = 0; i < file->n_extents; i++) {
		uint64_t page = file->extents[i].first_page;
		uint64_t end = page + file->extents[i].n_pages;

		for (; page < end && page * page_bytes() < (uint64_t)st.st_size; page++)
			n_resident += preadv2(fd, &to, 1, (off_t)(page * page_bytes()), RWF_NOWAIT) == 1;
	}
	return n_resident;
}

void page_cache_evict_file(const char *path)
{
	struct stat st;
	cleanup_close int fd = fileid_open(path, &st);

	if (fd >= 0)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

void page_cache_evict(const struct pageset *files)
{
	for (size_t i = 0; i < files->n_files; i++)
		if (files->files[i]->n_extents > 0)
			page_cache_evict_file(files->files[i]->path);
}

/* The name of a block device in /dev, from its uevent file (sysfs(5)): "DEVNAME=vda1". */
static bool find_device(dev_t device, char *ret_path, size_t size)
{
	char line[256];
	cleanup_fclose FILE *file = NULL;

	snprintf(line, sizeof(line), "/sys/dev/block/%u:%u/uevent", major(device), minor(device));
	file = fopen(line, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "DEVNAME=", 8) == 0)
			return snprintf(ret_path, size, "/dev/%s", line + 8) < (int)size;
	}
	return false;
}

bool page_cache_evict_names(const char *path)
{
	cleanup_close int control = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	char device[300];
	struct stat st;

	/* An inode can go only after its directory entry. */
	for (int i = 0; i < 2; i++)
		if (control < 0 || pwrite(control, "2", 1, 0) != 1)
			return false;
	if (stat(path, &st) == 0 && find_device(st.st_dev, device, sizeof(device))) {
		cleanup_close int fd = open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0)
			(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	return true;
}
