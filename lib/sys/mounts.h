/*
 * mounts.h - which mount a path lies on, told without a call that could wait for a file system: by
 * /proc/PID/mountinfo (proc_pid_mountinfo(5)) and the path's text alone.
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 */
#ifndef PBRUN_MOUNTS_H
#define PBRUN_MOUNTS_H

#include <stddef.h>
#include <sys/types.h>

#include "sys/cleanup.h"

/* No more lines are read, nor more bytes. */
#define MOUNTS_MAX 2000
#define MOUNTS_MAX_BYTES (1u << 20)

/* What is to be expected of calls on it. By the name of the file system's type. */
enum mount_kind {
	MOUNT_LOCAL,  /* answers when a disk does */
	MOUNT_MEMORY, /* tmpfs and the like: nothing of it can be cold */
	MOUNT_KERNEL, /* proc, sysfs ...: no files */
	MOUNT_TRAP,   /* autofs: to look something up there mounts it */
	MOUNT_FAR,    /* network, FUSE, and each type that is not known: may never answer */
};

struct mount {
	const char *point; /* an absolute path, decoded */
	size_t point_size;
	const char *root; /* of the file system's directories the one that is mounted, decoded; "/": all */
	const char *type;
	const char *source;  /* "/dev/sda1", or whatever the file system calls it */
	const char *options; /* of the file system, "rw,lowerdir=/a:/b"; as the kernel wrote them */
	dev_t device;
	enum mount_kind kind;
};

struct mounts {
	char *text;            /* private */
	struct mount *entries; /* those that a path can reach */
	size_t n_entries;
};

/* This process's mounts. 0, -E2BIG (more than is read), -EBADMSG, -ENOMEM, -errno of open(2) or read(2). */
must_check int mounts_read(struct mounts *ret_mounts);

/* Those of another process, as far as it can reach them from its root directory, under the names that they
 * have from there. */
must_check int mounts_read_of(pid_t pid, struct mounts *ret_mounts);

/* The same from text, which is copied. A line that makes no sense is left out. */
must_check int mounts_parse(const char *text, size_t size, struct mounts *ret_mounts);

void mounts_release(struct mounts *self);

/*
 * The mount on which the absolute path lies, if no symbolic link is in it; NULL: not known. Points into self.
 */
const struct mount *mounts_find(const struct mounts *self, const char *path);

/* Puts the bytes that are written as three octal digits ("\\040") back, in place. */
void mounts_decode(char *text);

enum mount_kind mounts_kind_of_type(const char *type);

#endif
