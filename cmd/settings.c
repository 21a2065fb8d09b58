/* settings.c - reads the configuration files and --exclude. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

#include "directory.h"
#include "shadowdb.h"

/* Another time it could be read, and may say what is excluded. */
static bool is_missed(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EIO;
}

static int read_file(struct config *config, const char *path, const char *home, struct warnings *warnings)
{
	unsigned int line;
	int r = config_read(config, path, home, &line);

	if (is_missed(r)) {
		warnings_add(warnings, "%s: it cannot be read: %s: nothing is recorded or prefetched", path,
			     strerror(-r));
		return r;
	}
	if (r < 0)
		warnings_add(warnings, "%s: ignored: %s", path,
			     r == -EFBIG ? "it is longer than 64 KiB" : shadowdb_explain(r));
	else if (line > 0)
		warnings_add(warnings, "%s:%u: this line is ignored: it says nothing known", path, line);
	return 0;
}

int settings_own_path(char **ret_path)
{
	const char *base = secure_getenv("XDG_CONFIG_HOME");
	const char *home = directory_home();
	char *path = NULL;
	int r = 0;

	if (base && base[0] == '/')
		r = asprintf(&path, "%s/pbrun/config", base);
	else if (home)
		r = asprintf(&path, "%s/.config/pbrun/config", home);
	*ret_path = r < 0 ? NULL : path;
	return r < 0 ? -ENOMEM : 0;
}

int settings_given(const struct arguments *arguments, struct config *ret_config)
{
	int r = 0;

	config_init(ret_config);
	for (size_t i = 0; i < arguments->n_given; i++) {
		const struct given_option *given = &arguments->given[i];

		if (given->id != OPTION_EXCLUDE)
			continue;
		int added = exclusions_add(&ret_config->excluded, given->value, directory_home());

		if (added < 0 && added != -ENOMEM)
			wrong_use("--exclude '%s': %s", given->value,
				  added == -EINVAL ? "it is empty, excludes everything, or needs HOME"
						   : strerror(-added));
		r = r < 0 ? r : added;
	}
	return r;
}

int settings_read_system(struct config *config, struct warnings *warnings)
{
	return read_file(config, CONFIG_SYSTEM_PATH, NULL, warnings);
}

int settings_read_own(struct config *config, const char *path, struct warnings *warnings)
{
	return read_file(config, path, directory_home(), warnings);
}
