/*
 * predict_companions.h - files that programs use along with a library: its data, fonts, caches, names that
 * are looked up (predict.h).
 *
 * Which library a file goes with, the records tell: the one that about the same programs use. The index for
 * first starts has for each such file an entry named LIBRARY//brings/FILE, with the version, access and pages
 * of FILE.
 */
#ifndef PBRUN_PREDICT_COMPANIONS_H
#define PBRUN_PREDICT_COMPANIONS_H

#include "predict.h"

/* A file as one program uses it. */
struct predict_use {
	const struct pageset_file *file;
	size_t program; /* below PREDICT_MAX_SHADOWS */
};

/* One file as several programs use it: with the pages that at least half of them use, added to index under
 * name. 0 or -ENOMEM. */
must_check int predict_add_common(struct shadow *index, const char *name, const struct predict_use *uses,
				  size_t n_uses);

/*
 * Adds such an entry to index for each file in uses, sorted by path and with the newest version first, that
 * two programs use or more, and that goes with a library of index: of all that use either, at least half use
 * both. Of libraries that are alike in this, the file goes with the one that needs most others. 0 or -ENOMEM.
 */
must_check int predict_note_companions(struct shadow *index, const struct predict_use *uses, size_t n_uses);
/* At most so many. */
#define PREDICT_MAX_COMPANIONS 4000

/* The path of the file in an entry of that name, and how long that of the library is, with which the name
 * begins. NULL: it is no such entry. */
const char *predict_companion(const char *name, size_t *ret_library_size);

#endif
