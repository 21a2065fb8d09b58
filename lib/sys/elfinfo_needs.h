/*
 * elfinfo_needs.h - what an ELF file needs to be loaded: its interpreter, other libraries, and parts of its
 * own that the dynamic loader is sure to touch.
 */
#ifndef PBRUN_ELFINFO_NEEDS_H
#define PBRUN_ELFINFO_NEEDS_H

#include <stddef.h>
#include <stdint.h>

#include "sys/cleanup.h"

#define ELFINFO_MAX_NEEDED 512
#define ELFINFO_MAX_PARTS 4

struct elfinfo_part {
	uint64_t offset_bytes;
	uint64_t size_bytes;
};

struct elfinfo_needs {
	char *interpreter; /* PT_INTERP; NULL: none */
	char *run_path;    /* DT_RUNPATH or DT_RPATH as it is, "A:B"; NULL: none */
	char **names;      /* DT_NEEDED, in order */
	size_t n_names;
	/* Headers, symbols, hashes and relocations, which stand in the first segment, and what is relocated:
	 * the segments that can be written to. No part is larger than 256 KiB. */
	struct elfinfo_part parts[ELFINFO_MAX_PARTS];
	size_t n_parts;
};

/*
 * Reads that from the file open at fd. 0; -ENOEXEC: no ELF file of this machine's class, or malformed; -errno
 * of pread(2); -ENOMEM. The caller releases ret_needs in any case.
 */
must_check int elfinfo_read_needs(int fd, struct elfinfo_needs *ret_needs);
void elfinfo_needs_release(struct elfinfo_needs *self);

#endif
