#include "courtesy.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/ptrace.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "fileuse.h"

/* The interpreter of a "#!" script, as seen under root. False if path is none. */
static bool read_interpreter(const char *path, char ret_interpreter[static 256])
{
	struct stat st;
	cleanup_close int fd = fileid_open(path, &st);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret_interpreter, 255, 0);

	if (n < 3 || memcmp(ret_interpreter, "#!", 2) != 0)
		return false;
	ret_interpreter[n] = '\0';
	size_t skipped = 2 + strspn(ret_interpreter + 2, " \t");
	size_t length = strcspn(ret_interpreter + skipped, " \t\n");

	memmove(ret_interpreter, ret_interpreter + skipped, length);
	ret_interpreter[length] = '\0';
	return ret_interpreter[0] == '/';
}

static bool grants_privilege(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	return (st.st_mode & (S_ISUID | S_ISGID)) || getxattr(path, "security.capability", NULL, 0) > 0;
}

/* Also by way of a script's interpreter. root is put before each path: what the process sees as "/". */
static bool exec_grants_privilege(const char *root, const char *path)
{
	enum { MOST_INTERPRETERS = 5 }; /* the kernel's own limit (fs/exec.c) */
	char interpreter[256];
	char seen_path[PATH_MAX + 64];

	for (int depth = 0; depth < MOST_INTERPRETERS; depth++) {
		snprintf(seen_path, sizeof(seen_path), "%s%s", root, path);
		if (grants_privilege(seen_path))
			return true;
		if (!read_interpreter(seen_path, interpreter))
			return false;
		path = interpreter;
	}
	return false;
}

bool courtesy_grants_privilege(const char *path)
{
	return exec_grants_privilege("", path);
}

static bool is_privileged_exec(const struct task *task)
{
	char path[PATH_MAX];
	char root[64];
	bool is_at = task->nr == SYS_execveat;
	int dirfd = is_at ? (int)task->args[0] : AT_FDCWD;

	snprintf(root, sizeof(root), "/proc/%d/root", task->process->pid);
	if (fileuse_path_argument(task->process, task->tid, dirfd, task->args[is_at ? 1 : 0], path))
		return exec_grants_privilege(root, path);
	if (!is_at)
		return false;
	/* An empty path: the descriptor itself is executed. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", task->process->pid, dirfd);
	return grants_privilege(path);
}

enum courtesy courtesy_at_entry(const struct task *task, pid_t *ret_pid)
{
	switch (task->nr) {
	case SYS_execve:
	case SYS_execveat:
		return is_privileged_exec(task) ? COURTESY_RELEASE_CALLER : COURTESY_NONE;
	case SYS_ptrace:
		if (task->args[0] == PTRACE_TRACEME)
			return COURTESY_RELEASE_CALLER;
		if (task->args[0] != PTRACE_ATTACH && task->args[0] != PTRACE_SEIZE)
			return COURTESY_NONE;
		*ret_pid = (pid_t)task->args[1];
		return COURTESY_RELEASE_OTHER;
	default:
		return COURTESY_NONE;
	}
}
