/*
 * mapped_files.h - what of a process's maps is a file that can be found again, by path.
 *
 *     mapped_files_read() ... mapped_files_next() until it says false ... again ... mapped_files_release()
 */
#ifndef PBRUN_MAPPED_FILES_H
#define PBRUN_MAPPED_FILES_H

#include <limits.h>

#include "sys/exclusions.h"
#include "sys/fileid.h"
#include "sys/procmaps.h"

/* Zeroed, but for these, before the first use. */
struct mapped_files {
	const struct exclusions *excluded; /* paths that are passed over; NULL: none */
	/* Is what entry maps to be found under path (PATH_MAX), or which one is put in its place? NULL:
	 * procmaps_is_file() tells. */
	bool (*find)(const struct procmaps_entry *entry, char *path, struct stat *ret_st, void *context);
	void *context;
	/* Of the entry that mapped_files_next() gave. */
	char path[PATH_MAX];
	struct fileid id; /* without a build-id */
	/* Private. */
	struct procmaps_text text;
	size_t offset;
	struct procmaps_entry last;
	bool is_found; /* the file of last is, and path and id are its */
};

/* Is a file under this path any of our business? Not what lives in memory anyway, and not what is excluded;
 * excluded may be NULL. */
bool mapped_files_may_have(const struct exclusions *excluded, const char *path);

/* Reads the maps of a task. 0 or -errno of procmaps_read(). */
must_check int mapped_files_read(struct mapped_files *self, pid_t tid);
/* The same from a copy of size bytes of such a text. 0 or -ENOMEM. */
must_check int mapped_files_take(struct mapped_files *self, const char *text, size_t size);
/* The next mapping of such a file; false at the end. What is not looked up yet is, by path. */
bool mapped_files_next(struct mapped_files *self, struct procmaps_entry *ret_entry);
void mapped_files_release(struct mapped_files *self);

#endif
