/*
 * predict.h - what a start without a record of its own is likely to use.
 *
 * Two sources. What the dynamic loader is sure to touch is in the ELF files themselves: the libraries that
 * the program needs, and those that they need (ld.so(8)), and of each its headers, symbols and what is
 * relocated. What is used beyond that of a library that other programs use as well, their records say: the
 * pages that at least half of them use. An index of these, a shadow under the name of no program, is made
 * anew after each training run. It also knows what these libraries need, and which files are used along with
 * them: of a program that uses them no other file has to be read before the prefetch begins.
 *
 * Reads files that no record names, and may wait for their disks: for a thread that nobody waits for.
 */
#ifndef PBRUN_PREDICT_H
#define PBRUN_PREDICT_H

#include "shadowdb.h"

/* At most so many shadows go into an index, and shadows of so many bytes in all. */
#define PREDICT_MAX_SHADOWS 200
#define PREDICT_MAX_BYTES (UINT64_C(16) << 20)
/* Fewer say nothing of others. */
#define PREDICT_MIN_SHADOWS 3
/* At most so many libraries are predicted, and so many names of libraries looked up: an index may claim more.
 */
#define PREDICT_MAX_LIBRARIES 400
#define PREDICT_MAX_NAMES 20000

/*
 * Of each library (a file with a build-id that was mapped) that the shadows of db name: the pages that at
 * least half of the programs use that use it at all, with the earliest of their times; and what it needs
 * (predict_links.h), as far as it is not known from before, an older index (NULL: none), by reading it. Its
 * stats.runs is the number of shadows. 0, -ENOMEM, -errno of reading the directory.
 */
must_check int predict_build_index(const struct shadowdb *db, const struct shadow *before,
				   struct shadow *ret_index);

/* What came of a prediction, in bytes. */
struct prediction_use {
	uint64_t predicted; /* that were read; 0: nothing is known */
	uint64_t wasted;    /* of these: not used */
};

/* Makes the index anew and, of PREDICT_MIN_SHADOWS or more, keeps it in db, with what is known of the last
 * prediction. 0 or -errno of shadowdb_update(). */
must_check int predict_update_index(struct shadowdb *db, const struct prediction_use *use);

/* Where to look. */
enum predict_source {
	PREDICT_FROM_INDEX, /* at the program's own file, and for everything else in the index: at once */
	PREDICT_FROM_FILES, /* at each library that the index does not know as well, one after the other */
};

/*
 * What the start of program, an ELF file, or a script whose interpreter is one, will use, but for the files
 * in done (NULL: none). index is what predict_build_index() made, sorted; NULL: there is none. 0: ret_shadow
 * is of that program, with no run counted; -ENOEXEC; -errno of open(2), read(2); -ENOMEM.
 */
must_check int predict_shadow(const char *program, const struct shadow *index, enum predict_source source,
			      const struct pageset *done, struct shadow *ret_shadow);

#endif
