/* fuzz_mounts.c - any bytes as /proc/self/mountinfo, and paths looked up in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sys/mounts.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A path that was found on a mount is below its mount point. */
static void find(const struct mounts *mounts, const char *path)
{
	const struct mount *mount = mounts_find(mounts, path);

	if (!mount)
		return;
	MUST(mount >= mounts->entries && mount < mounts->entries + mounts->n_entries);
	MUST(mount->point[0] == '/' && strlen(mount->point) >= mount->point_size);
	MUST(strncmp(path, mount->point, mount->point_size) == 0);
	MUST(mounts_kind_of_type(mount->type) == mount->kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mounts mounts = { .n_entries = 0 };
	/* A copy of just this size. */
	char *text = malloc(size > 0 ? size : 1);

	MUST(text);
	memcpy(text, data, size);
	int r = mounts_parse(text, size, &mounts);

	free(text);
	MUST(r == 0 || r == -E2BIG || r == -EBADMSG || r == -ENOMEM);
	if (r < 0)
		return 0;
	MUST(mounts.n_entries <= MOUNTS_MAX && mounts.n_entries <= size);
	find(&mounts, "/");
	find(&mounts, "/mnt/a b/c");
	find(&mounts, "/usr/lib/x.so");
	for (size_t i = 0; i < mounts.n_entries; i++)
		find(&mounts, mounts.entries[i].point);
	mounts_release(&mounts);
	return 0;
}
