/*
 * shadow.h - what is remembered of one program, and its form on disk (docs/shadow-format.md).
 *
 * The bytes may come from anywhere: shadow_decode() trusts none of them.
 */
#ifndef PBRUN_SHADOW_H
#define PBRUN_SHADOW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "pageset.h"
#include "shadow/history.h"
#include "sys/exclusions.h"

#define SHADOW_FORMAT 1
/* What a decoder takes at most. */
#define SHADOW_MAX_BYTES (UINT64_C(64) << 20)
#define SHADOW_MAX_FILES 100000u
#define SHADOW_MAX_EXTENTS 4000000u

enum shadow_flags {
	SHADOW_NEEDS_TRAINING = 1 << 0,   /* drift was seen, or a file changed: train at the next start */
	SHADOW_DO_NOT_TRACE = 1 << 1,     /* the program starts privileged programs or debuggers: attach
					     only to train, with syscall stops */
	SHADOW_TELLS_OPERANDS = 1 << 2,   /* files that only some starts name are marked; older records hold
					     them as the program's */
	SHADOW_TRAINING_WAS_CUT = 1 << 3, /* the last training did not see all: it would have cost too much */
	SHADOW_TRAINING_GOES_ON = 1 << 4, /* only children of the program were left out: the next training
					     passes over those that are known */
	SHADOW_KNOWN_FLAGS = 31,
};

/* Unknown counters of a newer minor revision are kept out; all saturate. */
struct shadow_stats {
	uint32_t runs;         /* recorded runs that were merged into this shadow */
	uint32_t trained_runs; /* of these, in mode train */
	uint32_t stable_runs;  /* recorded runs in a row that brought nothing new */
	int64_t updated_s;     /* time of the last merge, seconds since the epoch */
	/* The last launch that prefetched and was watched, in bytes. */
	uint64_t prefetched_bytes;
	uint64_t wasted_bytes; /* prefetched and then not used */
	uint64_t missed_bytes; /* read from the device by the program itself */
};

/* Which file a shadow was decoded from, for shadowdb.h; all 0: none. */
struct shadow_source {
	dev_t device;
	ino_t inode;
	off_t size_bytes;
	struct timespec mtime;
	uint32_t checksum;
};

struct shadow {
	char *program; /* canonical path */
	char *profile; /* "" if none */
	uint32_t page_size;
	uint32_t flags; /* SHADOW_ bits; others are dropped at decoding */
	struct shadow_stats stats;
	struct history history;
	struct pageset files;
	bool is_partial; /* files without pages are missing: shadow_decode_partial() */
	struct shadow_source source;
};

/* program and profile are copied. 0 or -ENOMEM. page_size is this machine's. */
must_check int shadow_init(struct shadow *self, const char *program, const char *profile);
void shadow_release(struct shadow *self);

/*
 * Are the files that are marked as unanswered to be left out of a prefetch at now_s (seconds since the
 * epoch)? Until SHADOW_UNANSWERED_S after the shadow was last changed. A run that uses such a file unmarks
 * it.
 */
#define SHADOW_UNANSWERED_S 600
bool shadow_leaves_out_unanswered(const struct shadow *self, int64_t now_s);

/* Removes the files that are excluded (NULL: none). */
void shadow_drop_excluded(struct shadow *self, const struct exclusions *excluded);

/* True if every file with pages is exact. */
bool shadow_is_exact(const struct shadow *self);

/* Sorts the files, and returns the encoding, to be freed by the caller. 0, -ENOMEM, -EOVERFLOW
 * (more than a decoder would take), -EINVAL (a path that is not absolute or too long; a partial decode). */
must_check int shadow_encode(struct shadow *self, void **ret_data, size_t *ret_size);

/*
 * Fills ret_shadow, which the caller releases. On failure ret_shadow is untouched: -EBADMSG corrupt or
 * truncated, -EPROTONOSUPPORT a newer format, -ESTALE made for another page size, -ENOMEM.
 */
must_check int shadow_decode(const void *data, size_t size, struct shadow *ret_shadow);

/*
 * A partial decode, to see whether all of it is in memory: of the files without pages only some are kept,
 * evenly spread. A program may look up 20,000 names, which would take 3 ms to keep. Not to be encoded.
 */
#define SHADOW_PARTIAL_NAMES 64
must_check int shadow_decode_partial(const void *data, size_t size, struct shadow *ret_shadow);

/* Only the head: program, profile, flags, statistics; no files. For listings. Same errors, as far as
 * head and checksum tell; the numbers of files and pages are what the head says. */
must_check int shadow_decode_head(const void *data, size_t size, struct shadow *ret_shadow,
				  uint64_t *ret_n_files, uint64_t *ret_n_pages);

/*
 * Only the names, program and profile, from the first bytes of a shadow, SHADOW_HEAD_BYTES of them at most:
 * the checksum, which is at its end, is not looked at, so believe them no further than what else confirms
 * them. Same errors.
 */
#define SHADOW_HEAD_BYTES 16384
must_check int shadow_peek_names(const void *data, size_t size, struct shadow *ret_shadow);

#endif
