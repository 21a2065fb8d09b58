/*
 * view.h - the files of followed processes that have another root directory, or other mounts than we: under
 * which name they are to be had outside (sys/outside.h).
 *
 * Tables of mounts are read when they are first needed, and anew after views_forget().
 */
#ifndef PBRUN_VIEW_H
#define PBRUN_VIEW_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "sys/loop.h"
#include "sys/mounts.h"

/* Zeroed nothing is known. */
struct views {
	struct mounts ours;
	/* Of the process that was asked about last, and all that see the same. */
	struct mounts theirs;
	char *root;      /* their root directory, as their namespace has it; NULL: nothing is known */
	char *namespace; /* "mnt:[4026531841]" */
	struct stat root_st;
	/* The image that was looked for last, and whether it can be read; device 0: none was. */
	dev_t image_device;
	struct loop image;
	bool image_is_known;
};

void views_release(struct views *self);
/* The tables may not hold any more: something was mounted, somebody changed his root. */
void views_forget(struct views *self);

/* An absolute path as that process sees it, made one from the root of its mount namespace, in place
 * (PATH_MAX). False: too long, or it cannot be told. */
bool views_add_root(struct views *self, pid_t tid, char *path);

/* "/proc/TID/root/..." for a path from the root of its mount namespace, in ret_path (PATH_MAX). False: it is
 * not below its root directory, or too long. */
bool views_inside_path(struct views *self, pid_t tid, const char *path, char *ret_path);

/*
 * Where the file that path, from the root of its mount namespace, stands for is to be found outside: ret_path
 * (PATH_MAX), and what lstat(2) says of it there. theirs is what stat(2) said of it inside. False: nowhere.
 */
bool views_find(struct views *self, pid_t tid, const char *path, const struct stat *theirs, char *ret_path,
		struct stat *ret_st);

/* The same for a name that may be missing, but for its directory. */
bool views_find_name(struct views *self, pid_t tid, const char *path, char *ret_path);

/*
 * The name (sys/image.h) of a file that lies in an image that only they have mounted: ret_name (PATH_MAX).
 * theirs is what stat(2) said of it inside. False: it does not, or the image is of a kind that cannot be
 * read.
 */
bool views_find_in_image(struct views *self, pid_t tid, const char *path, const struct stat *theirs,
			 char *ret_name);

/* The mount that path lies on there, NULL: not known. Points into self. */
const struct mount *views_mount(struct views *self, pid_t tid, const char *path);

#endif
