/* fuzz_outside.c - two tables of mounts, and names that are looked for from one in the other: one text, cut
 * at the first empty line. */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sys/outside.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count(const char *path, enum outside_way way, void *context)
{
	unsigned int *n_left = context;

	MUST(strlen(path) < PATH_MAX && (way == OUTSIDE_SAME || way == OUTSIDE_LAYER));
	return (*n_left)-- == 0;
}

static void find(const struct mounts *theirs, const struct mounts *ours, const char *root, const char *path)
{
	char found[PATH_MAX] = "";

	for (unsigned int n = 0; n < 40; n += 13) {
		unsigned int n_left = n;
		const struct outside_search search = { theirs, root, ours, count, &n_left };

		MUST(!outside_find(&search, path, found) || strlen(found) < PATH_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mounts theirs = { .n_entries = 0 };
	struct mounts ours = { .n_entries = 0 };
	const uint8_t *cut = size > 0 ? memmem(data, size, "\n\n", 2) : NULL;
	size_t first = cut ? (size_t)(cut - data) : size;

	if (size > 16384)
		return 0;
	if (mounts_parse((const char *)data, first, &theirs) == 0 &&
	    mounts_parse((const char *)data + first, size - first, &ours) == 0) {
		find(&theirs, &ours, "/", "/usr/lib/x.so");
		find(&theirs, &ours, "/jail", "/jail/a/b");
		for (size_t i = 0; i < theirs.n_entries && i < 20; i++)
			find(&theirs, &ours, "/", theirs.entries[i].point);
	}
	mounts_release(&theirs);
	mounts_release(&ours);
	return 0;
}
