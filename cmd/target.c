/* target.c - which program a launch runs, and under which profile. */
#include "target.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "profile.h"
#include "sys/io.h"
#include "sys/lookup.h"

#define OWN_NAME "pbrun"

/* "pbrun", and what people call a second one: "pbrun-0.1". */
static bool is_own_name(const char *name)
{
	return !*name || strncmp(name, OWN_NAME, strlen(OWN_NAME)) == 0;
}

/* What execve(2) was given; NULL: a descriptor, fexecve(3). */
static const char *executed_path(void)
{
	const char *path = (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)

	return path && *path && strncmp(path, "/dev/fd/", strlen("/dev/fd/")) != 0 ? path : NULL;
}

/* argv[0] may be anything; a copy of pbrun under another name is still pbrun; and under ld.so(8) it is its
 * path that was executed. */
const char *target_called_as(char *const argv[])
{
	const char *executed = executed_path();
	struct stat st;

	if (!executed || !argv[0] || is_own_name(basename(argv[0])) || is_own_name(basename(executed)))
		return NULL;
	return lstat(executed, &st) == 0 && S_ISLNK(st.st_mode) ? basename(executed) : NULL;
}

static bool find_self(struct lookup_besides *ret_self)
{
	const char *executed = executed_path();
	struct stat st;

	if ((!executed || stat(executed, &st) < 0) && stat("/proc/self/exe", &st) < 0)
		return false;
	*ret_self = (struct lookup_besides){ st.st_dev, st.st_ino, OWN_NAME };
	return true;
}

int target_find(const char *name, char **ret_file, char **ret_program)
{
	const char *path_list = getenv("PATH");
	struct lookup_besides self;

	*ret_file = NULL;
	if (is_own_name(basename(name)) || !find_self(&self))
		return lookup_program(name, path_list, ret_program);
	return lookup_other_program(name, path_list, &self, ret_file, ret_program);
}

char *target_rules_path(void)
{
	const char *config = secure_getenv("XDG_CONFIG_HOME");
	const char *home = secure_getenv("HOME");
	char *path = NULL;
	int r = -1;

	if (config && *config == '/')
		r = asprintf(&path, "%s/pbrun/profiles", config);
	else if (home && *home == '/')
		r = asprintf(&path, "%s/.config/pbrun/profiles", home);
	return r < 0 ? NULL : path;
}

/* Or it is in a home that is not open to us. */
static bool is_absent(const char *path, int error)
{
	struct stat st;

	return error == -ENOENT || error == -ENOTDIR || (error == -EACCES && stat(path, &st) < 0);
}

static void warn_of_fault(const char *path, const char *rules, struct warnings *warnings)
{
	size_t line = profile_find_fault(rules);

	if (line > 0)
		warnings_add(warnings, "%s: line %zu is not a rule as pbrun(1) has them: ignored", path,
			     line);
}

/* The worst that they can say is a name. NULL: there are none, or none that can be read. */
static char *read_rules(const char *path, struct warnings *warnings)
{
	char *rules = NULL;
	int r = io_read_text(path, &rules);

	if (r == 0)
		warn_of_fault(path, rules, warnings);
	else if (!is_absent(path, r))
		warnings_add(warnings, "%s: ignored: %s", path,
			     r == -EINVAL ? "it is no text file of less than 1 MiB" : strerror(-r));
	return rules;
}

char *target_cwd(void)
{
	char path[PATH_MAX];

	/* "(unreachable)/..." */
	return syscall(SYS_getcwd, path, sizeof(path)) < 0 || path[0] != '/' ? NULL : strdup(path);
}

char *target_profile_in(char *const argv[], const char *program, const char *cwd, const char *rules_path,
			struct warnings *warnings)
{
	cleanup_free char *rules = NULL;
	cleanup_free char *profile = NULL;

	if (rules_path)
		rules = read_rules(rules_path, warnings);
	int r = profile_of_command(argv, cwd, rules, &profile);

	if (r == 0 && *profile)
		return take_pointer(profile);
	return r == -ENOMEM ? NULL : strdup(lookup_profile(argv[0], program));
}

char *target_profile(char *const argv[], const char *program)
{
	cleanup_free char *path = target_rules_path();
	cleanup_free char *cwd = target_cwd();
	struct warnings warnings = { 0 };
	char *profile = target_profile_in(argv, program, cwd, path, &warnings);

	warnings_finish(&warnings);
	return profile;
}
