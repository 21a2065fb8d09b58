/* directory.c - finds the directory of the shadows by the environment; see directory.h */
#include "directory.h"

#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

/* Also where a home is given that is none, for users who shall have none: /nonexistent. */
static char *below_home(const char *home, char **ret_why)
{
	char *path = NULL;
	struct stat st;

	if (home[0] != '/') {
		if (asprintf(ret_why, "HOME=%s is not an absolute path", home) < 0)
			*ret_why = NULL;
		return NULL;
	}
	if (stat(home, &st) < 0 || !S_ISDIR(st.st_mode)) {
		if (asprintf(ret_why, "HOME=%s is not a directory that is there", home) < 0)
			*ret_why = NULL;
		return NULL;
	}
	return asprintf(&path, "%s/.cache/pbrun", home) < 0 ? NULL : path;
}

char *directory_default(char **ret_why)
{
	const bool is_secure = getauxval(AT_SECURE) != 0;
	const struct passwd *user = is_secure ? getpwuid(getuid()) : NULL;
	const char *own = is_secure ? NULL : getenv("PBRUN_DIR");
	const char *cache = is_secure ? NULL : getenv("XDG_CACHE_HOME");
	const char *home = is_secure ? (user ? user->pw_dir : NULL) : getenv("HOME");
	char *path = NULL;

	*ret_why = NULL;
	if (own && *own)
		return strdup(own);
	if (cache && *cache == '/')
		return asprintf(&path, "%s/pbrun", cache) < 0 ? NULL : path;
	if (home && *home)
		return below_home(home, ret_why);
	*ret_why = strdup("neither PBRUN_DIR, XDG_CACHE_HOME nor HOME is set");
	return NULL;
}
