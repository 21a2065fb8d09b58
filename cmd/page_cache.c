/* page_cache.c - which recorded pages are in memory, and taking them out of it. */
#include "page_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "sys/page.h"
#include "sys/resident.h"

/* mincore(2) tells the truth to the file's owner, to whoever may write to it, and to root. */
static bool may_use_mincore(const char *path, const struct stat *st)
{
	return geteuid() == 0 || geteuid() == st->st_uid || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static uint64_t count_by_mincore(int fd, const struct page_run *run)
{
	size_t size = run->n_pages * page_bytes();
	cleanup_free unsigned char *states = malloc(run->n_pages);
	void *address = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)(run->first_page * page_bytes()));
	uint64_t n_resident = 0;

	if (address == MAP_FAILED)
		return 0;
	if (states && mincore(address, size, states) == 0)
		for (size_t i = 0; i < run->n_pages; i++)
			n_resident += states[i] & 1;
	munmap(address, size);
	return n_resident;
}

static uint64_t count_by_reading(int fd, const struct page_run *run)
{
	uint64_t n_resident = 0;

	for (uint64_t i = 0; i < run->n_pages; i++)
		n_resident += resident_look(fd, run->first_page + i) == RESIDENT_YES;
	return n_resident;
}

uint64_t page_cache_count(const struct pageset_file *file)
{
	struct stat st;
	cleanup_close int fd = fileid_open(file->path, &st);
	uint64_t n_pages = fd < 0 ? 0 : page_count((uint64_t)st.st_size);
	uint64_t n_resident = 0;
	bool by_mincore = fd >= 0 && may_use_mincore(file->path, &st);

	/* Whoever only looks is not to bring in what lies beside. */
	if (fd >= 0)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (size_t i = 0; i < file->n_extents; i++) {
		struct page_run run = { file->extents[i].first_page, file->extents[i].n_pages };

		if (run.first_page >= n_pages)
			continue;
		if (run.n_pages > n_pages - run.first_page)
			run.n_pages = n_pages - run.first_page;
		n_resident += by_mincore ? count_by_mincore(fd, &run) : count_by_reading(fd, &run);
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
