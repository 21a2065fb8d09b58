/* known_files.c - a hash table of files by path. */
#include "trace/known_files.h"

#include <string.h>

#include "sys/page.h"

static struct known_file **bucket_of(struct known_files *self, const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const char *c = path; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return &self->buckets[(hash ^ hash >> 32) % KNOWN_FILES_N_BUCKETS];
}

void known_files_release(struct known_files *self)
{
	for (size_t i = 0; i < KNOWN_FILES_N_BUCKETS; i++) {
		while (self->buckets[i]) {
			struct known_file *next = self->buckets[i]->next;

			free(self->buckets[i]);
			self->buckets[i] = next;
		}
	}
	self->n_files = 0;
}

static void set_id(struct known_file *self, const struct fileid *id)
{
	if (self->id.size_bytes != id->size_bytes || self->id.mtime_ns != id->mtime_ns)
		self->n_read_bytes = 0;
	self->id = *id;
}

int known_files_add(struct known_files *self, const char *path, const struct fileid *id,
		    struct known_file **ret_file)
{
	struct known_file **bucket = bucket_of(self, path);
	struct known_file *file = *bucket;
	size_t size = strlen(path) + 1;

	while (file && strcmp(file->path, path) != 0)
		file = file->next;
	if (!file && self->n_files == KNOWN_FILES_MAX)
		return -ENOSPC;
	if (!file) {
		file = calloc(1, sizeof(*file) + size);
		if (!file)
			return -ENOMEM;
		memcpy(file->path, path, size);
		file->next = *bucket;
		*bucket = file;
		self->n_files++;
	}
	set_id(file, id);
	*ret_file = file;
	return 0;
}

void known_file_note_read(struct known_file *self, int64_t offset_bytes, int64_t n_bytes)
{
	uint64_t page_size = page_bytes();
	uint64_t start = (uint64_t)offset_bytes & ~(page_size - 1);
	uint64_t end = ((uint64_t)offset_bytes + (uint64_t)n_bytes + page_size - 1) & ~(page_size - 1);

	if (start <= self->n_read_bytes && end > self->n_read_bytes)
		self->n_read_bytes = end;
}

bool known_file_is_read(const struct known_file *self)
{
	return self->n_read_bytes >= self->id.size_bytes;
}
