/* cmd_desktop.c - --desktop: a copy of a desktop entry that starts its program through pbrun. */
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "desktop.h"
#include "output.h"
#include "sys/io.h"
#include "wrap.h"

#define SUFFIX ".desktop"
/* Where the user's own entries are kept meanwhile, below the data directory. */
#define SAVE_BELOW "pbrun/applications"
#define MAX_DEPTH 8

/* A desktop entry by its ID, which has "-" where its path below "applications" has "/". */
struct entry {
	char *id;        /* with its suffix */
	char *directory; /* of the user's, where the copy belongs */
	char *name;      /* of its file there */
	char *source;    /* the file to be copied */
	char *text;
};

static void entry_release(struct entry *self)
{
	free(self->id);
	free(self->directory);
	free(self->name);
	free(self->source);
	free(self->text);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The directory that has the entry, and its name there. False: there is none. */
static bool find_below(const char *directory, const char *id, int depth, char **ret_directory,
		       char **ret_name)
{
	cleanup_free char *path = wrap_join(directory, id);

	if (path && access(path, F_OK) == 0) {
		*ret_directory = strdup(directory);
		*ret_name = strdup(id);
		return *ret_directory && *ret_name;
	}
	for (const char *dash = strchr(id, '-'); dash && depth < MAX_DEPTH; dash = strchr(dash + 1, '-')) {
		cleanup_free char *below = NULL;

		if (asprintf(&below, "%s/%.*s", directory, (int)(dash - id), id) < 0)
			return false;
		if (is_directory(below) && find_below(below, dash + 1, depth + 1, ret_directory, ret_name))
			return true;
	}
	return false;
}

/* Reads the entry from one directory; false: it has none, or only a copy that pbrun made. */
static bool take_source(struct entry *self, const char *directory, const char *name)
{
	cleanup_free char *path = wrap_join(directory, name);
	cleanup_free char *text = NULL;

	if (!path || io_read_text(path, &text) < 0 || desktop_traits(text) & DESKTOP_WRAPPED)
		return false;
	self->source = take_pointer(path);
	self->text = take_pointer(text);
	return true;
}

static bool find_in_system(struct entry *self)
{
	const char *directories = getenv("XDG_DATA_DIRS");

	if (!directories || !*directories)
		directories = "/usr/local/share:/usr/share";
	for (;;) {
		cleanup_free char *applications = wrap_next_in_list(&directories, "applications");
		cleanup_free char *directory = NULL;
		cleanup_free char *name = NULL;

		if (!applications)
			return false;
		if (find_below(applications, self->id, 0, &directory, &name) &&
		    take_source(self, directory, name))
			return true;
	}
}

static char *save_directory(void)
{
	return wrap_in_data_home(SAVE_BELOW);
}

/* The entry that was kept. A link leads from where it belongs, not from where it is kept. */
static bool take_kept(struct entry *self, const char *saved)
{
	char target[PATH_MAX] = "";
	cleanup_free char *path = wrap_join(saved, self->name);
	bool is_link = path && readlink(path, target, sizeof(target) - 1) > 0;

	return is_link && *target != '/' ? take_source(self, self->directory, target)
					 : take_source(self, saved, self->name);
}

/* The user's own entry, the one that was kept, or the system's. 0, -ENOENT, -ENOMEM. */
static int find_source(struct entry *self)
{
	cleanup_free char *applications = wrap_in_data_home("applications");
	cleanup_free char *saved = save_directory();

	if (!applications || !saved)
		return -ENOMEM;
	if (find_below(applications, self->id, 0, &self->directory, &self->name)) {
		if (take_source(self, self->directory, self->name))
			return 0;
	} else {
		self->directory = take_pointer(applications);
		self->name = strdup(self->id);
	}
	if (!self->directory || !self->name)
		return -ENOMEM;
	return take_kept(self, saved) || find_in_system(self) ? 0 : -ENOENT;
}

static int init_entry(struct entry *self, const char *id)
{
	const size_t size = strlen(id);
	const bool has_suffix = size > strlen(SUFFIX) && strcmp(id + size - strlen(SUFFIX), SUFFIX) == 0;

	if (!*id || strchr(id, '/'))
		return -EINVAL;
	return asprintf(&self->id, "%s%s", id, has_suffix ? "" : SUFFIX) < 0 ? -ENOMEM : 0;
}

static const char *obstacle(unsigned int traits)
{
	if (!(traits & DESKTOP_APPLICATION))
		return "this entry starts no application";
	if (traits & DESKTOP_HIDDEN)
		return "this entry counts as removed: it has Hidden=true";
	if (!(traits & DESKTOP_EXEC))
		return traits & DESKTOP_DBUS ? "this entry is started through D-Bus alone"
					     : "there is no Exec= that is not pbrun's already";
	return NULL;
}

/* The user's own entry is kept before it is replaced. */
static int write_entry(const struct entry *self, const char *pbrun)
{
	cleanup_free char *path = wrap_join(self->directory, self->name);
	cleanup_free char *saved = save_directory();
	cleanup_free char *text = NULL;
	int r = path && saved ? desktop_wrap(self->text, pbrun, self->source, &text) : -ENOMEM;

	if (r == 0 && strcmp(path, self->source) == 0)
		r = wrap_save(self->directory, saved, self->name);
	if (r == 0)
		r = wrap_write(self->directory, self->name, text);
	if (r < 0)
		return wrap_complain("desktop", path ? path : self->id, r);
	fputs("wrote ", stdout);
	print_name(stdout, path);
	putchar('\n');
	return 0;
}

static int wrap_entry(const char *id, const char *pbrun)
{
	cleanup_with(entry_release) struct entry entry = { 0 };
	int r = init_entry(&entry, id);

	if (r == -EINVAL)
		return complain("desktop", id, "an ID is the name of a desktop entry, without directories");
	if (r == 0)
		r = find_source(&entry);
	if (r == -ENOENT)
		return complain("desktop", id,
				"no such desktop entry in XDG_DATA_HOME and XDG_DATA_DIRS (its ID is the "
				"name of its file, without .desktop)");
	if (r < 0)
		return complain_error("desktop", id, r);

	unsigned int traits = desktop_traits(entry.text);
	const char *why = obstacle(traits);

	if (why)
		return complain("desktop", entry.source, why);
	int status = write_entry(&entry, pbrun);

	if (status == 0 && traits & DESKTOP_DBUS)
		puts("  It is mostly started through D-Bus, and then without pbrun.");
	return status;
}

int cmd_desktop(const struct arguments *arguments)
{
	cleanup_free char *pbrun = wrap_own_path();
	cleanup_free char *directory = wrap_in_data_home("");
	int status = 0;

	if (!pbrun)
		return complain("desktop", NULL, "cannot tell pbrun's own path: is /proc mounted?");
	if (!directory)
		return complain("desktop", NULL, "neither HOME nor XDG_DATA_HOME is set");
	for (char **id = arguments->operands; *id; id++)
		status |= wrap_entry(*id, pbrun);
	return status | finish_output("desktop");
}

/* --undo */

int desktop_undo(const char *name)
{
	cleanup_with(entry_release) struct entry entry = { 0 };
	cleanup_free char *applications = wrap_in_data_home("applications");
	cleanup_free char *saved = save_directory();
	cleanup_free char *path = NULL;
	cleanup_free char *text = NULL;

	if (!applications || !saved || init_entry(&entry, name) < 0 ||
	    !find_below(applications, entry.id, 0, &entry.directory, &entry.name))
		return -ENOENT;
	path = wrap_join(entry.directory, entry.name);
	if (!path || io_read_text(path, &text) < 0 || !(desktop_traits(text) & DESKTOP_WRAPPED))
		return -ENOENT;

	int r = wrap_restore(entry.directory, saved, entry.name);

	if (r == -ENOENT)
		r = wrap_remove(entry.directory, entry.name);
	if (r < 0)
		return wrap_complain("undo", path, r);
	fputs("took back ", stdout);
	print_name(stdout, path);
	putchar('\n');
	return 0;
}

/* --wrapped */

/* id_prefix is the ID's part that the directory stands for. */
static size_t print_below(const char *directory, const char *id_prefix, int depth)
{
	struct dirent **entries = NULL;
	int n_entries = scandir(directory, &entries, NULL, alphasort);
	size_t n_printed = 0;

	for (int i = 0; i < n_entries; i++) {
		const char *name = entries[i]->d_name;
		cleanup_free char *path = wrap_join(directory, name);
		cleanup_free char *text = NULL;
		cleanup_free char *id = NULL;

		if (*name == '.' || !path || asprintf(&id, "%s%s", id_prefix, name) < 0) {
			id = NULL;
		} else if (depth < MAX_DEPTH && is_directory(path)) {
			cleanup_free char *prefix = NULL;

			if (asprintf(&prefix, "%s-", id) > 0)
				n_printed += print_below(path, prefix, depth + 1);
		} else if (io_read_text(path, &text) == 0 && desktop_traits(text) & DESKTOP_WRAPPED) {
			wrap_print("desktop", id, path);
			n_printed++;
		}
		free(entries[i]);
	}
	free(entries);
	return n_printed;
}

size_t desktop_print_wrapped(void)
{
	cleanup_free char *applications = wrap_in_data_home("applications");

	return applications ? print_below(applications, "", 0) : 0;
}
