/* detach.c - which calls and programs a tracer has to step aside for, and how. */
#include "trace/detach.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/ptrace.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sys/fileid.h"
#include "sys/script.h"
#include "trace/procpath.h"

static bool grants_privilege(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	return (st.st_mode & (S_ISUID | S_ISGID)) || getxattr(path, "security.capability", NULL, 0) > 0;
}

/* path as we see it, also by way of a script's interpreter. root is put before each interpreter: what the
 * process sees as "/". */
static bool exec_grants_privilege(const char *root, const char *path)
{
	char interpreter[SCRIPT_INTERPRETER_BYTES];
	char seen_path[PATH_MAX + 64];

	snprintf(seen_path, sizeof(seen_path), "%s", path);
	for (int depth = 0; depth < SCRIPT_MAX_INTERPRETERS; depth++) {
		if (grants_privilege(seen_path))
			return true;
		if (!script_read_interpreter(seen_path, interpreter))
			return false;
		snprintf(seen_path, sizeof(seen_path), "%s%s", root, interpreter);
	}
	return false;
}

bool detach_grants_privilege(const char *path)
{
	return exec_grants_privilege("", path);
}

/* name, as the process knows it, as a path that leads us to the same file through /proc/PID: below root, or
 * from its directory base ("cwd", "fd/3"). False: too long. */
static bool see_path(pid_t pid, const char *root, const char *base, const char *name, char *ret_path,
		     size_t size)
{
	int n;

	if (strncmp(name, "/proc/self/", 11) == 0)
		n = snprintf(ret_path, size, "/proc/%d/%s", pid, name + 11);
	else if (strncmp(name, "/dev/fd/", 8) == 0)
		n = snprintf(ret_path, size, "/proc/%d/fd/%s", pid, name + 8);
	else if (name[0] == '/')
		n = snprintf(ret_path, size, "%s%s", root, name);
	else
		n = snprintf(ret_path, size, "/proc/%d/%s%s%s", pid, base, name[0] ? "/" : "", name);
	return n >= 0 && (size_t)n < size;
}

bool detach_may_look(const struct task *task, struct far_mounts *far_mounts)
{
	const struct syscall_row *row = task->call.row;
	char name[PATH_MAX];
	char directory[PATH_MAX] = "";
	char path[2 * PATH_MAX];
	char base[32] = "cwd";

	if (row->politeness != SYSCALL_EXECS || (task->process->flags & PROCESS_IS_ELSEWHERE) ||
	    !procpath_read(task->tid, task->call.args[row->path_arg], name))
		return true;
	if (row->dirfd_arg >= 0 && (int)task->call.args[row->dirfd_arg] != AT_FDCWD)
		snprintf(base, sizeof(base), "fd/%d", (int)task->call.args[row->dirfd_arg]);
	if (name[0] != '/' && procfs_read_link(task->tid, base, directory) < 0)
		return true;
	snprintf(path, sizeof(path), "%s%s%s", directory, name[0] == '/' ? "" : "/", name);
	return far_mounts_answer(far_mounts, path);
}

static bool is_privileged_exec(const struct task *task)
{
	const struct syscall_row *row = task->call.row;
	char name[PATH_MAX];
	char path[PATH_MAX + 64];
	char root[64];
	char base[32] = "cwd";

	snprintf(root, sizeof(root), "/proc/%d/root", task->tid);
	/* The process hides its /proc (PR_SET_DUMPABLE): its paths are taken for ours. */
	if (access(root, X_OK) < 0)
		root[0] = '\0';
	if (row->dirfd_arg >= 0 && (int)task->call.args[row->dirfd_arg] != AT_FDCWD)
		snprintf(base, sizeof(base), "fd/%d", (int)task->call.args[row->dirfd_arg]);
	return procpath_read(task->tid, task->call.args[row->path_arg], name) &&
	       see_path(task->tid, root, base, name, path, sizeof(path)) && exec_grants_privilege(root, path);
}

/* Of a child that is about to be made. 0: they cannot be read. */
static uint64_t clone_flags(const struct task *task)
{
	uint64_t flags = task->call.args[0];

	if (task->call.row->politeness == SYSCALL_CLONES_BY_PTR && /* clone3(2): the first of its arguments */
	    tracee_read_memory(task->tid, task->call.args[0], &flags, sizeof(flags)) !=
		    (ssize_t)sizeof(flags))
		return 0;
	return flags;
}

enum detach detach_at_entry(const struct task *task, pid_t *ret_pid)
{
	switch (task->call.row->politeness) {
	case SYSCALL_EXECS:
		return is_privileged_exec(task) ? DETACH_CALLER_UNLESS_CAPABLE : DETACH_NONE;
	case SYSCALL_TRACES:
		if (task->call.args[0] == PTRACE_TRACEME)
			return DETACH_CALLER;
		if (task->call.args[0] != PTRACE_ATTACH && task->call.args[0] != PTRACE_SEIZE)
			return DETACH_NONE;
		*ret_pid = (pid_t)task->call.args[1];
		return DETACH_OTHER;
	case SYSCALL_CLONES:
	case SYSCALL_CLONES_BY_PTR:
		return clone_flags(task) & CLONE_UNTRACED ? DETACH_PROCESS : DETACH_NONE;
	case SYSCALL_SETS_OPTIONS:
		/* PR_SET_PTRACER_ANY is for a child, most often, whose own call will be seen. */
		*ret_pid = (pid_t)task->call.args[1];
		return task->call.args[0] == PR_SET_PTRACER && *ret_pid > 0 ? DETACH_FOR : DETACH_NONE;
	case SYSCALL_SERVES: /* fanotify_init(2): those with a class other than 0 are asked for permission */
		return task->call.args[0] & (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT) ? DETACH_PROCESS
											: DETACH_NONE;
	case SYSCALL_FORKS:
	case SYSCALL_IS_HARMLESS:
		break;
	}
	return DETACH_NONE;
}

static bool has_handler(pid_t tid, int signal)
{
	struct procfs_status status;

	return procfs_read_status(tid, &status) == 0 && (status.caught_signals >> (signal - 1)) & 1;
}

bool detach_is_served_by(const char *path)
{
	return strcmp(path, "/dev/fuse") == 0;
}

enum detach_crash detach_at_crash(const struct tracee_stop *stop)
{
	if (!has_handler(stop->tid, stop->signal))
		return DETACH_NO_HANDLER;
	return stop->signal == SIGSEGV ? DETACH_ANY_HANDLER : DETACH_LAST_HANDLER;
}

enum detach detach_in_handler(const struct task *task)
{
	bool wants_tracer = false;

	switch (task->call.row->politeness) {
	case SYSCALL_FORKS:
		wants_tracer = true;
		break;
	case SYSCALL_CLONES:
	case SYSCALL_CLONES_BY_PTR:
		wants_tracer = !(clone_flags(task) & CLONE_THREAD);
		break;
	case SYSCALL_SETS_OPTIONS:
		wants_tracer = task->call.args[0] == PR_SET_PTRACER && task->call.args[1] != 0;
		break;
	default:
		break;
	}
	return wants_tracer ? DETACH_PROCESS : DETACH_NONE;
}

bool detach_is_sanitized(pid_t pid)
{
	cleanup_close int fd = procfs_open(pid, "exe");

	return fd >= 0 && (elfinfo_has_name(fd, "__asan_") || elfinfo_has_name(fd, "__lsan_") ||
			   elfinfo_has_name(fd, "__hwasan_"));
}

/* Is name, as the process knows it, the program that it executes? */
static bool names_program(pid_t pid, const char *executable, const char *name)
{
	char path[PATH_MAX + 64];
	char root[64];
	struct stat named;
	struct stat running;

	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	return see_path(pid, root, "cwd", name, path, sizeof(path)) && stat(path, &named) == 0 &&
	       stat(executable, &running) == 0 && named.st_dev == running.st_dev &&
	       named.st_ino == running.st_ino;
}

/* Which argument is name: where the arguments of a script begin. 0: none. */
static uint64_t find_argument(pid_t pid, uint64_t args, const char *name)
{
	enum { MAX_INSERTED = 10 }; /* two for each interpreter */
	char arg[PATH_MAX];
	uint64_t address = 0;

	for (uint64_t i = 1; i <= MAX_INSERTED; i++) {
		if (tracee_read_memory(pid, args + 8 * i, &address, sizeof(address)) < 8 || !address)
			return 0;
		if (procpath_read(pid, address, arg) && strcmp(arg, name) == 0)
			return i;
	}
	return 0;
}

enum detach_redo detach_make_good(struct tracee_stop *stop)
{
	char executable[64];
	char name[PATH_MAX];
	struct tracee_start start;
	uint64_t n_skipped = 0;

	snprintf(executable, sizeof(executable), "/proc/%d/exe", stop->tid);
	if (!grants_privilege(executable) || tracee_read_start(stop, &start) < 0 ||
	    !procpath_read(stop->tid, start.name, name))
		return DETACH_NOTHING_LOST;
	bool is_found = names_program(stop->tid, executable, name);

	if (!is_found) {
		n_skipped = find_argument(stop->tid, start.args, name);
		is_found = n_skipped > 0;
	}
	if (!is_found) {
		/* By a descriptor that is closed by now. */
		ssize_t n = readlink(executable, name, sizeof(name) - 1);

		if (n <= 0)
			return DETACH_NOTHING_LOST;
		name[n] = '\0';
	}
	return tracee_release_to_exec(stop, name, n_skipped) == 0 ? DETACH_REDONE : DETACH_NOTHING_LOST;
}
