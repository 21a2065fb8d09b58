/* lookup.c - searches PATH as execvp(3) does. */
#include "sys/lookup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* What execve(2) would say to this file before it looks into it. */
static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0 ? -errno : 0;
}

static int resolve(const char *path, char **ret_path)
{
	int r = check_executable(path);
	char *canonical_path;

	if (r < 0)
		return r;
	canonical_path = realpath(path, NULL);
	if (!canonical_path)
		return -errno;
	*ret_path = canonical_path;
	return 0;
}

/* After these, execvp(3) goes on with the next directory. */
static bool is_search_continued(int r)
{
	return r == -EACCES || r == -ENOENT || r == -ESTALE || r == -ENOTDIR || r == -ENODEV ||
	       r == -ETIMEDOUT;
}

static int resolve_in(const char *directory, size_t directory_size, const char *name, char **ret_path)
{
	char path[PATH_MAX + NAME_MAX + 2];
	/* One byte too many is enough for the kernel to refuse a name, in a directory that exists. */
	size_t name_size = strnlen(name, NAME_MAX + 1);

	memcpy(path, directory, directory_size);
	if (directory_size > 0)
		path[directory_size++] = '/';
	memcpy(path + directory_size, name, name_size);
	path[directory_size + name_size] = '\0';
	return resolve(path, ret_path);
}

static int search(const char *name, const char *path_list, char **ret_path)
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
		r = resolve_in(element, size, name, ret_path);
		if (!is_search_continued(r))
			return r;
		if (r == -EACCES)
			was_denied = true;
	}
	return was_denied ? -EACCES : r;
}

int lookup_program(const char *name, const char *path_list, char **ret_path)
{
	char default_list[PATH_MAX];

	if (*name == '\0')
		return -ENOENT;
	if (strchr(name, '/'))
		return resolve(name, ret_path);
	if (!path_list) {
		size_t size = confstr(_CS_PATH, default_list, sizeof(default_list));

		if (size == 0 || size > sizeof(default_list))
			return -ENOENT;
		path_list = default_list;
	}
	return search(name, path_list, ret_path);
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *lookup_profile(const char *name, const char *canonical_path)
{
	const char *component = last_component(name);

	return strcmp(component, last_component(canonical_path)) != 0 ? component : "";
}
