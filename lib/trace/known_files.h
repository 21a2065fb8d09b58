/*
 * known_files.h - the files that traced programs were seen to open, each kept once.
 *
 * So a descriptor is a pointer (descriptors.h), and what was read of a file is known across all that open it.
 */
#ifndef PBRUN_KNOWN_FILES_H
#define PBRUN_KNOWN_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "sys/cleanup.h"
#include "sys/fileid.h"

#define KNOWN_FILES_N_BUCKETS 4096
#define KNOWN_FILES_MAX 25000

struct known_file {
	struct fileid id;        /* without a build-id */
	uint64_t n_read_bytes;   /* so many from its beginning on were read, one read going on from another */
	struct known_file *next; /* in its bucket */
	char path[];             /* absolute */
};

/* Zeroed it holds none. */
struct known_files {
	struct known_file *buckets[KNOWN_FILES_N_BUCKETS];
	size_t n_files;
};

void known_files_release(struct known_files *self);

/*
 * The regular file of that path, whose identity now is id: if that is another than before, nothing of it was
 * read. It stays where it is until known_files_release(). 0 or -ENOMEM; -ENOSPC: KNOWN_FILES_MAX.
 */
must_check int known_files_add(struct known_files *self, const char *path, const struct fileid *id,
			       struct known_file **ret_file);

/* Notes that n_bytes at offset_bytes were read. */
void known_file_note_read(struct known_file *self, int64_t offset_bytes, int64_t n_bytes);
/* Was all of it? Of an empty file, yes. */
bool known_file_is_read(const struct known_file *self);

#endif
