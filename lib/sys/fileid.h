/*
 * fileid.h - how a recorded file is known again: size, mtime, and for ELF files the build-id.
 *
 * No inode or device number: a recording is valid on another machine with the same package.
 */
#ifndef PBRUN_FILEID_H
#define PBRUN_FILEID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sys/elfinfo.h"

struct fileid {
	uint64_t size_bytes;
	int64_t mtime_ns;      /* since the epoch; saturated */
	uint8_t build_id_size; /* 0: none */
	uint8_t build_id[ELFINFO_BUILD_ID_MAX];
};

/* From a stat structure alone: no build-id. */
struct fileid fileid_from_stat(const struct stat *st);

/*
 * The whole identity of the regular file open at fd (O_RDONLY). 0, -EINVAL if it is not a regular
 * file, -errno of fstat(2). A build-id that cannot be read counts as none.
 */
must_check int fileid_from_fd(int fd, struct fileid *ret_id);

/*
 * Opens path for reading as pbrun opens every file that a recording or a program names: regular
 * files only, O_RDONLY|O_NOATIME (where permitted)|O_NONBLOCK|O_CLOEXEC|O_NOCTTY; never blocks on a
 * FIFO, never opens a device (the type is looked at before and after). Fills ret_st. Returns the
 * descriptor, -EINVAL if it is not a regular file, else -errno of stat(2) or open(2).
 */
must_check int fileid_open(const char *path, struct stat *ret_st);

/* Same size, and the same build-id where both have one, else the same mtime. */
bool fileid_equal(const struct fileid *a, const struct fileid *b);

/*
 * Is the file open at fd, with the stat structure st, still the one that recorded was taken from?
 * Size and mtime the same: yes, unless both have a build-id and these differ (it is looked at only
 * where that costs no disk access: the file's first page is in memory). Same size and another mtime:
 * yes if both have a build-id and these are the same. Otherwise no.
 */
bool fileid_still_valid(const struct fileid *recorded, int fd, const struct stat *st);

#endif
