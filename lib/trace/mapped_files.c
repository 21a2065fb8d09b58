/* mapped_files.c - goes through a process's maps, and looks each file up once. */
#include "trace/mapped_files.h"

#include <string.h>
#include <sys/stat.h>

bool mapped_files_may_have(const struct exclusions *excluded, const char *path)
{
	static const char *const elsewhere[] = { "/proc/", "/sys/", "/dev/", "/run/" };

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strncmp(path, elsewhere[i], strlen(elsewhere[i])) == 0)
			return false;
	return !exclusions_match(excluded, path);
}

static void rewind_to_start(struct mapped_files *self)
{
	self->offset = 0;
	self->last = (struct procmaps_entry){ 0 };
	self->is_found = false;
}

int mapped_files_read(struct mapped_files *self, pid_t tid)
{
	rewind_to_start(self);
	return procmaps_read(tid, &self->text);
}

int mapped_files_take(struct mapped_files *self, const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, size);
	copy[size] = '\0';
	free(self->text.data);
	self->text = (struct procmaps_text){ .data = copy, .size = size, .allocated = size + 1 };
	rewind_to_start(self);
	return 0;
}

/* The segments of one file stand together. */
static bool is_of_last(const struct mapped_files *self, const struct procmaps_entry *entry)
{
	const struct procmaps_entry *last = &self->last;

	return entry->inode == last->inode && entry->name_size == last->name_size &&
	       memcmp(entry->name, last->name, entry->name_size) == 0;
}

static bool find(struct mapped_files *self, const struct procmaps_entry *entry)
{
	struct stat st;

	if (!procmaps_name_to_path(entry, self->path, sizeof(self->path)))
		return false;
	bool is_found = self->find ? self->find(entry, self->path, &st, self->context)
				   : mapped_files_may_have(self->excluded, self->path) &&
					     procmaps_is_file(entry, self->path, &st);

	if (!is_found)
		return false;
	self->id = fileid_from_stat(&st);
	return true;
}

bool mapped_files_next(struct mapped_files *self, struct procmaps_entry *ret_entry)
{
	struct procmaps_entry entry;

	while (procmaps_next(&self->text, &self->offset, &entry)) {
		if (entry.inode == 0)
			continue;
		if (!is_of_last(self, &entry))
			self->is_found = find(self, &entry);
		self->last = entry;
		if (self->is_found) {
			*ret_entry = entry;
			return true;
		}
	}
	return false;
}

void mapped_files_release(struct mapped_files *self)
{
	procmaps_text_release(&self->text);
}
