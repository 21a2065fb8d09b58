#include "prefetch/residency.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "sys/cleanup.h"
#include "sys/clock.h"
#include "sys/page.h"
#include "sys/pagemap.h"

enum {
	PAGE_SAMPLES = 16,
	NAME_SAMPLES = 8,
	/* Between looks at the clock. */
	LOOKS_AT_ONCE = 16,
	LOOKING_MAX_NS = 150000,
};

/* A descriptor, -EAGAIN if it takes the disk to tell, else -errno. */
static int open_cached(const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_CACHED };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool is_name_resident(const struct pageset_file *file)
{
	cleanup_close int fd = open_cached(file->path, O_PATH);

	return fd >= 0 || fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES;
}

static bool is_page_resident(const struct pageset_file *file, uint64_t page_index)
{
	char byte;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };
	struct stat st;
	cleanup_close int handle = open_cached(file->path, O_PATH);

	/* Nothing but a regular file may be opened (fileid.h). */
	if (handle < 0 || fstat(handle, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	cleanup_close int fd = open_cached(file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	return fd >= 0 && preadv2(fd, &to, 1, (off_t)(page_index << page_shift()), RWF_NOWAIT) == 1;
}

/* The page that is the nth of all pages of the file's extents. */
static uint64_t nth_page(const struct pageset_file *file, uint64_t n)
{
	size_t i = 0;

	while (n >= file->extents[i].n_pages)
		n -= file->extents[i++].n_pages;
	return file->extents[i].first_page + n;
}

static bool are_pages_resident(const struct pageset *files)
{
	uint64_t n_pages = pageset_count_pages(files), step = n_pages / PAGE_SAMPLES + 1;
	uint64_t n_passed = 0, next = 0;

	for (size_t i = 0; i < files->n_files; i++) {
		const struct pageset_file *file = files->files[i];
		uint64_t n_here = pageset_file_pages(file);

		if (next < n_passed + n_here) {
			if (!is_page_resident(file, nth_page(file, next - n_passed)))
				return false;
			next += step;
			if (next < n_passed + n_here)
				next = n_passed + n_here;
		}
		n_passed += n_here;
	}
	return true;
}

static bool are_names_resident(const struct pageset *files)
{
	size_t n_names = 0, n_passed = 0;

	for (size_t i = 0; i < files->n_files; i++)
		n_names += files->files[i]->n_extents == 0;
	for (size_t i = 0; i < files->n_files; i++) {
		if (files->files[i]->n_extents > 0)
			continue;
		if (n_passed++ % (n_names / NAME_SAMPLES + 1) == 0 && !is_name_resident(files->files[i]))
			return false;
	}
	return true;
}

static bool is_changed(const struct pageset_file *file)
{
	struct stat st;

	if (stat(file->path, &st) < 0)
		return true;
	struct fileid now = fileid_from_stat(&st);

	return now.size_bytes != file->id.size_bytes || now.mtime_ns != file->id.mtime_ns;
}

/* As policy_files_changed() sees it. */
static bool are_files_unchanged(const struct pageset *files, uint32_t random)
{
	uint64_t n_pages = pageset_count_pages(files), n_changed = 0;
	uint64_t until_ns = clock_now_ns() + LOOKING_MAX_NS;
	size_t n_looks = 0;

	for (size_t i = 0; i < files->n_files; i++) {
		const struct pageset_file *file = files->files[(random + i) % files->n_files];

		if (file->n_extents == 0 || file->access & PAGESET_WRITTEN)
			continue;
		if (++n_looks % LOOKS_AT_ONCE == 0 && clock_now_ns() >= until_ns)
			break;
		if (!is_changed(file))
			continue;
		n_changed += pageset_file_pages(file);
		if (pageset_file_is_code(file) || n_changed >= n_pages / 20)
			return false;
	}
	return true;
}

bool residency_is_complete(const struct pageset *files, uint32_t random)
{
	return are_pages_resident(files) && are_names_resident(files) && are_files_unchanged(files, random);
}
