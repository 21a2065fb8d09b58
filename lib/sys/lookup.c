/* lookup.c - searches PATH as execvp(3) does. */
#include "sys/lookup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* One search. */
struct search {
	const struct lookup_besides *besides; /* NULL: nothing is passed over */
	bool has_passed_over;
	char *file; /* what was found, as execve(2) is to be given it */
	char *path; /* the same, canonical */
};

/* As execve(2) sees it. Mostly by a call that each filter (seccomp(2)) knows. */
static bool may_execute(const char *path)
{
	if (geteuid() == getuid() && getegid() == getgid())
		return access(path, X_OK) == 0;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* What execve(2) would say to this file before it looks into it. */
static int check_executable(const char *path, struct stat *ret_st)
{
	if (stat(path, ret_st) != 0)
		return -errno;
	if (!S_ISREG(ret_st->st_mode))
		return -EACCES;
	return may_execute(path) ? 0 : -errno;
}

static bool is_passed_over(const struct search *search, const struct stat *st, const char *canonical_path)
{
	const struct lookup_besides *besides = search->besides;

	return besides && ((st->st_dev == besides->device && st->st_ino == besides->inode) ||
			   strcmp(basename(canonical_path), besides->name) == 0);
}

static int resolve(struct search *search, const char *path)
{
	cleanup_free char *canonical_path = NULL;
	struct stat st;
	int r = check_executable(path, &st);

	if (r < 0)
		return r;
	canonical_path = realpath(path, NULL);
	if (!canonical_path)
		return -errno;
	if (is_passed_over(search, &st, canonical_path)) {
		search->has_passed_over = true;
		return -ENOENT;
	}
	/* An empty element of PATH is the working directory, which a name alone does not say. */
	if (search->besides && asprintf(&search->file, "%s%s", strchr(path, '/') ? "" : "./", path) < 0) {
		search->file = NULL;
		return -ENOMEM;
	}
	search->path = take_pointer(canonical_path);
	return 0;
}

/* After these, execvp(3) goes on with the next directory. */
static bool is_search_continued(int r)
{
	return r == -EACCES || r == -ENOENT || r == -ESTALE || r == -ENOTDIR || r == -ENODEV ||
	       r == -ETIMEDOUT;
}

static int resolve_in(struct search *search, const char *directory, size_t directory_size, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2];
	/* One byte too many is enough for the kernel to refuse a name, in a directory that exists. */
	size_t name_size = strnlen(name, NAME_MAX + 1);

	memcpy(path, directory, directory_size);
	if (directory_size > 0)
		path[directory_size++] = '/';
	memcpy(path + directory_size, name, name_size);
	path[directory_size + name_size] = '\0';
	return resolve(search, path);
}

static int search_list(struct search *search, const char *name, const char *path_list)
{
	bool was_denied = false;
	int r = -ENOENT;

	for (const char *element = path_list, *next; element; element = next) {
		size_t size = strcspn(element, ":");

		next = element[size] ? element + size + 1 : NULL;
		if (size >= PATH_MAX) {
			/* glibc skips the element but not its colon, which makes an empty one of it. */
			next = next ? next - 1 : NULL;
			continue;
		}
		r = resolve_in(search, element, size, name);
		if (!is_search_continued(r))
			return r;
		if (r == -EACCES)
			was_denied = true;
	}
	return was_denied ? -EACCES : r;
}

static int search_path(struct search *search, const char *name, const char *path_list)
{
	char default_list[PATH_MAX];

	if (!path_list) {
		size_t size = confstr(_CS_PATH, default_list, sizeof(default_list));

		if (size == 0 || size > sizeof(default_list))
			return -ENOENT;
		path_list = default_list;
	}
	return search_list(search, name, path_list);
}

static int search_name(struct search *search, const char *name, const char *path_list)
{
	int r;

	if (*name == '\0')
		return -ENOENT;
	if (!strchr(name, '/'))
		return search_path(search, name, path_list);
	r = resolve(search, name);
	return r < 0 && search->has_passed_over ? search_path(search, basename(name), path_list) : r;
}

int lookup_program(const char *name, const char *path_list, char **ret_path)
{
	struct search search = { 0 };
	int r = search_name(&search, name, path_list);

	if (r == 0)
		*ret_path = search.path;
	return r;
}

int lookup_other_program(const char *name, const char *path_list, const struct lookup_besides *besides,
			 char **ret_file, char **ret_path)
{
	struct search search = { .besides = besides };
	int r = search_name(&search, name, path_list);

	if (r < 0)
		return search.has_passed_over && r != -ENOMEM ? -EALREADY : r;
	*ret_file = search.file;
	*ret_path = search.path;
	return search.has_passed_over;
}

const char *lookup_profile(const char *name, const char *canonical_path)
{
	const char *component = basename(name);

	return strcmp(component, basename(canonical_path)) != 0 ? component : "";
}
