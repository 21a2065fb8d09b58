/* procfs.c - reads /proc/PID/..., each file in one place. */
#include "sys/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

/* "/proc/123/fdinfo/4" and the like. */
enum { PROC_PATH_BYTES = 64 };
/* A member of hundreds of groups has a long status. */
enum { STATUS_BYTES = 16384 };
/* include/linux/pid_namespace.h, MAX_PID_NS_LEVEL, and the first one */
enum { MAX_PID_LEVELS = 33 };

static void proc_path(pid_t pid, const char *name, char ret_path[static PROC_PATH_BYTES])
{
	snprintf(ret_path, PROC_PATH_BYTES, "/proc/%d/%s", pid, name);
}

bool procfs_is_ours(void)
{
	char own_id[16] = "";

	return readlink("/proc/self", own_id, sizeof(own_id) - 1) > 0 && atoi(own_id) == getpid();
}

int procfs_open(pid_t pid, const char *name)
{
	char path[PROC_PATH_BYTES];

	proc_path(pid, name, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

ssize_t procfs_read(pid_t pid, const char *name, char *ret_text, size_t size)
{
	cleanup_close int fd = procfs_open(pid, name);

	if (fd < 0)
		return fd;
	ssize_t n = read(fd, ret_text, size - 1);

	if (n < 0)
		return -errno;
	ret_text[n] = '\0';
	return n;
}

ssize_t procfs_read_link(pid_t pid, const char *name, char *ret_path)
{
	char link[PROC_PATH_BYTES];

	proc_path(pid, name, link);
	ssize_t n = readlink(link, ret_path, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	ret_path[n] = '\0';
	return n;
}

bool procfs_is_same(pid_t pid, const char *name, const char *path)
{
	char theirs[PROC_PATH_BYTES];
	struct stat a;
	struct stat b;

	proc_path(pid, name, theirs);
	return stat(path, &a) == 0 && stat(theirs, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The number behind a line's key, say "Tgid:\t123\n". */
static long status_number(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtol(line + strlen(key), NULL, 10) : -1;
}

/* Signals or capabilities behind a key, "SigCgt:\t0000000180014002\n": a bit each. */
static uint64_t status_bits(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

int procfs_read_status(pid_t tid, struct procfs_status *ret_status)
{
	char text[STATUS_BYTES];
	ssize_t n = procfs_read(tid, "status", text, sizeof(text));

	if (n < 0)
		return (int)n;
	long n_threads = status_number(text, "\nThreads:");
	long n_filters = status_number(text, "\nSeccomp_filters:");
	struct procfs_status status = {
		.tgid = (pid_t)status_number(text, "\nTgid:"),
		.parent_pid = (pid_t)status_number(text, "\nPPid:"),
		.tracer_tid = (pid_t)status_number(text, "\nTracerPid:"),
		.n_threads = n_threads > 0 ? (size_t)n_threads : 0,
		/* 0 none, 1 strict, 2 filter; when in doubt there is one. */
		.has_seccomp_filter = status_number(text, "\nSeccomp:") != 0,
		.n_seccomp_filters = n_filters > 0 ? (size_t)n_filters : 0,
		.caught_signals = status_bits(text, "\nSigCgt:"),
	};

	if (status.tgid <= 0)
		return -ESRCH;
	*ret_status = status;
	return 0;
}

char procfs_read_state(pid_t tid)
{
	char text[256]; /* "1 (name) R 2 ...": names have up to 15 bytes, ")" among them */
	const char *end = procfs_read(tid, "stat", text, sizeof(text)) > 0 ? strrchr(text, ')') : NULL;

	return end && end[1] == ' ' ? end[2] : 0;
}

/* "\nNSpid:\t2015\t7\t1\n": in our own PID namespace, the one below, and so on down to the task's. Their
 * number. */
static size_t read_numbers(pid_t tid, pid_t numbers[static MAX_PID_LEVELS])
{
	char text[STATUS_BYTES];
	const char *at = procfs_read(tid, "status", text, sizeof(text)) > 0 ? strstr(text, "\nNSpid:") : NULL;
	size_t n = 0;

	for (at = at ? at + strlen("\nNSpid:") : ""; *at == '\t' && n < MAX_PID_LEVELS; n++) {
		char *end;

		numbers[n] = (pid_t)strtol(at, &end, 10);
		at = end;
	}
	return n;
}

size_t procfs_pid_level(pid_t tid)
{
	pid_t numbers[MAX_PID_LEVELS];
	size_t n = read_numbers(tid, numbers);

	return n > 0 ? n - 1 : 0;
}

pid_t procfs_number_at(pid_t tid, size_t level)
{
	pid_t numbers[MAX_PID_LEVELS];

	return level < read_numbers(tid, numbers) ? numbers[level] : 0;
}

uint64_t procfs_on_cpu_ns(pid_t tid)
{
	char text[64]; /* "123456 789 10": on a CPU, waiting for one, times */

	return procfs_read(tid, "schedstat", text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

int64_t procfs_read_position(pid_t tid, int fd)
{
	char name[32];
	char text[64]; /* "pos:\t1234" is the first line */

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	return procfs_read(tid, name, text, sizeof(text)) < 5 ? -1 : strtoll(text + 4, NULL, 10);
}

uint64_t procfs_read_auxv(pid_t tid, unsigned long type)
{
	ElfW(auxv_t) auxv[64];
	cleanup_close int fd = procfs_open(tid, "auxv");
	ssize_t n = fd < 0 ? -1 : read(fd, auxv, sizeof(auxv));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(auxv[0]); i++)
		if (auxv[i].a_type == type)
			return auxv[i].a_un.a_val;
	return 0;
}

uint64_t procfs_exec_mark(pid_t pid)
{
	ElfW(auxv_t) auxv[64] = { { 0 } };
	const unsigned char *bytes = (const void *)auxv;
	cleanup_close int fd = procfs_open(pid, "auxv");
	ssize_t n = fd < 0 ? -1 : read(fd, auxv, sizeof(auxv));
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (ssize_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	/* In the middle of an exec it is empty. */
	return n > 0 && auxv[0].a_type != AT_NULL ? hash : 0;
}

/* Of one thread: "123 456 ". A long list is cut, maybe within a number, which is left out then. */
static size_t add_children(pid_t pid, const char *tid, pid_t *ret_pids, size_t n_max)
{
	char name[64];
	char text[2048];
	size_t n = 0;

	snprintf(name, sizeof(name), "task/%.20s/children", tid);
	if (procfs_read(pid, name, text, sizeof(text)) <= 0)
		return 0;
	for (char *at = text, *end = NULL; n < n_max; at = end) {
		long child = strtol(at, &end, 10);

		if (end == at || *end != ' ')
			break;
		ret_pids[n++] = (pid_t)child;
	}
	return n;
}

static size_t add_thread(pid_t pid, const char *tid, pid_t *ret_tids, size_t n_max)
{
	(void)pid;
	if (n_max > 0)
		ret_tids[0] = atoi(tid);
	return n_max > 0;
}

/* What add() finds for each thread, which it is given the name of: n_max at most. */
static size_t read_tasks(pid_t pid, size_t (*add)(pid_t pid, const char *tid, pid_t *ret_ids, size_t n_max),
			 pid_t *ret_ids, size_t n_max)
{
	char path[PROC_PATH_BYTES];
	const struct dirent *entry;
	size_t n = 0;

	proc_path(pid, "task", path);
	DIR *tasks = opendir(path);

	if (!tasks)
		return 0;
	while (n < n_max && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			n += add(pid, entry->d_name, ret_ids + n, n_max - n);
	closedir(tasks);
	return n;
}

size_t procfs_read_children(pid_t pid, pid_t *ret_pids, size_t n_max)
{
	return read_tasks(pid, add_children, ret_pids, n_max);
}

size_t procfs_read_threads(pid_t pid, pid_t *ret_tids, size_t n_max)
{
	return read_tasks(pid, add_thread, ret_tids, n_max);
}

/* "42 (name) S 1 42 42 0 -1 4194304 104 0 3 0 ...": majflt is field 12, cmajflt field 13; the name may
 * hold anything, but the last ')' ends it. */
static uint64_t parse_major_faults(const char *text)
{
	unsigned long own = 0;
	unsigned long children = 0;
	const char *rest = strrchr(text, ')');

	if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %lu %lu", &own, &children) != 2)
		return 0;
	return (uint64_t)own + children;
}

int procfs_read_cost(pid_t pid, struct procfs_cost *ret_cost)
{
	char text[1024];
	struct procfs_cost result = { 0 };
	ssize_t n_stat = procfs_read(pid, "stat", text, sizeof(text));

	if (n_stat > 0)
		result.major_faults = parse_major_faults(text);
	ssize_t n_io = procfs_read(pid, "io", text, sizeof(text));
	const char *line = n_io > 0 ? strstr(text, "\nread_bytes: ") : NULL;

	if (line) {
		result.read_bytes = strtoull(line + strlen("\nread_bytes: "), NULL, 10);
		result.knows_read_bytes = true;
	}
	if (n_stat < 0 && n_io < 0)
		return (int)n_stat;
	*ret_cost = result;
	return 0;
}
