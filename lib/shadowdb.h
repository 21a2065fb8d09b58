/*
 * shadowdb.h - the directory of shadow files: find, read, replace, list, forget.
 *
 * One file per program and profile, named BASENAME-HASH.shadow, HASH over path and profile. A file is
 * replaced by writing a temporary one in the same directory, fsync(2), rename(2), under a lock that
 * belongs to its name (an open file description lock, fcntl(2), on one byte of the file ".lock"), so
 * that after a power cut, a full disk or a kill the old or the new one is there, whole. All access is
 * relative to the directory's descriptor; no symbolic link is followed in it.
 *
 * Whom to trust is in trust.h: a directory and the files in it are this user's or root's, and nobody else
 * can write to them. A user's directory is made with mode 0700; the system's with 0755, and its files with
 * 0644, whatever the umask is. All other files have mode 0600, in whatever directory. What is written to the
 * system's directory names nothing that not every user may read.
 */
#ifndef PBRUN_SHADOWDB_H
#define PBRUN_SHADOWDB_H

#include <limits.h>

#include "shadow/shadow.h"

#define SHADOWDB_SYSTEM_DIR "/var/cache/pbrun"
/* Where packages ship shadows of their programs: the last choice, for reading. */
#define SHADOWDB_PACKAGED_DIR "/usr/share/pbrun"
/* Under the name of no program, in a hidden file, which is not listed: what predict.h has learnt from all
 * shadows. */
#define SHADOWDB_INDEX "/"

/* The directories where shadows are, in the order in which they are asked. */
enum shadowdb_choice {
	SHADOWDB_OWN,
	SHADOWDB_SYSTEM,
	SHADOWDB_PACKAGED,
	SHADOWDB_N_CHOICES,
};

/* Of all shadows of a directory, for shadowdb_tidy(); UINT64_MAX: none. */
struct shadowdb_limits {
	uint64_t max_bytes; /* together */
	uint64_t max_days;  /* without use */
};

enum shadowdb_changes {
	SHADOWDB_UNCHANGED, /* since it was opened */
	SHADOWDB_REPLACED,
	SHADOWDB_CREATED, /* a shadow that was not there before */
};

struct shadowdb {
	char *path; /* of the directory that is written to; NULL: none */
	int dir_fd; /* -1: there is none (yet) */
	/* The second and the third choice, for reading, opened only when the one before has nothing; NULL:
	 * none. */
	char *system_path;
	const char *packaged_path; /* to be set after shadowdb_open() */
	enum shadowdb_changes changes;
	uint64_t written_hash; /* private: of what was written last */
	/* To be set after shadowdb_open(). */
	const struct exclusions *excluded; /* files that are left out, read or written; NULL: none */
	struct shadowdb_limits limits;
};

/*
 * Opens the directory path, with system (if not NULL) as second choice. A directory that does not exist is
 * no error until something is written. path NULL: only the system's. 0, -ENOMEM, or -errno of
 * trust_open_directory(), say -ENOTDIR, -EACCES, -EPERM; self can be used for reading the second choice even
 * then, and is released by the caller in any case.
 *
 * A path that is refused (trust_explain() knows the error) is neither read nor written, and self->path is
 * NULL. Where it is another user's (-EPERM, -ELOOP), say that of the user whose HOME root has kept, root
 * writes to the system's directory, and self->path is that.
 */
must_check int shadowdb_open(struct shadowdb *self, const char *path, const char *system);
void shadowdb_release(struct shadowdb *self);

/* Creates the directory (and its parents) if it is missing, and says whether a shadow of about size_bytes can
 * be written there: 0, or -errno (-ENOSPC, -EROFS, -EACCES, -ENOENT when there is no path ...). */
must_check int shadowdb_prepare(struct shadowdb *self, uint64_t size_bytes);

/* The file's name for program and profile, without a directory. */
void shadowdb_name(const char *program, const char *profile, char ret_name[static NAME_MAX + 1]);

/*
 * Reads the shadow of program and profile: from the directory, and if it has none that can be used,
 * from the system's, and from the packages'. 0; -ENOENT there is none; -EBADMSG, -EPROTONOSUPPORT, -ESTALE as
 * shadow_decode() (also: it names another program: -EBADMSG); -EFBIG longer than SHADOW_MAX_BYTES; as
 * trust_check_file() if it or its directory is not trusted, -ELOOP a link; else -errno of open(2), read(2).
 * On failure of one choice with success of a later one, returns 0. ret_path, if not NULL, gets the path of
 * what was read or was at fault, to be freed; NULL with -ENOENT and -ENOMEM.
 */
must_check int shadowdb_load(const struct shadowdb *self, const char *program, const char *profile,
			     struct shadow *ret_shadow, char **ret_path);

/* The same by shadow_decode_partial(). */
must_check int shadowdb_load_partial(const struct shadowdb *self, const char *program, const char *profile,
				     struct shadow *ret_shadow, char **ret_path);

/* Does the error mean that the shadow itself cannot be used, by nobody and never, so that the next recording
 * replaces it? Else it may be read at another time: no descriptor was left, say, or the disk failed. */
bool shadowdb_is_unusable(int error);

/* What is wrong with a shadow or its directory: "it is damaged", "Permission denied". */
const char *shadowdb_explain(int error);

/*
 * Reads, changes and replaces a shadow under its lock. change() gets what is on disk now (a fresh,
 * empty shadow if there is none, or one that shadowdb_is_unusable(); what shadowdb_load() finds elsewhere
 * counts as there) and returns 0 to have it written, 1 to leave it, -errno to give up. Waits at most
 * timeout_ms for the lock: -ETIMEDOUT. Returns what change() returned, or -errno (-EACCES also: a program
 * that not every user may read, in the system's directory); on failure the old file is as it was.
 *
 * loaded, if not NULL, is what shadowdb_load() gave before, or zeroed. If the file is still the same, loaded
 * is what change() gets, and is zeroed afterwards: that saves reading and decoding it once more. Not so if it
 * is partial. What was not loaded from a file (embed.h) is what change() gets where there is none.
 */
must_check int shadowdb_update(struct shadowdb *self, const char *program, const char *profile,
			       unsigned int timeout_ms, struct shadow *loaded,
			       int (*change)(struct shadow *shadow, void *context), void *context);

/*
 * Looks after the directory when nobody waits: syncs it (fsync(2)) if anything was written, and once a day,
 * or when a shadow is new, removes those of programs that are not installed any more, those that go beyond
 * the limits, the ones unused for the longest time first, and temporary files without a writer. Notices
 * (notice.h) and the index (predict.h) go in the same way. A program
 * that may be on a disk which is not mounted now counts as installed, and so does that of the shadow written
 * last. 0 or -errno.
 */
must_check int shadowdb_tidy(struct shadowdb *self);

/*
 * Says that a shadow is about to be written, by somebody for whom nobody waits, until the descriptor that is
 * returned is closed. Waits for no other writer. -errno: it could not be said.
 */
must_check int shadowdb_announce(struct shadowdb *self);

/* Before a look: waits until what was announced in the directory is written, bounded. */
void shadowdb_await_announced(const struct shadowdb *self);

/* Removes what only writers need, from a directory to which nobody else writes. */
void shadowdb_remove_lock_file(const struct shadowdb *self);

/* One entry of a listing. error is 0, or what shadow_decode_head() or reading said (-EBADMSG also: it
 * has not the name that shadowdb_name() gives); then only file_name and directory hold. */
struct shadowdb_entry {
	const char *file_name;
	const char *directory;
	int error;
	const struct shadow *head;
	uint64_t n_files;
	uint64_t n_pages;
	uint64_t size_bytes;
};

/* Calls visit() for each shadow of the directory, then of the system's and of the packages' (those that none
 * before has), in the order of their names; stops if it returns non-zero, and returns that. 0, -errno. */
must_check int shadowdb_list(const struct shadowdb *self,
			     int (*visit)(const struct shadowdb_entry *, void *context), void *context);

/* Removes the shadow of program and profile (profile NULL: of every profile) from the directory.
 * Returns the number removed, or -errno. A shadow that cannot be read is found by its name: with
 * profile NULL, that of profile "" only. */
must_check int shadowdb_forget(struct shadowdb *self, const char *program, const char *profile);

#endif
