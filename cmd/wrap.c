/* wrap.c - the files by which programs are started through pbrun. */
#include "wrap.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "output.h"
#include "sys/io.h"
#include "sys/trust.h"

char *wrap_join(const char *directory, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static char *in_home(const char *variable, const char *by_default, const char *below)
{
	const char *base = getenv(variable);
	const char *home = getenv("HOME");
	char *path = NULL;
	int r = -1;

	if (base && *base == '/')
		r = asprintf(&path, "%s/%s", base, below);
	else if (home && *home == '/')
		r = asprintf(&path, "%s/%s/%s", home, by_default, below);
	return r < 0 ? NULL : path;
}

char *wrap_in_data_home(const char *below)
{
	return in_home("XDG_DATA_HOME", ".local/share", below);
}

char *wrap_in_config_home(const char *below)
{
	return in_home("XDG_CONFIG_HOME", ".config", below);
}

char *wrap_next_in_list(const char **list, const char *below)
{
	char *path = NULL;
	int r = -1;

	while (r < 0 && **list) {
		const char *directory = *list;
		size_t size = strcspn(directory, ":");

		*list += size + (directory[size] == ':');
		if (*directory == '/')
			r = asprintf(&path, "%.*s/%s", (int)size, directory, below);
	}
	return r < 0 ? NULL : path;
}

char *wrap_own_path(void)
{
	return realpath("/proc/self/exe", NULL);
}

static int write_text(int fd, const char *text)
{
	int r = io_write_all(fd, text, strlen(text));

	if (r < 0)
		return r;
	return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? -errno : 0;
}

int wrap_write(const char *directory, const char *name, const char *text)
{
	char temporary[NAME_MAX + 1];
	cleanup_close int dir_fd = trust_open_directory(directory, 0755);

	if (dir_fd < 0)
		return dir_fd;
	if (snprintf(temporary, sizeof(temporary), ".%s.%d.tmp", name, getpid()) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	/* Of a pbrun with this PID that was killed. */
	unlinkat(dir_fd, temporary, 0);

	cleanup_close int fd =
		openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_text(fd, text);

	if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0 && fd >= 0)
		unlinkat(dir_fd, temporary, 0);
	return r;
}

int wrap_remove(const char *directory, const char *name)
{
	cleanup_close int dir_fd = trust_open_directory(directory, 0);

	if (dir_fd < 0)
		return dir_fd;
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int wrap_save(const char *directory, const char *save_directory, const char *name)
{
	cleanup_close int from_fd = trust_open_directory(directory, 0);
	cleanup_close int to_fd = from_fd < 0 ? from_fd : trust_open_directory(save_directory, 0755);

	if (to_fd < 0)
		return to_fd;
	/* What was kept before was replaced by the user since. */
	unlinkat(to_fd, name, 0);
	return linkat(from_fd, name, to_fd, name, 0) < 0 ? -errno : 0;
}

int wrap_restore(const char *directory, const char *save_directory, const char *name)
{
	cleanup_close int from_fd = trust_open_directory(save_directory, 0);
	cleanup_close int to_fd = from_fd < 0 ? from_fd : trust_open_directory(directory, 0);

	if (to_fd < 0)
		return to_fd;
	return renameat(from_fd, name, to_fd, name) < 0 ? -errno : 0;
}

int wrap_complain(const char *what, const char *where, int error)
{
	const char *why = trust_explain(error);

	return why ? complain(what, where, why) : complain_file(what, where, error);
}

void wrap_print(const char *kind, const char *name, const char *path)
{
	printf("%-12s  ", kind);
	print_name(stdout, name);
	fputs("  ", stdout);
	print_name(stdout, path);
	putchar('\n');
}
