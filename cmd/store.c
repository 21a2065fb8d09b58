/* store.c - where the recordings are. */
#include "store.h"

#include <string.h>
#include <sys/stat.h>

#include "directory.h"
#include "output.h"
#include "sys/lookup.h"
#include "target.h"

char *store_directory_unasked(const struct arguments *arguments, const char **ret_home, char **ret_why)
{
	const char *directory = arguments_value(arguments, OPTION_DIR);

	*ret_home = NULL;
	*ret_why = NULL;
	return directory ? strdup(directory) : directory_default(ret_home, ret_why);
}

char *store_directory(const struct arguments *arguments, char **ret_why)
{
	const char *home = NULL;
	char *directory = store_directory_unasked(arguments, &home, ret_why);

	if (directory && home)
		*ret_why = directory_fault(home);
	if (*ret_why)
		free(take_pointer(directory));
	return directory;
}

int with_store(const struct arguments *arguments,
	       int (*run)(struct shadowdb *db, const struct arguments *arguments))
{
	cleanup_free char *why_none = NULL;
	cleanup_free char *directory = store_directory(arguments, &why_none);
	struct warnings warnings = { 0 };
	struct shadowdb db;
	int status = 1;

	if (!directory && !why_none)
		return complain_error("shadow directory", NULL, -ENOMEM);
	int r = directory_open(&db, directory, &warnings);

	warnings_finish(&warnings);
	if (r < 0)
		complain_error("shadow directory", directory, r);
	else {
		shadowdb_await_announced(&db);
		status = run(&db, arguments);
	}
	shadowdb_release(&db);
	return status;
}

static int resolve(const char *name, char **ret_path, const char **ret_profile)
{
	cleanup_free char *file = NULL;
	char *path = NULL;
	int r = target_find(name, &file, &path);

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
		complain_program(what, name, r);
	return r;
}

int complain_nothing_recorded(const char *what, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)))
		return complain(what, path,
				"it is no program, so nothing is recorded; name what is executed");
	return complain(what, path, "nothing is recorded; a launch with pbrun records it");
}

int load_or_complain(const char *what, const struct shadowdb *db, const struct arguments *arguments,
		     struct shadow *ret_shadow)
{
	cleanup_free char *path = NULL;
	cleanup_free char *shadow_path = NULL;
	const char *own_profile = "";
	const char *profile = arguments_value(arguments, OPTION_PROFILE);

	if (resolve_or_complain(what, arguments->operands[0], &path, &own_profile) < 0)
		return 1;
	int r = shadowdb_load(db, path, profile ? profile : own_profile, ret_shadow, &shadow_path);

	if (r == -ENOENT)
		return complain_nothing_recorded(what, path);
	return r < 0 ? complain_error(what, shadow_path ? shadow_path : path, r) : 0;
}
