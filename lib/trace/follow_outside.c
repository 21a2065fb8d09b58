/* follow_outside.c - under which name a file that a followed process uses is to be had by us. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "trace/follow_private.h"

static bool is_elsewhere(const struct process *process)
{
	return process->flags & PROCESS_IS_ELSEWHERE;
}

static bool is_usable(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

/* What cannot be cold is missed by nobody. */
static bool is_cold_place(const struct mount *mount)
{
	return !mount || mount->kind == MOUNT_LOCAL || mount->kind == MOUNT_FAR;
}

static void tell_out_of_reach(struct follow *self, const struct process *process, pid_t tid, const char *path)
{
	const struct mount *mount = views_mount(&self->state->views, tid, path);
	char text[256] = "a mount that is not known";

	if (!is_cold_place(mount))
		return;
	if (mount)
		snprintf(text, sizeof(text), "%s %s on %s", mount->type, mount->source, mount->point);
	follow_emit(self, process,
		    (struct event){ .kind = EVENT_OUT_OF_REACH, .tid = tid, .path = path, .mount = text });
}

/* theirs is what the file is inside. */
static bool find_outside(struct follow *self, const struct process *process, pid_t tid, char *path,
			 const struct stat *theirs, struct stat *ret_st)
{
	char found[PATH_MAX];

	if (!is_usable(theirs) || theirs->st_nlink == 0 ||
	    !is_cold_place(views_mount(&self->state->views, tid, path)))
		return false;
	if (views_find(&self->state->views, tid, path, theirs, found, ret_st)) {
		memccpy(path, found, '\0', PATH_MAX);
		return follow_is_of_interest(self, path);
	}
	if (!S_ISREG(theirs->st_mode))
		return false;
	if (!views_find_in_image(&self->state->views, tid, path, theirs, found)) {
		tell_out_of_reach(self, process, tid, path);
		return false;
	}
	*ret_st = *theirs;
	memccpy(path, found, '\0', PATH_MAX);
	return follow_is_of_interest(self, path);
}

bool follow_find_file(struct follow *self, const struct process *process, pid_t tid, const char *what,
		      char *path, struct stat *ret_st)
{
	char inside[PATH_MAX];
	struct stat st;

	if (!is_elsewhere(process)) {
		if (!follow_is_of_interest(self, path) || stat(path, &st) < 0 || !is_usable(&st) ||
		    !procfs_is_same(tid, what, path))
			return false;
		*ret_st = st;
		return true;
	}
	snprintf(inside, sizeof(inside), "/proc/%d/%s", tid, what);
	return stat(inside, &st) == 0 && find_outside(self, process, tid, path, &st, ret_st);
}

bool follow_find_mapped(struct follow *self, const struct process *process, pid_t tid,
			const struct procmaps_entry *entry, char *path, struct stat *ret_st)
{
	char inside[PATH_MAX];
	struct stat st;

	if (!is_elsewhere(process))
		return follow_is_of_interest(self, path) && procmaps_is_file(entry, path, ret_st);
	return views_inside_path(&self->state->views, tid, path, inside) &&
	       procmaps_is_file(entry, inside, &st) && find_outside(self, process, tid, path, &st, ret_st);
}

bool follow_find_name(struct follow *self, const struct process *process, pid_t tid, enum procpath_base base,
		      char *path)
{
	struct views *views = &self->state->views;
	char found[PATH_MAX];

	if (is_elsewhere(process)) {
		if (base == PROCPATH_FROM_ROOT && !views_add_root(views, tid, path))
			return false;
		if (!is_cold_place(views_mount(views, tid, path)) ||
		    !views_find_name(views, tid, path, found))
			return false;
		memccpy(path, found, '\0', PATH_MAX);
	}
	return follow_is_of_interest(self, path);
}
