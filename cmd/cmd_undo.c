/* cmd_undo.c - --undo and --wrapped: what is started through pbrun, and the end of it. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "output.h"
#include "wrap.h"

#define MAX_DIRECTORIES 64

static int undo(const char *name, const struct arguments *arguments)
{
	/* A name may be that of a desktop entry and that of a service. */
	int desktop = arguments_has(arguments, OPTION_SYSTEM) ? -ENOENT : desktop_undo(name);
	int unit = unit_undo(name, arguments);

	if (desktop == -ENOENT && unit == -ENOENT)
		return complain("undo", name,
				"pbrun wrote no desktop entry and no unit of this name (see --wrapped)");
	return desktop > 0 || unit > 0;
}

int cmd_undo(const struct arguments *arguments)
{
	int status = 0;

	for (char **name = arguments->operands; *name; name++)
		status |= undo(*name, arguments);
	return status | finish_output("undo");
}

/* Links to pbrun under other names, in one directory of PATH. */
static size_t print_links(const char *directory, const struct stat *own)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	size_t n_printed = 0;

	while (dir && (entry = readdir(dir))) {
		cleanup_free char *path =
			entry->d_type == DT_LNK ? wrap_join(directory, entry->d_name) : NULL;
		struct stat st;

		if (!path || stat(path, &st) < 0 || st.st_dev != own->st_dev || st.st_ino != own->st_ino ||
		    strncmp(entry->d_name, "pbrun", strlen("pbrun")) == 0)
			continue;
		wrap_print("link", entry->d_name, path);
		n_printed++;
	}
	if (dir)
		closedir(dir);
	return n_printed;
}

/* The directories of PATH that were looked into: /bin may be /usr/bin. */
struct seen {
	struct stat directories[MAX_DIRECTORIES];
	size_t n;
};

/* False: it is none, or was there before. */
static bool is_new(struct seen *self, const char *directory)
{
	struct stat st;

	if (*directory != '/' || self->n == MAX_DIRECTORIES || stat(directory, &st) < 0)
		return false;
	for (size_t i = 0; i < self->n; i++)
		if (self->directories[i].st_dev == st.st_dev && self->directories[i].st_ino == st.st_ino)
			return false;
	self->directories[self->n++] = st;
	return true;
}

static size_t print_all_links(void)
{
	const char *path_list = getenv("PATH");
	struct seen seen = { .n = 0 };
	size_t n_printed = 0;
	struct stat own;

	if (!path_list || stat("/proc/self/exe", &own) < 0)
		return 0;
	cleanup_free char *copy = strdup(path_list);

	for (char *rest = copy, *directory; rest && (directory = strsep(&rest, ":"));)
		if (is_new(&seen, directory))
			n_printed += print_links(directory, &own);
	return n_printed;
}

int cmd_wrapped(const struct arguments *arguments)
{
	size_t n_printed = desktop_print_wrapped() + unit_print_wrapped() + print_all_links();

	(void)arguments;
	if (n_printed == 0)
		puts("Nothing is started through pbrun.");
	return finish_output("wrapped");
}
