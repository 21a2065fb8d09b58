/* shadowdb_write.c - replaces and forgets shadows. */
#include "shadowdb.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "shadowdb_private.h"
#include "sys/io.h"
#include "sys/trust.h"

#define OWN_MODE 0600
#define PUBLIC_MODE 0644
#define FORGET_TIMEOUT_MS 1000

int shadowdb_need_directory(struct shadowdb *self)
{
	if (self->dir_fd >= 0)
		return 0;
	if (!self->path)
		return -ENOENT;

	int fd = trust_open_directory(self->path, shadowdb_is_public(self) ? 0755 : 0700);

	if (fd < 0)
		return fd;
	self->dir_fd = fd;
	return 0;
}

int shadowdb_prepare(struct shadowdb *self, uint64_t size_bytes)
{
	struct statvfs fs;
	int r = shadowdb_need_directory(self);

	if (r < 0)
		return r;
	if (faccessat(self->dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0 || fstatvfs(self->dir_fd, &fs) < 0)
		return -errno;

	const uint64_t n_free = geteuid() == 0 ? fs.f_bfree : fs.f_bavail; /* root may use the reserve */

	/* Some filesystems do not say (fuse: no blocks at all). */
	if (fs.f_blocks > 0 && fs.f_frsize > 0 && n_free < size_bytes / fs.f_frsize + 1)
		return -ENOSPC;
	return 0;
}

/* Makes a new file. If this fails, name may be there, unfinished. */
static int create_file(const struct shadowdb *self, const char *name, mode_t mode, const void *data,
		       size_t size)
{
	cleanup_close int fd =
		openat(self->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OWN_MODE);

	if (fd < 0)
		return -errno;
	/* Some filesystems know no modes. */
	(void)!fchmod(fd, mode);
	int r = io_write_all(fd, data, size);

	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

static int replace_file(const struct shadowdb *self, const char *name, mode_t mode, const void *data,
			size_t size)
{
	const int dir_fd = self->dir_fd;
	const int stem_size = (int)(strrchr(name, '.') - name);
	char temporary[NAME_MAX + 1];
	uint64_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint64_t)getpid();
	snprintf(temporary, sizeof(temporary), ".%.*s.%016" PRIx64 ".tmp", stem_size, name, random);

	int r = create_file(self, temporary, mode, data, size);

	if (r == -EEXIST)
		return r; /* another writer's */
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dir_fd, temporary, 0);
		return r;
	}
	/* Until the directory is synced a power cut may bring back the old one, whole. That takes
	 * milliseconds for which the program need not wait: shadowdb_tidy(). */
	return 0;
}

/* What is to be changed: loaded, if it is what is on disk. What cannot be read this time only is not to be
 * lost. */
static int take_current(const struct shadowdb *self, const char *program, const char *profile,
			struct shadow *loaded, struct shadow *ret_shadow)
{
	if (loaded && !loaded->is_partial && shadowdb_is_current(self, loaded)) {
		*ret_shadow = *loaded;
		*loaded = (struct shadow){ 0 };
		return 0;
	}
	int r = shadowdb_load(self, program, profile, ret_shadow, NULL);

	if (r == -ENOENT && loaded && loaded->program && loaded->source.inode == 0) {
		*ret_shadow = *loaded;
		*loaded = (struct shadow){ 0 };
		return 0;
	}
	return r == -ENOENT || shadowdb_is_unusable(r) ? shadow_init(ret_shadow, program, profile) : r;
}

int shadowdb_update(struct shadowdb *self, const char *program, const char *profile, unsigned int timeout_ms,
		    struct shadow *loaded, int (*change)(struct shadow *shadow, void *context), void *context)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free void *data = NULL;
	char name[NAME_MAX + 1];
	size_t size;
	int r = shadowdb_need_directory(self);

	if (r < 0)
		return r;

	cleanup_close int lock_fd = shadowdb_lock(self, shadowdb_hash(program, profile), timeout_ms);

	if (lock_fd < 0)
		return lock_fd;
	r = take_current(self, program, profile, loaded, &shadow);
	if (r < 0)
		return r;
	r = change(&shadow, context);
	if (r != 0)
		return r;
	shadow_drop_excluded(&shadow, self->excluded);
	/* Asked once: what others may read is what was made fit for it. */
	mode_t mode = shadowdb_is_public(self) ? PUBLIC_MODE : OWN_MODE;

	r = mode == PUBLIC_MODE ? shadowdb_make_public(&shadow) : 0;
	if (r < 0)
		return r;
	r = shadow_encode(&shadow, &data, &size);
	if (r < 0)
		return r;
	shadowdb_name(program, profile, name);

	bool is_new = faccessat(self->dir_fd, name, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0;

	r = replace_file(self, name, mode, data, size);
	if (r < 0)
		return r;
	self->written_hash = shadowdb_hash(program, profile);
	if (self->changes != SHADOWDB_CREATED)
		self->changes = is_new ? SHADOWDB_CREATED : SHADOWDB_REPLACED;
	return r;
}

struct forgetting {
	struct shadowdb *db;
	const char *program;
	int n_removed;
};

static int forget_one(struct forgetting *forgetting, const char *profile)
{
	const int dir_fd = forgetting->db->dir_fd;
	char name[NAME_MAX + 1];

	shadowdb_name(forgetting->program, profile, name);
	if (faccessat(dir_fd, name, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0; /* which a directory that cannot be written to may say as well */

	/* A run that is about to replace it would bring it back. */
	cleanup_close int lock_fd =
		shadowdb_lock(forgetting->db, shadowdb_hash(forgetting->program, profile), FORGET_TIMEOUT_MS);

	if (lock_fd < 0)
		return lock_fd;
	if (unlinkat(dir_fd, name, 0) == 0)
		forgetting->n_removed++;
	else if (errno != ENOENT)
		return -errno;
	return 0;
}

static int forget_if_of_program(const char *name, void *context)
{
	struct forgetting *forgetting = context;
	cleanup_with(shadow_release) struct shadow head = { 0 };
	struct shadowdb_entry entry;

	if (shadowdb_read_head(forgetting->db->dir_fd, name, &head, &entry) < 0 ||
	    strcmp(head.program, forgetting->program) != 0)
		return 0;
	return forget_one(forgetting, head.profile);
}

int shadowdb_forget(struct shadowdb *self, const char *program, const char *profile)
{
	struct forgetting forgetting = { .db = self, .program = program };
	int r = 0;

	if (self->dir_fd < 0)
		return 0;
	if (!profile)
		r = shadowdb_scan(self->dir_fd, forget_if_of_program, &forgetting);
	if (r == 0)
		r = forget_one(&forgetting, profile ? profile : "");
	return r < 0 ? r : forgetting.n_removed;
}
