/* operand_targets.c - looks up what operands name, and finds them by path */
#include "operand_targets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "prefetch/place.h"
#include "sys/analyzer.h"

/* Copies of paths are kept in an array. */
ANALYZER_IGNORES("-Wanalyzer-malloc-leak")

static int add(struct operand_targets *self, const struct operand_target *target)
{
	if (self->n == self->n_allocated) {
		size_t n = 2 * self->n + 16;
		struct operand_target *items = reallocarray(self->items, n, sizeof(*items));

		if (!items)
			return -ENOMEM;
		self->items = items;
		self->n_allocated = n;
	}
	struct operand_target copy = *target;

	copy.path = strdup(target->path);
	if (!copy.path)
		return -ENOMEM;
	self->items[self->n++] = copy;
	return 0;
}

/* A descriptor without rights (O_PATH): neither a FIFO nor a device is opened, nothing is mounted for the
 * last name. */
static int open_handle(const char *path, enum operand_look look)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS };
	long fd;

	if (look == OPERAND_LOOK_AND_WAIT)
		fd = open(path, O_PATH | O_CLOEXEC);
	else
		fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	/* A kernel that cannot look in memory alone says -EINVAL or -ENOSYS. */
	if (fd < 0 && look == OPERAND_LOOK_IN_MEMORY && errno != ENOENT && errno != ENOTDIR &&
	    errno != EACCES)
		return -EAGAIN;
	return fd < 0 ? -errno : (int)fd;
}

/* -errno of open(2): nothing was found out. */
static int look_at(char *path, enum operand_look look, struct operand_target *target)
{
	cleanup_close int fd = open_handle(path, look);
	struct statx stx;
	char link[48];

	if (fd < 0)
		return fd;
	/* Of what is in memory no server is asked, and no disk. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE | STATX_MTIME, &stx) <
	    0)
		return -errno;
	target->kind = S_ISREG(stx.stx_mode)   ? OPERAND_FILE
		       : S_ISDIR(stx.stx_mode) ? OPERAND_DIRECTORY
					       : OPERAND_MISSING;
	if (target->kind == OPERAND_FILE)
		target->id = fileid_from_stat(&(struct stat){
			.st_size = (off_t)stx.stx_size,
			.st_mtim = { .tv_sec = stx.stx_mtime.tv_sec, .tv_nsec = stx.stx_mtime.tv_nsec } });
	snprintf(link, sizeof(link), "/proc/thread-self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);

	if (n <= 0 || path[0] != '/')
		return -ENOENT;
	path[n] = '\0';
	return 0;
}

/* What is not there yet: the canonical path that it will have. False: nor is its directory. */
static bool find_future(const char *path, enum operand_look look, char ret_path[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	struct operand_target directory = { 0 };
	size_t size;

	if (!slash || !slash[1] || snprintf(ret_path, PATH_MAX, "%.*s", (int)(slash - path + 1), path) < 0 ||
	    look_at(ret_path, look, &directory) < 0 || directory.kind != OPERAND_DIRECTORY)
		return false;
	size = strlen(ret_path);
	if (size == 1)
		size = 0;
	return snprintf(ret_path + size, PATH_MAX - size, "%s", slash) < (int)(PATH_MAX - size);
}

int operand_targets_add(struct operand_targets *self, const char *path, uint8_t code, enum operand_look look)
{
	char tidy[PATH_MAX];
	char found[PATH_MAX];
	struct operand_target target = { .path = tidy, .code = code };
	int r = -ENOENT;

	if (snprintf(tidy, sizeof(tidy), "%s", path) >= (int)sizeof(tidy))
		return 0;
	memcpy(found, tidy, sizeof(found));
	operands_tidy_path(tidy);
	if (place_is_kernel(tidy))
		return 0;
	if (look == OPERAND_LOOK_AT_NOTHING)
		target.kind = OPERAND_DIRECTORY;
	else
		r = look_at(found, look, &target);
	if (r == -EAGAIN)
		return r;
	bool is_other =
		r == 0 || (look == OPERAND_LOOK_AND_WAIT && r == -ENOENT && find_future(path, look, found));

	if (is_other && strcmp(found, tidy) != 0 && !place_is_kernel(found)) {
		struct operand_target other = target;

		other.path = found;
		r = add(self, &other);
		if (r < 0)
			return r;
		if (target.kind == OPERAND_FILE)
			target.kind = OPERAND_MISSING; /* only its name is used */
	}
	return add(self, &target);
}

int operand_targets_join(struct operand_targets *self, const struct operand_targets *other)
{
	int r = 0;

	for (size_t i = 0; i < other->n && r == 0; i++)
		r = add(self, &other->items[i]);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct operand_target *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	/* PAGESET_NO_OPERAND first. */
	return order ? order : (left->code > right->code) - (left->code < right->code);
}

void operand_targets_sort(struct operand_targets *self)
{
	size_t n_kept = 0;

	if (self->n == 0)
		return;
	qsort(self->items, self->n, sizeof(*self->items), compare);
	for (size_t i = 0; i < self->n; i++) {
		if (n_kept > 0 && strcmp(self->items[n_kept - 1].path, self->items[i].path) == 0)
			free(self->items[i].path);
		else
			self->items[n_kept++] = self->items[i];
	}
	self->n = n_kept;
	self->n_directories = 0;
	for (size_t i = 0; i < self->n; i++)
		self->n_directories += self->items[i].kind == OPERAND_DIRECTORY;
}

static int compare_path(const void *path, const void *target)
{
	return strcmp(path, ((const struct operand_target *)target)->path);
}

const struct operand_target *operand_targets_find(const struct operand_targets *self, const char *path)
{
	return self->n == 0 ? NULL : bsearch(path, self->items, self->n, sizeof(*self->items), compare_path);
}

static bool is_below_target(const struct operand_targets *self, const char *path)
{
	char above[PATH_MAX];

	if (snprintf(above, sizeof(above), "%s", path) >= (int)sizeof(above))
		return false;
	for (char *slash = strrchr(above, '/'); slash && slash > above; slash = strrchr(above, '/')) {
		*slash = '\0';
		const struct operand_target *target = operand_targets_find(self, above);

		if (target && target->kind == OPERAND_DIRECTORY && target->code != PAGESET_NO_OPERAND)
			return true;
	}
	return false;
}

uint8_t operand_targets_code(const struct operand_targets *self, const char *path)
{
	const struct operand_target *target = operand_targets_find(self, path);

	if (target)
		return target->code;
	return self->n_directories > 0 && is_below_target(self, path) ? PAGESET_OPERAND_BELOW
								      : PAGESET_NO_OPERAND;
}

void operand_targets_mark(const struct operand_targets *self, const char *program, struct pageset *seen)
{
	for (size_t i = 0; i < seen->n_files; i++) {
		struct pageset_file *file = seen->files[i];
		uint8_t code = operand_targets_code(self, file->path);

		if ((code == PAGESET_OPERAND_BELOW && pageset_file_is_code(file)) ||
		    strcmp(file->path, program) == 0)
			code = PAGESET_NO_OPERAND;
		file->operand = code;
	}
}

void operand_targets_release(struct operand_targets *self)
{
	for (size_t i = 0; i < self->n; i++)
		free(self->items[i].path);
	free(self->items);
	*self = (struct operand_targets){ 0 };
}
