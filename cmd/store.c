/* store.c - where the recordings are. */
#include "store.h"

#include <string.h>

#include "output.h"
#include "sys/lookup.h"

/* Without a directory of its own pbrun uses PBRUN_DIR, $XDG_CACHE_HOME/pbrun (where that is absolute, as
 * the XDG Base Directory Specification asks), $HOME/.cache/pbrun. NULL: none of them is set. */
static char *default_directory(void)
{
	const char *own = getenv("PBRUN_DIR");
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;

	if (own && *own)
		return strdup(own);
	if (cache && *cache == '/')
		return asprintf(&path, "%s/pbrun", cache) < 0 ? NULL : path;
	if (home && *home)
		return asprintf(&path, "%s/.cache/pbrun", home) < 0 ? NULL : path;
	return NULL;
}

char *store_directory(const struct arguments *arguments)
{
	const char *directory = arguments_value(arguments, OPTION_DIR);

	return directory ? strdup(directory) : default_directory();
}

int with_store(const struct arguments *arguments,
	       int (*run)(struct shadowdb *db, const struct arguments *arguments))
{
	cleanup_free char *directory = store_directory(arguments);
	struct shadowdb db;
	int status = 1;
	int r = shadowdb_open(&db, directory, SHADOWDB_SYSTEM_DIR);

	if (r < 0)
		complain("cannot be used as shadow directory", directory, strerror(-r));
	else
		status = run(&db, arguments);
	shadowdb_release(&db);
	return status;
}

static int resolve(const char *name, char **ret_path, const char **ret_profile)
{
	char *path = NULL;
	int r = lookup_program(name, getenv("PATH"), &path);

	if (r < 0 && r != -ENOMEM && name[0] == '/') {
		path = strdup(name);
		r = path ? 0 : -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret_path = path;
	*ret_profile = lookup_profile(name, path);
	return 0;
}

int resolve_or_complain(const char *what, const char *name, char **ret_path, const char **ret_profile)
{
	int r = resolve(name, ret_path, ret_profile);

	if (r == -ENOENT)
		complain(what, name, "no such program; what is gone has to be named as --list does");
	else if (r < 0)
		complain(what, name, strerror(-r));
	return r;
}
