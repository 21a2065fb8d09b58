/* cmd_unit.c - --unit: a drop-in by which systemd starts a service through pbrun. */
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "output.h"
#include "shadowdb.h"
#include "sys/io.h"
#include "unit.h"
#include "wrap.h"

#define SUFFIX ".service"
/* Drop-ins are read in the order of their names: the last one decides. */
#define DROP_IN "zz-pbrun.conf"
#define MAX_DIRECTORIES 64
#define MAX_DROP_INS 256

/* A service, and where systemd looks for it: in these directories, the first ones first. */
struct service {
	char *name;          /* with its suffix */
	char *template;      /* "getty@.service"; NULL: it is no instance */
	char *own_directory; /* where the administrator's or user's drop-ins belong */
	char *directories[MAX_DIRECTORIES];
	size_t n_directories;
};

static void service_release(struct service *self)
{
	free(self->name);
	free(self->template);
	free(self->own_directory);
	for (size_t i = 0; i < self->n_directories; i++)
		free(self->directories[i]);
}

/* Takes path over; NULL is passed over. */
static void add_directory(struct service *self, char *path)
{
	if (path && self->n_directories < MAX_DIRECTORIES)
		self->directories[self->n_directories++] = path;
	else
		free(path);
}

static void add_below_variable(struct service *self, const char *variable, const char *below)
{
	const char *base = getenv(variable);

	if (base && *base == '/')
		add_directory(self, wrap_join(base, below));
}

static void add_below_list(struct service *self, const char *variable, const char *by_default)
{
	const char *list = getenv(variable);
	char *path;

	if (!list || !*list)
		list = by_default;
	while ((path = wrap_next_in_list(&list, "systemd/user")))
		add_directory(self, path);
}

/* systemd.unit(5), "System Unit Search Path". */
static void add_system_directories(struct service *self)
{
	static const char *const paths[] = { "/etc/systemd/system.control", "/run/systemd/system.control",
					     "/run/systemd/transient",      "/run/systemd/generator.early",
					     "/etc/systemd/system",         "/run/systemd/system",
					     "/run/systemd/generator",      "/usr/local/lib/systemd/system",
					     "/usr/lib/systemd/system",     "/lib/systemd/system",
					     "/run/systemd/generator.late" };

	self->own_directory = strdup("/etc/systemd/system");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		add_directory(self, strdup(paths[i]));
}

/* The same, "User Unit Search Path". */
static void add_user_directories(struct service *self)
{
	self->own_directory = wrap_in_config_home("systemd/user");
	add_directory(self, wrap_in_config_home("systemd/user.control"));
	add_below_variable(self, "XDG_RUNTIME_DIR", "systemd/user.control");
	add_below_variable(self, "XDG_RUNTIME_DIR", "systemd/transient");
	add_below_variable(self, "XDG_RUNTIME_DIR", "systemd/generator.early");
	add_directory(self, wrap_in_config_home("systemd/user"));
	add_below_list(self, "XDG_CONFIG_DIRS", "/etc/xdg");
	add_directory(self, strdup("/etc/systemd/user"));
	add_below_variable(self, "XDG_RUNTIME_DIR", "systemd/user");
	add_directory(self, strdup("/run/systemd/user"));
	add_below_variable(self, "XDG_RUNTIME_DIR", "systemd/generator");
	add_directory(self, wrap_in_data_home("systemd/user"));
	add_below_list(self, "XDG_DATA_DIRS", "/usr/local/share:/usr/share");
	add_directory(self, strdup("/usr/local/lib/systemd/user"));
	add_directory(self, strdup("/usr/lib/systemd/user"));
	add_below_variable(self, "XDG_RUNTIME_DIR", "systemd/generator.late");
}

/* 0; -EINVAL: it is no name of a service; -ENOMEM. */
static int init_service(struct service *self, const char *name, const struct arguments *arguments)
{
	const size_t size = strlen(name);
	const bool has_suffix = size > strlen(SUFFIX) && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
	const char *at = strchr(name, '@');
	const char *dot = strrchr(name, '.');

	if (!*name || *name == '.' || strchr(name, '/') || size > NAME_MAX - sizeof(SUFFIX ".d"))
		return -EINVAL;
	/* Another kind of unit starts no program. */
	if (!has_suffix && dot &&
	    (strcmp(dot, ".socket") == 0 || strcmp(dot, ".timer") == 0 || strcmp(dot, ".target") == 0 ||
	     strcmp(dot, ".mount") == 0 || strcmp(dot, ".path") == 0 || strcmp(dot, ".slice") == 0))
		return -EINVAL;
	if (asprintf(&self->name, "%s%s", name, has_suffix ? "" : SUFFIX) < 0)
		self->name = NULL;
	if (at && asprintf(&self->template, "%.*s@" SUFFIX, (int)(at - name), name) < 0)
		self->template = NULL;
	if (arguments_has(arguments, OPTION_SYSTEM))
		add_system_directories(self);
	else
		add_user_directories(self);
	return self->name && self->own_directory ? 0 : -ENOMEM;
}

/* The unit's own file: the first one, of the instance before the template. */
static int read_unit(const struct service *self, char **ret_text)
{
	const char *names[] = { self->name, self->template };

	for (size_t n = 0; n < 2 && names[n]; n++) {
		for (size_t i = 0; i < self->n_directories; i++) {
			cleanup_free char *path = wrap_join(self->directories[i], names[n]);
			int r = path ? io_read_text(path, ret_text) : -ENOMEM;

			if (r != -ENOENT && r != -ENOTDIR)
				return r;
		}
	}
	return -ENOENT;
}

/* Drop-ins, sorted by their names. Of two with one name the first directory's counts. */
struct drop_ins {
	char *names[MAX_DROP_INS];
	char *paths[MAX_DROP_INS];
	size_t n;
};

static void drop_ins_release(struct drop_ins *self)
{
	for (size_t i = 0; i < self->n; i++) {
		free(self->names[i]);
		free(self->paths[i]);
	}
}

static void add_drop_in(struct drop_ins *self, const char *directory, const char *name)
{
	const size_t size = strlen(name);
	size_t at = 0;

	if (size < 6 || strcmp(name + size - 5, ".conf") != 0 || *name == '.' || strcmp(name, DROP_IN) == 0)
		return;
	while (at < self->n && strcmp(self->names[at], name) < 0)
		at++;
	if (self->n == MAX_DROP_INS || (at < self->n && strcmp(self->names[at], name) == 0))
		return;

	char *copy = strdup(name);
	char *path = wrap_join(directory, name);

	if (!copy || !path) {
		free(copy);
		free(path);
		return;
	}
	memmove(self->names + at + 1, self->names + at, (self->n - at) * sizeof(self->names[0]));
	memmove(self->paths + at + 1, self->paths + at, (self->n - at) * sizeof(self->paths[0]));
	self->names[at] = copy;
	self->paths[at] = path;
	self->n++;
}

/* Those of the units that are called by the first stem_size bytes of the service's name, and rest. */
static void find_named(const struct service *self, size_t stem_size, const char *rest,
		       struct drop_ins *drop_ins)
{
	for (size_t i = 0; i < self->n_directories; i++) {
		cleanup_free char *directory = NULL;
		struct dirent *entry;

		if (asprintf(&directory, "%s/%.*s%s.d", self->directories[i], (int)stem_size, self->name,
			     rest) < 0) {
			directory = NULL;
			return;
		}
		DIR *dir = opendir(directory);

		while (dir && (entry = readdir(dir)))
			add_drop_in(drop_ins, directory, entry->d_name);
		if (dir)
			closedir(dir);
	}
}

/* "a-b-c" is of the kind of "a-b-", and that of "a-". 0: of no other. */
static size_t shorter_stem(const char *name, size_t size)
{
	for (size--; size > 0 && name[size - 1] != '-'; size--)
		;
	return size;
}

/* Of a-b@c.service: those of a-b@c, a-b@, a-@c, a-@, a-, and of all services. */
static void find_drop_ins(const struct service *self, struct drop_ins *drop_ins)
{
	const char *at = strchr(self->name, '@');
	const char *rest = at ? at : self->name + strlen(self->name) - strlen(SUFFIX);
	const size_t whole_size = (size_t)(rest - self->name);

	for (size_t size = whole_size; size > 0; size = shorter_stem(self->name, size)) {
		find_named(self, size, rest, drop_ins);
		if (self->template)
			find_named(self, size, "@" SUFFIX, drop_ins);
		if (self->template && size < whole_size)
			find_named(self, size, SUFFIX, drop_ins);
	}
	find_named(self, 0, "service", drop_ins);
}

static int gather(const struct service *self, struct unit *unit)
{
	cleanup_with(drop_ins_release) struct drop_ins drop_ins = { .n = 0 };
	cleanup_free char *text = NULL;
	int r = read_unit(self, &text);

	if (r == 0)
		r = unit_add(unit, text);
	find_drop_ins(self, &drop_ins);
	for (size_t i = 0; r == 0 && i < drop_ins.n; i++) {
		cleanup_free char *more = NULL;

		if (io_read_text(drop_ins.paths[i], &more) == 0)
			r = unit_add(unit, more);
	}
	return r;
}

static char *drop_in_directory(const struct service *self)
{
	char *directory = NULL;

	return asprintf(&directory, "%s/%s.d", self->own_directory, self->name) < 0 ? NULL : directory;
}

static const char *unit_error(int error, const struct arguments *arguments)
{
	switch (error) {
	case -ENOENT:
		return arguments_has(arguments, OPTION_SYSTEM)
			       ? "the system has no such service; systemctl list-unit-files names what it has"
			       : "the user has no such service; --system looks among the system's";
	case -EINVAL:
		return "it is masked, or no unit of type service";
	case -EXDEV:
		return "it runs in another root (RootDirectory=, RootImage=), where pbrun is not; it is left "
		       "as it is";
	case -ENODATA:
		return "there is no ExecStart= that is not pbrun's already";
	default:
		return strerror(-error);
	}
}

static bool is_own_drop_in(const char *path)
{
	cleanup_free char *text = NULL;

	return io_read_text(path, &text) == 0 && unit_is_drop_in(text);
}

/* Of this name there may be a file that somebody else wrote. */
static int write_drop_in(const char *directory, const char *text)
{
	cleanup_free char *path = wrap_join(directory, DROP_IN);

	if (!path)
		return -ENOMEM;
	return access(path, F_OK) == 0 && !is_own_drop_in(path) ? -EEXIST
								: wrap_write(directory, DROP_IN, text);
}

static int wrap_unit(const char *name, const char *pbrun, const struct arguments *arguments)
{
	const bool is_system = arguments_has(arguments, OPTION_SYSTEM);
	cleanup_with(service_release) struct service service = { 0 };
	cleanup_with(unit_release) struct unit unit = { 0 };
	cleanup_free char *directory = NULL;
	cleanup_free char *text = NULL;
	int r = init_service(&service, name, arguments);

	if (r == 0)
		r = gather(&service, &unit);
	/* A service of root's has no home; whoever else runs one cannot write to the system's directory. */
	if (r == 0)
		r = unit_drop_in(&unit, pbrun,
				 is_system && !(unit.traits & UNIT_OTHER_USER) ? "--dir " SHADOWDB_SYSTEM_DIR
									       : NULL,
				 &text);
	if (r < 0)
		return complain("unit", name, unit_error(r, arguments));
	directory = drop_in_directory(&service);
	r = directory ? write_drop_in(directory, text) : -ENOMEM;
	if (r < 0)
		return wrap_complain("unit", directory ? directory : name, r);
	fputs("wrote ", stdout);
	print_name(stdout, directory);
	printf("/" DROP_IN "\n  It holds after: systemctl%s daemon-reload\n", is_system ? "" : " --user");
	return 0;
}

int cmd_unit(const struct arguments *arguments)
{
	cleanup_free char *pbrun = wrap_own_path();
	cleanup_free char *home = wrap_in_config_home("");
	int status = 0;

	if (!pbrun)
		return complain("unit", NULL, "cannot tell pbrun's own path: is /proc mounted?");
	if (!home && !arguments_has(arguments, OPTION_SYSTEM))
		return complain("unit", NULL, "neither HOME nor XDG_CONFIG_HOME is set");
	for (char **name = arguments->operands; *name; name++)
		status |= wrap_unit(*name, pbrun, arguments);
	return status | finish_output("unit");
}

/* --undo */

int unit_undo(const char *name, const struct arguments *arguments)
{
	cleanup_with(service_release) struct service service = { 0 };
	cleanup_free char *directory = NULL;
	cleanup_free char *path = NULL;

	if (init_service(&service, name, arguments) < 0 || !(directory = drop_in_directory(&service)) ||
	    !(path = wrap_join(directory, DROP_IN)) || !is_own_drop_in(path))
		return -ENOENT;
	int r = wrap_remove(directory, DROP_IN);

	if (r < 0)
		return wrap_complain("undo", path, r);
	/* It goes if it was made for the drop-in. */
	(void)!rmdir(directory);
	fputs("took back ", stdout);
	print_name(stdout, path);
	putchar('\n');
	return 0;
}

/* --wrapped */

/* "x.service.d" */
static int is_of_service(const struct dirent *entry)
{
	static const char end[] = SUFFIX ".d";
	const size_t size = strlen(entry->d_name), end_size = strlen(end);

	return size > end_size && strcmp(entry->d_name + size - end_size, end) == 0;
}

static size_t print_drop_ins(const char *kind, const char *own_directory)
{
	struct dirent **entries = NULL;
	int n_entries = own_directory ? scandir(own_directory, &entries, is_of_service, alphasort) : 0;
	size_t n_printed = 0;

	for (int i = 0; i < n_entries; i++) {
		char *name = entries[i]->d_name;
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s/%s/" DROP_IN, own_directory, name) < 0) {
			path = NULL;
		} else if (is_own_drop_in(path)) {
			name[strlen(name) - strlen(".d")] = '\0';
			wrap_print(kind, name, path);
			n_printed++;
		}
		free(entries[i]);
	}
	free(entries);
	return n_printed;
}

size_t unit_print_wrapped(void)
{
	cleanup_free char *own_directory = wrap_in_config_home("systemd/user");

	return print_drop_ins("user unit", own_directory) +
	       print_drop_ins("system unit", "/etc/systemd/system");
}
