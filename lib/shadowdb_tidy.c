/* shadowdb_tidy.c - keeps the directory of shadows from growing without end. */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "notice.h"
#include "shadowdb_private.h"

/* Its time of modification is that of the last tidying. */
#define STAMP_NAME ".tidied"
/* Not the hash of any name: see shadowdb_lock(). */
#define TIDY_HASH UINT64_MAX
#define INTERVAL_S (24 * 3600)
#define DAY_S (24 * 3600)
/* Where there are no locks, a writer may still be at a temporary file that is younger. */
#define LEFTOVER_AGE_S 60

#define HEX4 "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"
#define HEX16 HEX4 HEX4 HEX4 HEX4
#define HASH_DIGITS 16

/* A file that stays, unless there is too much. */
struct kept {
	char *name;
	struct stat st;
	int64_t used_s; /* when a start last read it, as far as the filesystem tells, or it was last written
			 */
};

struct tidying {
	struct shadowdb *db;
	int64_t now_s;
	struct kept *kept;
	size_t n_kept;
	uint64_t n_bytes; /* of those */
};

static bool is_due(const struct shadowdb *db, int64_t now_s)
{
	struct stat st;

	if (db->changes == SHADOWDB_CREATED || fstatat(db->dir_fd, STAMP_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	return st.st_mtime > now_s || st.st_mtime <= now_s - INTERVAL_S;
}

static void stamp(int dir_fd)
{
	cleanup_close int fd =
		openat(dir_fd, STAMP_NAME,
		       O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd >= 0)
		(void)!futimens(fd, NULL);
}

static bool exists(const char *path)
{
	struct statx stx;

	/* No server is asked, as far as that can be had. */
	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &stx) == 0 ||
	       (errno != ENOENT && errno != ENOTDIR);
}

static bool is_empty_directory(const char *path)
{
	DIR *dir = opendir(path);
	size_t n_entries = 0;

	if (!dir)
		return false;
	while (n_entries <= 2 && readdir(dir))
		n_entries++;
	closedir(dir);
	return n_entries == 2;
}

/* Might a disk that is not mounted now have what is below path, which is not there? */
static bool may_come_back(const char *path)
{
	static const char *const places[] = { "/media/", "/run/media/", "/mnt/", "/net/" };
	char parent[PATH_MAX];
	char *slash;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	snprintf(parent, sizeof(parent), "%s", path);
	while ((slash = strrchr(parent, '/')) && slash != parent) {
		*slash = '\0';
		if (exists(parent))
			return is_empty_directory(parent); /* nothing is mounted on it */
	}
	return false;
}

/* The program of the shadow called name. False: its name does not say that it is one. */
static bool read_program(int dir_fd, const char *name, char ret_program[static PATH_MAX])
{
	uint8_t head[SHADOW_HEAD_BYTES];
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	char right_name[NAME_MAX + 1];
	cleanup_close int fd =
		openat(dir_fd, name, O_RDONLY | O_NOATIME | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	ssize_t size = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (size <= 0 || shadow_peek_names(head, (size_t)size, &shadow) < 0)
		return false;
	shadowdb_name(shadow.program, shadow.profile, right_name);
	snprintf(ret_program, PATH_MAX, "%s", shadow.program);
	return strcmp(name, right_name) == 0;
}

/* The digits before the suffix. */
static const char *hash_of(const char *name)
{
	return strrchr(name, '.') - HASH_DIGITS;
}

static bool is_gone(const struct tidying *tidying, const char *name)
{
	const struct shadowdb *db = tidying->db;
	cleanup_with(notice_release) struct notice notice = { 0 };
	char program[PATH_MAX] = "";

	if (strtoull(hash_of(name), NULL, 16) == db->written_hash)
		return false;
	if (notice_has_name(name) && notice_read_file(db, name, &notice) == 0)
		snprintf(program, sizeof(program), "%s", notice.program);
	else if (!read_program(db->dir_fd, name, program))
		return false;
	return !exists(program) && !may_come_back(program);
}

/* Removes a file that is still as st says and that nobody is about to replace. */
static void remove_file(const struct tidying *tidying, const char *name, const char *hash_digits,
			const struct stat *st)
{
	const int dir_fd = tidying->db->dir_fd;
	struct stat now;
	cleanup_close int lock_fd = shadowdb_lock(tidying->db, strtoull(hash_digits, NULL, 16), 0);

	if (lock_fd >= 0 && fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_ino == st->st_ino && now.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == st->st_mtim.tv_nsec)
		(void)!unlinkat(dir_fd, name, 0);
}

static int keep(struct tidying *tidying, const char *name, const struct stat *st, int64_t used_s)
{
	struct kept *kept =
		reallocarray(tidying->kept, tidying->n_kept + 1, sizeof(*kept)); /* few, and seldom */

	if (!kept)
		return -ENOMEM;
	tidying->kept = kept;
	kept[tidying->n_kept] = (struct kept){ .name = strdup(name), .st = *st, .used_s = used_s };
	if (!kept[tidying->n_kept].name)
		return -ENOMEM;
	tidying->n_kept++;
	tidying->n_bytes += (uint64_t)st->st_size;
	return 0;
}

static int visit_kept(struct tidying *tidying, const char *name, const struct stat *st)
{
	const uint64_t max_days = tidying->db->limits.max_days;
	const int64_t used_s = st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;
	const int64_t unused_s = tidying->now_s - used_s;

	if ((unused_s > 0 && (uint64_t)unused_s / DAY_S >= max_days) || is_gone(tidying, name)) {
		remove_file(tidying, name, hash_of(name), st);
		return 0;
	}
	return keep(tidying, name, st, used_s);
}

/* Of ".BASENAME-HASH.RANDOM.tmp", see replace_file(). */
static const char *hash_of_temporary(const char *name)
{
	return name + strlen(name) - strlen(".tmp") - HASH_DIGITS - strlen(".") - HASH_DIGITS;
}

/* A shadow, a notice, the index: all of which pbrun makes more, but for its locks. */
static bool is_kept(const char *name)
{
	return fnmatch("*-" HEX16 SHADOWDB_SUFFIX, name, FNM_PERIOD) == 0 || notice_has_name(name) ||
	       fnmatch(".all-" HEX16 SHADOWDB_INDEX_SUFFIX, name, 0) == 0;
}

static int visit(struct tidying *tidying, const char *name)
{
	bool is_temporary = fnmatch(".*-" HEX16 "." HEX16 ".tmp", name, 0) == 0;
	struct stat st;

	if (!is_temporary && !is_kept(name))
		return 0;
	if (fstatat(tidying->db->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (!is_temporary)
		return visit_kept(tidying, name, &st);
	if (st.st_mtime <= tidying->now_s - LEFTOVER_AGE_S)
		remove_file(tidying, name, hash_of_temporary(name), &st);
	return 0;
}

static int compare_use(const void *a, const void *b)
{
	const int64_t used_a = ((const struct kept *)a)->used_s;
	const int64_t used_b = ((const struct kept *)b)->used_s;

	return (used_a > used_b) - (used_a < used_b);
}

/* What was not used for the longest time goes first. */
static void remove_excess(struct tidying *tidying)
{
	if (tidying->n_kept > 0)
		qsort(tidying->kept, tidying->n_kept, sizeof(struct kept), compare_use);
	for (size_t i = 0; i < tidying->n_kept && tidying->n_bytes > tidying->db->limits.max_bytes; i++) {
		const struct kept *kept = &tidying->kept[i];

		remove_file(tidying, kept->name, hash_of(kept->name), &kept->st);
		tidying->n_bytes -= (uint64_t)kept->st.st_size;
	}
}

static int tidy(struct tidying *tidying)
{
	struct dirent **entries;
	int n_entries = scandirat(tidying->db->dir_fd, ".", &entries, NULL, NULL);
	int r = 0;

	if (n_entries < 0)
		return -errno;
	for (int i = 0; i < n_entries; i++) {
		if (r == 0)
			r = visit(tidying, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (r == 0)
		remove_excess(tidying);
	for (size_t i = 0; i < tidying->n_kept; i++)
		free(tidying->kept[i].name);
	free(tidying->kept);
	return r;
}

int shadowdb_tidy(struct shadowdb *self)
{
	struct tidying tidying = { .db = self, .now_s = time(NULL) };

	if (self->dir_fd < 0)
		return 0;
	if (self->changes != SHADOWDB_UNCHANGED && fsync(self->dir_fd) < 0)
		return -errno;
	if (!is_due(self, tidying.now_s))
		return 0;

	cleanup_close int lock_fd = shadowdb_lock(self, TIDY_HASH, 0);

	if (lock_fd < 0)
		return lock_fd == -ETIMEDOUT ? 0 : lock_fd; /* somebody else is at it */
	stamp(self->dir_fd);
	self->changes = SHADOWDB_UNCHANGED;
	return tidy(&tidying);
}
