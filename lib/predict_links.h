/*
 * predict_links.h - which library needs which, as the index for first starts remembers it (predict.h).
 *
 * To follow DT_NEEDED from file to file takes some reads for each, one after the other, as the dynamic loader
 * does it: whoever does the same is never ahead of it. So the index has for each library a second entry,
 * without pages, named PATH//needs//NAME:NAME..., and of the same version.
 */
#ifndef PBRUN_PREDICT_LINKS_H
#define PBRUN_PREDICT_LINKS_H

#include "shadow/shadow.h"

/*
 * Adds such an entry for each library of index: that of before, an older index, if it is of the same version,
 * else by reading the library, if it is still what the index says. 0 or -ENOMEM; what cannot be read, or
 * needs more than a name can hold, gets no entry.
 */
must_check int predict_note_links(struct shadow *index, const struct shadow *before);

/* The names that the library at path needs, "libm.so.6:libc.so.6" or "". NULL: the index does not know. */
const char *predict_links_of(const struct shadow *index, const char *path);

/* The library that is meant by the name in DT_NEEDED: "libm.so.6" is /usr/lib/libm.so.6, and libz.so.1 is
 * /usr/lib/libz.so.1.2.13. NULL: the index knows none of which it knows also what it needs. */
const struct pageset_file *predict_find_library(const struct shadow *index, const char *name, size_t size);

#endif
