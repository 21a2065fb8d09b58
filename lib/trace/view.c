/* view.c - asks /proc how a followed process sees files, and finds them in our own mounts. */
#include "trace/view.h"

#include <string.h>

#include "sys/image.h"
#include "sys/outside.h"
#include "sys/procfs.h"

void views_forget(struct views *self)
{
	mounts_release(&self->ours);
	mounts_release(&self->theirs);
	free(take_pointer(self->root));
	free(take_pointer(self->namespace));
	self->image_device = 0;
}

void views_release(struct views *self)
{
	views_forget(self);
}

static bool look_at_root(pid_t tid, struct stat *ret_st)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", tid);
	return stat(path, ret_st) == 0;
}

/* Knows how the process sees files from now on. */
static bool know(struct views *self, pid_t tid)
{
	char namespace[PATH_MAX];
	char root[PATH_MAX];
	struct stat st;

	if (procfs_read_link(tid, "ns/mnt", namespace) < 0 || procfs_read_link(tid, "root", root) < 0 ||
	    root[0] != '/' || !look_at_root(tid, &st))
		return false;
	if (self->root && strcmp(self->namespace, namespace) == 0 && strcmp(self->root, root) == 0 &&
	    self->root_st.st_dev == st.st_dev && self->root_st.st_ino == st.st_ino)
		return true;
	views_forget(self);
	self->root_st = st;
	self->namespace = strdup(namespace);
	self->root = strdup(root);
	if (self->namespace && self->root && mounts_read(&self->ours) == 0 &&
	    mounts_read_of(tid, &self->theirs) == 0)
		return true;
	views_forget(self);
	return false;
}

bool views_add_root(struct views *self, pid_t tid, char *path)
{
	char rest[PATH_MAX];

	if (!know(self, tid))
		return false;
	if (strcmp(self->root, "/") == 0)
		return true;
	memccpy(rest, path, '\0', sizeof(rest));
	int n = snprintf(path, PATH_MAX, "%s%s", self->root, strcmp(rest, "/") == 0 ? "" : rest);

	return n >= 0 && n < PATH_MAX;
}

static bool inside_path(const struct views *self, pid_t tid, const char *path, char *ret_path)
{
	const char *rest = outside_below_root(path, self->root);
	int n = rest ? snprintf(ret_path, PATH_MAX, "/proc/%d/root%s", tid, rest) : -1;

	return n >= 0 && n < PATH_MAX;
}

bool views_inside_path(struct views *self, pid_t tid, const char *path, char *ret_path)
{
	return know(self, tid) && inside_path(self, tid, path, ret_path);
}

struct wanted {
	const struct stat *theirs;
	struct stat found;
};

static bool has_same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool is_wanted(const char *path, enum outside_way way, void *context)
{
	struct wanted *wanted = context;
	const struct stat *theirs = wanted->theirs;

	if (lstat(path, &wanted->found) < 0 || (wanted->found.st_mode & S_IFMT) != (theirs->st_mode & S_IFMT))
		return false;
	if (way == OUTSIDE_SAME)
		return wanted->found.st_dev == theirs->st_dev && wanted->found.st_ino == theirs->st_ino;
	return S_ISDIR(theirs->st_mode) || has_same_content(&wanted->found, theirs);
}

bool views_find(struct views *self, pid_t tid, const char *path, const struct stat *theirs, char *ret_path,
		struct stat *ret_st)
{
	struct wanted wanted = { .theirs = theirs };

	if (!know(self, tid))
		return false;
	const struct outside_search search = { .theirs = &self->theirs,
					       .their_root = self->root,
					       .ours = &self->ours,
					       .is_it = is_wanted,
					       .context = &wanted };

	if (!outside_find(&search, path, ret_path))
		return false;
	*ret_st = wanted.found;
	return true;
}

bool views_find_name(struct views *self, pid_t tid, const char *path, char *ret_path)
{
	const char *name = strrchr(path, '/');
	char directory[PATH_MAX];
	char inside[PATH_MAX];
	struct stat theirs;
	struct stat st;

	if (!name || !name[1])
		return false;
	snprintf(directory, sizeof(directory), "%.*s", name == path ? 1 : (int)(name - path), path);
	if (!views_inside_path(self, tid, path, inside))
		return false;
	if (lstat(inside, &theirs) == 0)
		return views_find(self, tid, path, &theirs, ret_path, &st);
	if (!inside_path(self, tid, directory, inside) || stat(inside, &theirs) < 0 ||
	    !views_find(self, tid, directory, &theirs, ret_path, &st))
		return false;
	size_t size = strcmp(ret_path, "/") == 0 ? 0 : strlen(ret_path);

	return (size_t)snprintf(ret_path + size, PATH_MAX - size, "%s", name) < PATH_MAX - size &&
	       lstat(ret_path, &st) < 0 && errno == ENOENT;
}

static bool can_be_read(const struct loop *loop)
{
	struct image image;

	if (image_open(&image, loop->path, loop->offset_bytes) < 0)
		return false;
	image_close(&image);
	return true;
}

bool views_find_in_image(struct views *self, pid_t tid, const char *path, const struct stat *theirs,
			 char *ret_name)
{
	const struct mount *mount = views_mount(self, tid, path);

	if (!mount || strcmp(mount->type, "squashfs") != 0)
		return false;
	if (self->image_device != mount->device) {
		self->image_device = mount->device;
		self->image_is_known =
			loop_find(mount->device, &self->image) == 0 && can_be_read(&self->image);
	}
	return self->image_is_known && image_name(&self->image, theirs->st_ino, ret_name);
}

const struct mount *views_mount(struct views *self, pid_t tid, const char *path)
{
	const char *rest = know(self, tid) ? outside_below_root(path, self->root) : NULL;

	return rest ? mounts_find(&self->theirs, rest) : NULL;
}
