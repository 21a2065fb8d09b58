/* settings.c - reads the configuration files and --exclude. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

#include "directory.h"
#include "shadowdb.h"

static void read_file(struct config *config, const char *path, const char *home)
{
	unsigned int line;
	int r = config_read(config, path, home, &line);

	if (r < 0)
		fprintf(stderr, "pbrun: warning: %s: ignored: %s\n", path, shadowdb_explain(r));
	else if (line > 0)
		fprintf(stderr, "pbrun: warning: %s:%u: this line is ignored: it says nothing known\n", path,
			line);
}

static void read_own_file(struct config *config, const char *home)
{
	const char *base = secure_getenv("XDG_CONFIG_HOME");
	cleanup_free char *path = NULL;
	int r = -1;

	if (base && base[0] == '/')
		r = asprintf(&path, "%s/pbrun/config", base);
	else if (home)
		r = asprintf(&path, "%s/.config/pbrun/config", home);
	if (r < 0)
		path = NULL;
	else
		read_file(config, path, home);
}

void settings_read(const struct arguments *arguments, struct config *ret_config)
{
	const char *home = directory_home();

	config_init(ret_config);
	read_file(ret_config, CONFIG_SYSTEM_PATH, NULL);
	read_own_file(ret_config, home);
	for (size_t i = 0; i < arguments->n_given; i++) {
		const struct given_option *given = &arguments->given[i];

		if (given->id == OPTION_EXCLUDE &&
		    exclusions_add(&ret_config->excluded, given->value, home) < 0)
			wrong_use("'%s' is no pattern that can be excluded", given->value);
	}
}
