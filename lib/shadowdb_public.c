/* shadowdb_public.c - keeps out of the system's shadows what not every user may know */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "shadowdb_private.h"

/* Cuts the last name off. False: none is left. */
static bool cut_name(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* May everybody search this directory and all above it? path is changed. */
static bool is_searchable(char *path)
{
	struct stat st;

	do {
		if (stat(path, &st) < 0 || !(st.st_mode & S_IXOTH))
			return false;
	} while (cut_name(path));
	return stat("/", &st) == 0 && st.st_mode & S_IXOTH;
}

/* The same, also where links lead to; of a directory that is not there, of the nearest one that is. */
static bool is_public_directory(const char *directory)
{
	char path[PATH_MAX];
	char real_path[PATH_MAX];

	strcpy(path, directory);
	while (!realpath(path, real_path)) {
		if ((errno != ENOENT && errno != ENOTDIR) || !cut_name(path))
			return false;
	}
	return is_searchable(path) && is_searchable(real_path);
}

/* The directory that was asked for last: files of one come together. */
struct known_directory {
	char path[PATH_MAX];
	bool is_public;
};

static bool is_public_path(const char *path, struct known_directory *known)
{
	char directory[PATH_MAX];
	struct stat st;

	strcpy(directory, path);
	if (!cut_name(directory))
		strcpy(directory, "/");
	if (strcmp(directory, known->path) != 0) {
		strcpy(known->path, directory);
		known->is_public = is_public_directory(directory);
	}
	if (!known->is_public)
		return false;
	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return S_ISDIR(st.st_mode) ? (st.st_mode & S_IROTH && st.st_mode & S_IXOTH)
				   : (S_ISREG(st.st_mode) && st.st_mode & S_IROTH);
}

static bool is_private(const struct pageset_file *file, void *context)
{
	return strlen(file->path) >= PATH_MAX || !is_public_path(file->path, context);
}

int shadowdb_make_public(struct shadow *shadow)
{
	struct known_directory known = { .path = "" };

	if (strlen(shadow->program) >= PATH_MAX || !is_public_path(shadow->program, &known))
		return -EACCES;
	pageset_sort(&shadow->files);
	pageset_remove_if(&shadow->files, is_private, &known);
	return 0;
}
