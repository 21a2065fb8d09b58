/* settings.c - reads the configuration files and --exclude. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

#include "directory.h"
#include "shadowdb.h"

static void read_file(struct config *config, const char *path, const char *home, struct warnings *warnings)
{
	unsigned int line;
	int r = config_read(config, path, home, &line);

	if (r < 0)
		warnings_add(warnings, "%s: ignored: %s", path,
			     r == -EFBIG ? "it is longer than 64 KiB" : shadowdb_explain(r));
	else if (line > 0)
		warnings_add(warnings, "%s:%u: this line is ignored: it says nothing known", path, line);
}

char *settings_own_path(void)
{
	const char *base = secure_getenv("XDG_CONFIG_HOME");
	const char *home = directory_home();
	char *path = NULL;
	int r = -1;

	if (base && base[0] == '/')
		r = asprintf(&path, "%s/pbrun/config", base);
	else if (home)
		r = asprintf(&path, "%s/.config/pbrun/config", home);
	return r < 0 ? NULL : path;
}

void settings_given(const struct arguments *arguments, struct config *ret_config)
{
	config_init(ret_config);
	for (size_t i = 0; i < arguments->n_given; i++) {
		const struct given_option *given = &arguments->given[i];

		if (given->id == OPTION_EXCLUDE &&
		    exclusions_add(&ret_config->excluded, given->value, directory_home()) < 0)
			wrong_use("'%s' is no pattern that can be excluded", given->value);
	}
}

void settings_read_system(struct config *config, struct warnings *warnings)
{
	read_file(config, CONFIG_SYSTEM_PATH, NULL, warnings);
}

void settings_read_own(struct config *config, const char *path, struct warnings *warnings)
{
	read_file(config, path, directory_home(), warnings);
}
