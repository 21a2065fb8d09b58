/* directory.c - finds the directory of the shadows by the environment; see directory.h */
#include "directory.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/trust.h"

static char *explain(const char *home, const char *fault)
{
	char *why;

	return asprintf(&why, "HOME=%s is not %s", home, fault) < 0 ? NULL : why;
}

char *directory_fault(const char *home)
{
	struct stat st;

	return stat(home, &st) < 0 || !S_ISDIR(st.st_mode) ? explain(home, "a directory that is there")
							   : NULL;
}

static char *below_home(const char *home, char **ret_why)
{
	char *path;

	if (home[0] == '/')
		return asprintf(&path, "%s/.cache/pbrun", home) < 0 ? NULL : path;
	*ret_why = explain(home, "an absolute path");
	return NULL;
}

static bool is_secure(void)
{
	return getauxval(AT_SECURE) != 0;
}

/* By the file alone: getpwuid(3) may ask a server, which may not answer. NULL: it is not told. */
static const char *home_in_passwd(void)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;

	while (file && (user = fgetpwent(file)) && user->pw_uid != getuid())
		;
	if (file)
		(void)fclose(file);
	return user ? user->pw_dir : NULL;
}

/* Perhaps not absolute, perhaps empty; NULL: it is not told. */
static const char *named_home(void)
{
	return is_secure() ? home_in_passwd() : getenv("HOME");
}

const char *directory_home(void)
{
	const char *home = named_home();

	return home && home[0] == '/' ? home : NULL;
}

char *directory_default(const char **ret_home, char **ret_why)
{
	const char *own = secure_getenv("PBRUN_DIR");
	const char *cache = secure_getenv("XDG_CACHE_HOME");
	const char *home = named_home();
	char *path = NULL;

	*ret_home = NULL;
	*ret_why = NULL;
	if (own && *own)
		return strdup(own);
	if (cache && *cache == '/')
		return asprintf(&path, "%s/pbrun", cache) < 0 ? NULL : path;
	if (home && *home) {
		*ret_home = home;
		return below_home(home, ret_why);
	}
	*ret_why = strdup("neither PBRUN_DIR, XDG_CACHE_HOME nor HOME is set");
	return NULL;
}

bool directory_is_replaced(const struct shadowdb *self, int error)
{
	return error < 0 && self->path && trust_explain(error);
}

int directory_open(struct shadowdb *self, const char *path, struct warnings *warnings)
{
	int r = shadowdb_open(self, path, SHADOWDB_SYSTEM_DIR);

	self->packaged_path = SHADOWDB_PACKAGED_DIR;
	if (!directory_is_replaced(self, r))
		return r;
	warnings_add(warnings, "%s: not used as shadow directory: %s (used instead: %s)", path,
		     shadowdb_explain(r), self->path);
	return 0;
}
