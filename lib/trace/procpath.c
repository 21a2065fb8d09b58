/* procpath.c - reads paths from the memory of tasks and from /proc. */
#include "trace/procpath.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static bool read_proc_link(pid_t pid, const char *what, char *ret_path)
{
	return procfs_read_link(pid, what, ret_path) > 0 && ret_path[0] == '/';
}

bool procpath_of_fd(pid_t pid, int fd, char *ret_path)
{
	char what[32];

	snprintf(what, sizeof(what), "fd/%d", fd);
	return read_proc_link(pid, what, ret_path);
}

/* It may end just before unreadable memory. */
bool procpath_read(pid_t tid, uint64_t address, char *ret_path)
{
	size_t n = 0;

	while (n < PATH_MAX) {
		/* Up to the end of the page, then page by page: most paths take one call. */
		size_t chunk = 4096 - (size_t)((address + n) % 4096);
		ssize_t got = tracee_read_memory(tid, address + n, ret_path + n,
						 chunk < PATH_MAX - n ? chunk : PATH_MAX - n);

		if (got <= 0)
			return false;
		if (memchr(ret_path + n, '\0', (size_t)got))
			return true;
		n += (size_t)got;
	}
	return false;
}

/* By the task's id: of a leader that exited before its threads, /proc tells nothing any more. */
static bool base_directory(struct process *process, pid_t tid, int dirfd, char *ret_path)
{
	if (dirfd != AT_FDCWD)
		return procpath_of_fd(tid, dirfd, ret_path);
	if (!process->working_directory || (process->flags & PROCESS_IS_HALF_SEEN)) {
		if (!read_proc_link(tid, "cwd", ret_path))
			return false;
		free(process->working_directory);
		process->working_directory = strdup(ret_path);
		return process->working_directory;
	}
	memccpy(ret_path, process->working_directory, '\0', PATH_MAX);
	return true;
}

enum procpath_base procpath_read_absolute(struct process *process, pid_t tid, int dirfd, uint64_t address,
					  char *ret_path)
{
	char name[PATH_MAX];

	if (!procpath_read(tid, address, name) || name[0] == '\0')
		return PROCPATH_UNKNOWN;
	if (name[0] == '/') {
		memccpy(ret_path, name, '\0', PATH_MAX);
		return PROCPATH_FROM_ROOT;
	}
	if (!base_directory(process, tid, dirfd, ret_path))
		return PROCPATH_UNKNOWN;
	const char *rest = strncmp(name, "./", 2) == 0 ? name + 2 : name;
	size_t n = strlen(ret_path);

	if (n + 1 + strlen(rest) >= PATH_MAX)
		return PROCPATH_UNKNOWN;
	if (n > 1) /* not "/" */
		ret_path[n++] = '/';
	memccpy(ret_path + n, rest, '\0', PATH_MAX - n);
	return PROCPATH_FROM_NAMESPACE;
}
