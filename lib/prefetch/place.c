/* place.c - how a file is to be prefetched, if at all, by its path and the table of mounts */
#include "prefetch/place.h"

#include <string.h>

#include "sys/huge.h"

bool place_is_kernel(const char *path)
{
	static const char *const directories[] = { "/proc", "/sys", "/dev" };

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		size_t size = strlen(directories[i]);

		if (strncmp(path, directories[i], size) == 0 && (path[size] == '/' || path[size] == '\0'))
			return true;
	}
	return false;
}

void places_init(struct places *self, const char *program)
{
	self->mounts = (struct mounts){ 0 };
	memset(self->is_known, 0, sizeof(self->is_known));
	self->own = mounts_read(&self->mounts) == 0 ? mounts_find(&self->mounts, program) : NULL;
}

void places_release(struct places *self)
{
	mounts_release(&self->mounts);
}

static enum storage storage_of(struct places *self, const struct mount *mount)
{
	size_t i = (size_t)(mount - self->mounts.entries);

	if (!self->is_known[i]) {
		self->storages[i] = storage_of_mount(mount);
		self->is_known[i] = true;
	}
	return self->storages[i];
}

struct place place_of(struct places *self, const char *path)
{
	const struct mount *mount = self ? mounts_find(&self->mounts, path) : NULL;
	struct place place = { .reach = PLACE_NEAR, .storage = STORAGE_SOLID_STATE };

	if (mount)
		place.mount = (uint32_t)(mount - self->mounts.entries) + 1;
	if (place_is_kernel(path))
		place.reach = PLACE_LEFT_OUT;
	else if (mount)
		switch (mount->kind) {
		case MOUNT_KERNEL:
		case MOUNT_TRAP:
			place.reach = PLACE_LEFT_OUT;
			break;
		case MOUNT_MEMORY:
			place.reach = PLACE_MEMORY;
			break;
		case MOUNT_FAR:
			place.reach = mount == self->own ? PLACE_NEAR : PLACE_FAR;
			place.storage = STORAGE_SLOW;
			break;
		case MOUNT_LOCAL:
			place.storage = storage_of(self, mount);
			place.folios = huge_is_known(mount->type) ? PLACE_LARGE_FOLIOS : PLACE_SMALL_FOLIOS;
			break;
		}
	return place;
}
