/*
 * portable.h - a shadow in the form in which it leaves its machine: exported, embedded, shipped by a package
 * (docs/portable-format.md).
 *
 * On another machine a file has another time of change. What tells there that it is the same is its build-id;
 * for a file without one the portable form has a checksum of its content. The bytes may come from
 * anywhere: portable_decode() trusts none of them.
 */
#ifndef PBRUN_PORTABLE_H
#define PBRUN_PORTABLE_H

#include "shadow/shadow.h"

#define PORTABLE_FORMAT 1
/* What a decoder takes at most. */
#define PORTABLE_MAX_BYTES (SHADOW_MAX_BYTES + (UINT64_C(1) << 20))

/* Of the content of one file. */
struct portable_checksum {
	uint32_t file_index; /* into shadow.files, sorted by path */
	uint32_t crc32;      /* of the whole file, as in zlib */
};

struct portable {
	struct shadow shadow;
	struct portable_checksum *checksums; /* by file_index, no index twice */
	size_t n_checksums;
};

/* Frees what self owns, the shadow too. */
void portable_release(struct portable *self);

/* Adds the checksum of the file with that index, larger than those before. 0 or -ENOMEM. */
must_check int portable_add_checksum(struct portable *self, uint32_t file_index, uint32_t crc32);

/* NULL: there is none of that file. */
const struct portable_checksum *portable_find_checksum(const struct portable *self, uint32_t file_index);

/* Sorts the files, and returns the encoding, to be freed by the caller. Errors as shadow_encode(). */
must_check int portable_encode(struct portable *self, void **ret_data, size_t *ret_size);

/*
 * Fills ret_portable, which the caller releases. On failure it is untouched; errors as shadow_decode(). A
 * plain shadow file is taken as well: it has no checksums.
 */
must_check int portable_decode(const void *data, size_t size, struct portable *ret_portable);

#endif
