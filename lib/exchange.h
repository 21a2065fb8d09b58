/*
 * exchange.h - records that travel: out of this machine's store, and into it (shadow/portable.h).
 *
 * Reads whole files, and may wait for any file system: for commands, never on a program's way.
 */
#ifndef PBRUN_EXCHANGE_H
#define PBRUN_EXCHANGE_H

#include "shadow/portable.h"

/* Why a file of a record is left out. */
enum exchange_fault {
	EXCHANGE_MISSING,    /* not there, or not a regular file */
	EXCHANGE_CHANGED,    /* another size, build-id or content */
	EXCHANGE_UNREADABLE, /* -errno of open(2), read(2) */
};

/* Told of each file that is left out. NULL: nobody is. */
struct exchange_listener {
	void (*left_out)(const char *path, enum exchange_fault fault, void *context);
	void *context;
};

struct exchange_count {
	uint64_t n_files; /* taken, with pages */
	uint64_t n_pages; /* of these files */
	uint64_t n_names; /* taken: only looked up or listed */
	uint64_t n_left_out;
};

/*
 * Makes shadow, which becomes the portable's, fit to travel: operands and files that are not any more what
 * was recorded are left out, and those without a build-id get a checksum. 0, -ENOMEM; shadow is empty
 * afterwards in any case.
 */
must_check int exchange_pack(struct shadow *shadow, const struct exchange_listener *listener,
			     struct portable *ret_portable, struct exchange_count *ret_count);

/*
 * Takes portable for this machine: of each file that is the same here by size and build-id, or by size and
 * content where there is none (or by size and mtime, if it has no checksum either), this machine's identity
 * is noted; the others are left out. 0 or -ENOMEM.
 */
must_check int exchange_unpack(struct portable *portable, const struct exchange_listener *listener,
			       struct exchange_count *ret_count);

/*
 * Adds to self what other remembers of the same program: pages of either. A page that both know keeps the
 * time and the age that it has in self; of a file of which they know different versions, self's stays. 0 or
 * -ENOMEM.
 */
must_check int exchange_merge(struct shadow *self, const struct shadow *other);

/* The same of two portables of one program: of a file without a build-id the checksums tell whether both know
 * the same version. other is changed. 0 or -ENOMEM. */
must_check int exchange_merge_portable(struct portable *self, struct portable *other);

/* A run of pages for those who prefetch by other means. */
struct exchange_range {
	const char *path; /* belongs to the shadow */
	uint64_t offset_bytes;
	uint64_t length_bytes;
	uint32_t first_use_us; /* after the program's exec */
};

/* All extents of shadow, but for those of operands, in order of first use, to be freed by the caller. 0 or
 * -ENOMEM. */
must_check int exchange_ranges(const struct shadow *shadow, struct exchange_range **ret_ranges,
			       size_t *ret_n_ranges);

#endif
