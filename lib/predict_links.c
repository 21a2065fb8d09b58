/* predict_links.c - remembers in the index for first starts which library needs which. */
#include "predict_links.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sys/elfinfo_needs.h"

#define NEEDS "//needs//"

/* False: the entry says something else. */
static bool read_link(const struct pageset_file *entry, struct predict_link *ret_link)
{
	const char *path = entry->path;
	const char *end = strstr(path, NEEDS);
	const char *base = end;

	if (!end || end == path)
		return false;
	while (base > path && base[-1] != '/')
		base--;
	*ret_link = (struct predict_link){ .path = path,
					   .path_size = (size_t)(end - path),
					   .base = base,
					   .base_size = (size_t)(end - base),
					   .names = end + strlen(NEEDS),
					   .entry = entry };
	return true;
}

int predict_links_init(struct predict_links *self, const struct shadow *index)
{
	*self = (struct predict_links){ calloc(index->files.n_files + 1, sizeof(*self->entries)), 0 };
	if (!self->entries)
		return -ENOMEM;
	for (size_t i = 0; i < index->files.n_files && self->n < PREDICT_MAX_LINKS; i++)
		self->n += read_link(index->files.files[i], &self->entries[self->n]);
	return 0;
}

void predict_links_release(struct predict_links *self)
{
	free(self->entries);
}

const struct predict_link *predict_links_of(const struct predict_links *self, const char *path)
{
	size_t size = strlen(path);

	for (size_t i = 0; i < self->n; i++)
		if (self->entries[i].path_size == size && memcmp(self->entries[i].path, path, size) == 0)
			return &self->entries[i];
	return NULL;
}

const struct predict_link *predict_links_find(const struct predict_links *self, const char *name, size_t size)
{
	for (size_t i = 0; i < self->n; i++) {
		const struct predict_link *link = &self->entries[i];
		bool is_whole = link->base_size == size;
		bool has_more = link->base_size > size && link->base[size] == '.';

		if (size > 0 && (is_whole || has_more) && memcmp(link->base, name, size) == 0)
			return link;
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

static int note(struct shadow *index, const struct pageset_file *file, const struct predict_links *before)
{
	const struct predict_link *old = predict_links_of(before, file->path);
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs needs = { 0 };
	struct pageset_file *entry;
	char name[PATH_MAX];
	struct fileid id;
	struct stat st;

	if (old && fileid_equal(&old->entry->id, &file->id)) {
		if (snprintf(name, sizeof(name), "%s", old->path) >= PATH_MAX)
			return 0;
	} else {
		cleanup_close int fd = fileid_open(file->path, &st);
		int r = fd < 0 ? fd : fileid_from_fd(fd, &id);

		if (r == 0)
			r = fileid_equal(&id, &file->id) ? elfinfo_read_needs(fd, &needs) : -ESTALE;
		if (r < 0 || !make_name(file, &needs, name))
			return r == -ENOMEM ? r : 0;
	}
	int r = pageset_add(&index->files, name, 0, &entry);

	if (r == 0)
		entry->id = file->id;
	return r;
}

int predict_note_links(struct shadow *index, const struct shadow *before)
{
	cleanup_with(predict_links_release) struct predict_links known = { 0 };
	size_t n_libraries = index->files.n_files;
	int r = before ? predict_links_init(&known, before) : 0;

	for (size_t i = 0; r == 0 && i < n_libraries; i++)
		r = note(index, index->files.files[i], &known);
	return r;
}
