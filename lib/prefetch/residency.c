/* residency.c - is all in memory that a program needs? with calls that cannot wait for a file system */
#include "prefetch/residency.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/cleanup.h"
#include "sys/clock.h"
#include "sys/resident.h"

enum {
	PAGE_SAMPLES = 16,
	NAME_SAMPLES = 8,
	LOOKING_MAX_NS = 150000,
};

/* The look is the launcher's: it must be able to do without each of these. */
struct look {
	const char *program;
	struct places *places; /* NULL: not needed yet */
	enum plan_unanswered unanswered;
};

/* Of the root, and of the program's own mount, the program waits for an answer anyway; of another only if it
 * is known that its file system is not one of those that may never answer. */
static bool is_safe(struct look *self, const char *path)
{
	if (!self->places) {
		self->places = malloc(sizeof(*self->places));
		if (!self->places)
			return false;
		places_init(self->places, self->program);
	}
	struct place place = place_of(self->places, path);

	return place.mount > 0 && (place.reach == PLACE_NEAR || place.reach == PLACE_MEMORY);
}

/* Is it on the disk that the program itself is read from? */
static bool is_own(struct look *self, const char *path)
{
	const struct place place = is_safe(self, path) ? place_of(self->places, path) : (struct place){ 0 };

	return place.reach == PLACE_NEAR && place.mount > 0 &&
	       place.mount == place_of(self->places, self->program).mount;
}

static int open_how(const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_NOFOLLOW | O_CLOEXEC,
				.resolve = resolve | RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/*
 * A descriptor for what cannot be read (O_PATH), if the kernel has all of the path in memory; -EAGAIN if not,
 * or if calls on the file might wait; else -errno. A kernel without RESOLVE_CACHED says -EINVAL or -ENOSYS.
 * ret_resolve: with this a second look gets to the same mount.
 */
static int open_handle(struct look *self, const char *path, uint64_t *ret_resolve)
{
	int fd = open_how(path, O_PATH, *ret_resolve = RESOLVE_NO_XDEV);

	/* To say that the way leads to another mount takes more than a look at what is in memory: -EAGAIN.
	 * Tell that from what is not in memory, before the table of mounts is read for it. */
	if (fd == -EAGAIN) {
		cleanup_close int somewhere = open_how(path, O_PATH, 0);

		if (somewhere == -EAGAIN)
			return -EAGAIN;
	} else if (fd != -EXDEV) {
		return fd;
	}
	/* What lies behind a symbolic link cannot be told by the path. */
	fd = is_safe(self, path) ? open_how(path, O_PATH, *ret_resolve = RESOLVE_NO_SYMLINKS) : -EAGAIN;
	return fd == -ELOOP ? -EAGAIN : fd;
}

/* Operands are looked at apart, if they are named. */
static bool is_left_out(const struct look *self, const struct pageset_file *file)
{
	return file->operand != PAGESET_NO_OPERAND ||
	       (file->is_unanswered && self->unanswered == PLAN_LEAVE_OUT);
}

static bool is_name_resident(struct look *self, const struct pageset_file *file)
{
	uint64_t resolve;

	if (place_is_kernel(file->path))
		return true;
	cleanup_close int fd = open_handle(self, file->path, &resolve);

	return fd >= 0 || fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES;
}

/* Neither the descriptor nor this waits, nor asks a server. */
static int stat_handle(int handle, struct statx *ret_stx)
{
	return statx(handle, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE | STATX_MTIME,
		     ret_stx) < 0
		       ? -errno
		       : 0;
}

static bool is_page_resident(struct look *self, const struct pageset_file *file, uint64_t page_index)
{
	struct statx stx;
	uint64_t resolve;
	cleanup_close int handle = open_handle(self, file->path, &resolve);

	/* Nothing but a regular file may be opened (fileid.h). */
	if (handle < 0 || stat_handle(handle, &stx) < 0 || !S_ISREG(stx.stx_mode))
		return false;
	cleanup_close int fd = open_how(file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, resolve);

	if (fd < 0)
		return false;
	enum resident answer = resident_look(fd, page_index);

	return answer == RESIDENT_YES ||
	       (answer == RESIDENT_UNKNOWN && resident_counts_disk_reads() && is_own(self, file->path) &&
		resident_read(fd, page_index, RESIDENT_DISK));
}

/* The page that is the nth of all pages of the file's extents. */
static uint64_t nth_page(const struct pageset_file *file, uint64_t n)
{
	size_t i = 0;

	while (n >= file->extents[i].n_pages)
		n -= file->extents[i++].n_pages;
	return file->extents[i].first_page + n;
}

static uint64_t count_pages(const struct look *self, const struct pageset *files)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < files->n_files; i++)
		if (!is_left_out(self, files->files[i]))
			n_pages += pageset_file_pages(files->files[i]);
	return n_pages;
}

static bool are_pages_resident(struct look *self, const struct pageset *files)
{
	uint64_t step = count_pages(self, files) / PAGE_SAMPLES + 1;
	uint64_t n_passed = 0, next = 0;

	for (size_t i = 0; i < files->n_files; i++) {
		const struct pageset_file *file = files->files[i];
		uint64_t n_here = is_left_out(self, file) ? 0 : pageset_file_pages(file);

		if (next < n_passed + n_here) {
			if (!is_page_resident(self, file, nth_page(file, next - n_passed)))
				return false;
			next += step;
			if (next < n_passed + n_here)
				next = n_passed + n_here;
		}
		n_passed += n_here;
	}
	return true;
}

static bool are_names_resident(struct look *self, const struct pageset *files)
{
	size_t n_names = 0, n_passed = 0;

	for (size_t i = 0; i < files->n_files; i++)
		n_names += files->files[i]->n_extents == 0 && !is_left_out(self, files->files[i]);
	for (size_t i = 0; i < files->n_files; i++) {
		if (files->files[i]->n_extents > 0 || is_left_out(self, files->files[i]))
			continue;
		if (n_passed++ % (n_names / NAME_SAMPLES + 1) == 0 &&
		    !is_name_resident(self, files->files[i]))
			return false;
	}
	return true;
}

/* -EAGAIN: it cannot be told without waiting. */
static int compare(struct look *self, const struct pageset_file *file)
{
	uint64_t resolve;
	cleanup_close int handle = open_handle(self, file->path, &resolve);
	struct statx stx;
	struct fileid now;

	if (handle == -EAGAIN)
		return -EAGAIN;
	if (handle < 0 || stat_handle(handle, &stx) < 0)
		return 1;
	now = fileid_from_stat(&(struct stat){
		.st_size = (off_t)stx.stx_size,
		.st_mtim = { .tv_sec = stx.stx_mtime.tv_sec, .tv_nsec = stx.stx_mtime.tv_nsec } });
	return now.size_bytes != file->id.size_bytes || now.mtime_ns != file->id.mtime_ns;
}

/* As policy_files_changed() sees it. */
static bool are_files_unchanged(struct look *self, const struct pageset *files, uint32_t random)
{
	uint64_t n_pages = count_pages(self, files), n_changed = 0;
	uint64_t until_ns = clock_now_ns() + LOOKING_MAX_NS;

	for (size_t i = 0; i < files->n_files && clock_now_ns() < until_ns; i++) {
		const struct pageset_file *file = files->files[(random + i) % files->n_files];

		if (file->n_extents == 0 || file->access & PAGESET_WRITTEN || place_is_kernel(file->path) ||
		    is_left_out(self, file))
			continue;
		int r = compare(self, file);

		if (r < 0)
			return false;
		n_changed += r > 0 ? pageset_file_pages(file) : 0;
		if (r > 0 && (pageset_file_is_code(file) || n_changed >= n_pages / 20))
			return false;
	}
	return true;
}

bool residency_is_complete(const struct pageset *files, const char *program, enum plan_unanswered unanswered,
			   uint32_t random)
{
	struct look look = { .program = program, .unanswered = unanswered };
	/* Names first: they never wait. */
	bool is_complete = are_names_resident(&look, files) && are_pages_resident(&look, files) &&
			   are_files_unchanged(&look, files, random);

	if (look.places)
		places_release(look.places);
	free(look.places);
	return is_complete;
}
