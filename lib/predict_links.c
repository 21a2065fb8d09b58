/* predict_links.c - remembers in the index for first starts which library needs which. */
#include "predict_links.h"

#include <limits.h>
#include <string.h>

#include "sys/elfinfo_needs.h"

#define NEEDS "//needs//"

/* The names in the entry at path, if it is that of the library; NULL: it is another's. */
static const char *names_in(const char *path, const char *library, size_t size)
{
	bool is_of_it = strncmp(path, library, size) == 0 && strncmp(path + size, NEEDS, strlen(NEEDS)) == 0;

	return is_of_it ? path + size + strlen(NEEDS) : NULL;
}

static const struct pageset_file *find_links(const struct shadow *index, const char *library)
{
	size_t size = strlen(library);

	for (size_t i = 0; i < index->files.n_files; i++)
		if (names_in(index->files.files[i]->path, library, size))
			return index->files.files[i];
	return NULL;
}

const char *predict_links_of(const struct shadow *index, const char *path)
{
	const struct pageset_file *links = find_links(index, path);

	return links ? names_in(links->path, path, strlen(path)) : NULL;
}

const struct pageset_file *predict_find_library(const struct shadow *index, const char *name, size_t size)
{
	for (size_t i = 0; i < index->files.n_files; i++) {
		const struct pageset_file *file = index->files.files[i];
		const char *slash = strrchr(file->path, '/');

		if (strncmp(slash + 1, name, size) == 0 &&
		    (slash[1 + size] == '\0' || slash[1 + size] == '.') && !strstr(file->path, NEEDS) &&
		    predict_links_of(index, file->path))
			return file;
	}
	return NULL;
}

/* False: it does not fit. */
static bool make_name(const struct pageset_file *file, const struct elfinfo_needs *needs,
		      char ret_name[static PATH_MAX])
{
	int size = snprintf(ret_name, PATH_MAX, "%s%s", file->path, NEEDS);

	for (size_t i = 0; size < PATH_MAX && i < needs->n_names; i++)
		size += snprintf(ret_name + size, PATH_MAX - (size_t)size, "%s%s", i > 0 ? ":" : "",
				 needs->names[i]);
	return size < PATH_MAX;
}

static int note(struct shadow *index, const struct pageset_file *file, const struct shadow *before)
{
	const struct pageset_file *old = before ? find_links(before, file->path) : NULL;
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs needs = { 0 };
	struct pageset_file *links;
	char name[PATH_MAX];
	struct fileid id;
	struct stat st;

	if (old && fileid_equal(&old->id, &file->id)) {
		memcpy(name, old->path, strlen(old->path) + 1);
	} else {
		cleanup_close int fd = fileid_open(file->path, &st);
		int r = fd < 0 ? fd : fileid_from_fd(fd, &id);

		if (r == 0)
			r = fileid_equal(&id, &file->id) ? elfinfo_read_needs(fd, &needs) : -ESTALE;
		if (r < 0 || !make_name(file, &needs, name))
			return r == -ENOMEM ? r : 0;
	}
	int r = pageset_add(&index->files, name, 0, &links);

	if (r == 0)
		links->id = file->id;
	return r;
}

int predict_note_links(struct shadow *index, const struct shadow *before)
{
	size_t n_libraries = index->files.n_files;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_libraries; i++)
		r = note(index, index->files.files[i], before);
	return r;
}
