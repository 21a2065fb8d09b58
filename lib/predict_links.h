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

/* One library of which the index knows that. What it points to is the index's. */
struct predict_link {
	const char *path; /* of so many bytes */
	size_t path_size;
	const char *base; /* the last component of that */
	size_t base_size;
	const char *names; /* that it needs, "libm.so.6:libc.so.6" or "" */
	const struct pageset_file *entry;
};

struct predict_links {
	struct predict_link *entries;
	size_t n;
};

/* Those of an index, which outlives self, at most so many. 0 or -ENOMEM. */
#define PREDICT_MAX_LINKS 5000
must_check int predict_links_init(struct predict_links *self, const struct shadow *index);
void predict_links_release(struct predict_links *self);

/* That of the library at path. NULL: the index does not know. */
const struct predict_link *predict_links_of(const struct predict_links *self, const char *path);

/* The library that is meant by the name of so many bytes in DT_NEEDED: "libm.so.6" is /usr/lib/libm.so.6, and
 * libz.so.1 is /usr/lib/libz.so.1.2.13. NULL: none. */
const struct predict_link *predict_links_find(const struct predict_links *self, const char *name,
					      size_t size);

#endif
