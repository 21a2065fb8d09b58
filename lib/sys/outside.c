/* outside.c - finds a file of another mount namespace in our own, by both tables of mounts. */
#include "sys/outside.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* An overlay may lie on another one. */
#define MAX_DEPTH 2
/* Of all overlays together, so that no table makes one name cost much. */
#define MAX_LAYERS 500

/* Layers are tried by their names first, and only then as what they may be in the sandbox themselves. */
enum pass { PASS_NAMES, PASS_MOUNTS, N_PASSES };

struct walk {
	const struct outside_search *search;
	enum outside_way way;
	enum pass pass;
	unsigned int depth;
	unsigned int n_layers_left;
	char found[PATH_MAX];
};

static bool find(struct walk *walk, const char *path);

const char *outside_below_root(const char *path, const char *root)
{
	size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, root, size) != 0)
		return NULL;
	if (path[size] == '\0')
		return "/";
	return path[size] == '/' ? path + size : NULL;
}

/* False: the path would be too long. */
static bool join(const char *directory, const char *rest, char ret_path[static PATH_MAX])
{
	bool is_root = strcmp(directory, "/") == 0;
	int n = snprintf(ret_path, PATH_MAX, "%s%s", is_root ? "" : directory,
			 strcmp(rest, "/") == 0 ? "" : rest);

	if (n == 0)
		strcpy(ret_path, "/");
	return n >= 0 && n < PATH_MAX;
}

static bool try(struct walk *walk, const char *path)
{
	if (!walk->search->is_it(path, walk->way, walk->search->context))
		return false;
	memccpy(walk->found, path, '\0', PATH_MAX);
	return true;
}

/* What lies at fs_path on the device, wherever we have that mounted. */
static bool find_on_device(struct walk *walk, dev_t device, const char *fs_path)
{
	const struct mounts *ours = walk->search->ours;
	char path[PATH_MAX];

	for (size_t i = 0; i < ours->n_entries; i++) {
		const struct mount *mount = &ours->entries[i];
		const char *rest = mount->device == device ? outside_below_root(fs_path, mount->root) : NULL;

		if (rest && join(mount->point, rest, path) && try(walk, path))
			return true;
	}
	return false;
}

/* pivot_root(2) may have come after the overlay: "/oldroot/usr/lib" is "/usr/lib" without what was put aside.
 */
static const char *without_old_root(const char *path)
{
	const char *rest = strchr(path + 1, '/');

	return rest && rest[1] ? rest : NULL;
}

static bool find_in_layer(struct walk *walk, const char *layer, const char *fs_path)
{
	char path[PATH_MAX];

	if (walk->n_layers_left == 0 || layer[0] != '/' || !join(layer, fs_path, path))
		return false;
	walk->n_layers_left--;
	const char *rest = without_old_root(path);

	if (walk->pass == PASS_NAMES)
		return try(walk, path) || (rest && try(walk, rest));
	return find(walk, path) || (rest && find(walk, rest));
}

/* "/upper", or "/a:/b\:c" from the uppermost on. value is taken apart. */
static bool find_in_layers(struct walk *walk, char *value, const char *fs_path)
{
	char *to = value;
	const char *layer = value;

	mounts_decode(value);
	for (const char *from = value;; from++) {
		if (*from == '\\' && from[1]) {
			*to++ = *++from;
			continue;
		}
		bool is_end = *from == '\0';

		if (!is_end && *from != ':') {
			*to++ = *from;
			continue;
		}
		*to++ = '\0';
		if (find_in_layer(walk, layer, fs_path))
			return true;
		if (is_end)
			return false;
		layer = to;
	}
}

static bool find_by_option(struct walk *walk, const char *options, const char *key, const char *fs_path)
{
	cleanup_free char *copy = strdup(options);

	for (char *rest = copy, *option; (option = strsep(&rest, ","));)
		if (strncmp(option, key, strlen(key)) == 0 &&
		    find_in_layers(walk, option + strlen(key), fs_path))
			return true;
	return false;
}

/* An overlay that only they have: its uppermost layer first, as the kernel looks for files. */
static bool find_in_overlay(struct walk *walk, const struct mount *mount, const char *fs_path)
{
	static const char *const keys[] = { "upperdir=", "lowerdir=", "lowerdir+=" };
	enum outside_way way = walk->way;
	enum pass pass_before = walk->pass;
	bool is_found = false;

	if (walk->depth == MAX_DEPTH)
		return false;
	walk->depth++;
	walk->way = OUTSIDE_LAYER;
	for (int pass = 0; pass < N_PASSES; pass++) {
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]) && !is_found; k++) {
			walk->pass = (enum pass)pass;
			is_found = find_by_option(walk, mount->options, keys[k], fs_path);
		}
	}
	walk->way = way;
	walk->pass = pass_before;
	walk->depth--;
	return is_found;
}

static bool find(struct walk *walk, const char *path)
{
	const struct outside_search *search = walk->search;
	const char *theirs = outside_below_root(path, search->their_root);
	char fs_path[PATH_MAX];

	if (try(walk, path))
		return true;
	const struct mount *mount = theirs ? mounts_find(search->theirs, theirs) : NULL;

	if (!mount || !join(mount->root, theirs + mount->point_size, fs_path))
		return false;
	return find_on_device(walk, mount->device, fs_path) ||
	       (strcmp(mount->type, "overlay") == 0 && find_in_overlay(walk, mount, fs_path));
}

bool outside_find(const struct outside_search *search, const char *path, char *ret_path)
{
	struct walk walk = { .search = search, .n_layers_left = MAX_LAYERS };

	if (strlen(path) >= PATH_MAX || !find(&walk, path))
		return false;
	memccpy(ret_path, walk.found, '\0', PATH_MAX);
	return true;
}
