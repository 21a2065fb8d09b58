/*
 * agent.c - libpbrun-agent.so: in a program that may not be traced, notes what it opens, and at its end which
 * pages it has, for the observer (trace/agent_log.h).
 *
 * It is loaded by LD_PRELOAD, and runs in somebody else's program, at any point of it, in signal handlers and
 * forked children, too. So it allocates nothing, prints nothing, keeps no descriptor open, waits for nobody,
 * leaves errno as it is, and what goes wrong with it has no consequence. Before any other code of the program
 * runs, it takes itself out of the environment.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "trace/agent_log.h"

#define EXPORT __attribute__((visibility("default")))
/* The report before the end takes no longer. */
#define MAX_REPORT_NS (INT64_C(20) * 1000 * 1000)
#define MAX_MAPS_BYTES (AGENT_LOG_MAX_DATA / 2)
#define MAX_PAGES (MAX_MAPS_BYTES / (uint32_t)sizeof(struct agent_pages))

static struct agent_head *head; /* NULL: nothing is noted */
/* From when on the program may be killed for a call that it does not make itself; as agent_head.is_confined.
 */
static _Atomic bool is_confined;
/* The last process that has reported its end, and an exec(2): each does so once, as an exec may be tried
 * again and again. */
static _Atomic pid_t ended_pid, execing_pid;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* May anything but memory be used? */
static bool is_free(void)
{
	return head && !atomic_load(&is_confined) && atomic_load(&head->is_confined) == 0;
}

static int open_here(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

/* Room for a record with so much data. NULL: there is none. */
static struct agent_record *begin_record(size_t max_data)
{
	uint64_t n_bytes = (sizeof(struct agent_record) + max_data + 7) & ~UINT64_C(7);

	if (!head || atomic_load(&head->n_bytes) > AGENT_LOG_BYTES - n_bytes)
		return NULL;
	uint64_t offset = atomic_fetch_add(&head->n_bytes, n_bytes);

	if (offset > AGENT_LOG_BYTES - n_bytes)
		return NULL;
	struct agent_record *record = (void *)((unsigned char *)head + offset);

	atomic_store(&record->n_bytes, (uint32_t)n_bytes);
	record->pid = getpid();
	record->time_ns = now_ns();
	return record;
}

/* Gives back what is left of the room, if nobody came behind it. */
static void end_record(struct agent_record *record, enum agent_kind kind, size_t n_data)
{
	uint64_t offset = (uint64_t)((unsigned char *)record - (unsigned char *)head);
	uint32_t n_used = (uint32_t)((sizeof(*record) + n_data + 7) & ~UINT64_C(7));
	uint64_t reserved_end = offset + atomic_load(&record->n_bytes);

	record->n_data = (uint32_t)n_data;
	if (atomic_compare_exchange_strong(&head->n_bytes, &reserved_end, offset + n_used))
		atomic_store(&record->n_bytes, n_used);
	atomic_store(&record->kind, kind);
}

static bool is_elsewhere(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/", 5) == 0 ||
	       strncmp(path, "/sys/", 5) == 0;
}

/* "/proc/self/fd/" and the number. */
static void name_descriptor(int fd, char *ret_path)
{
	char digits[12];
	size_t n = 0;

	ret_path = stpcpy(ret_path, "/proc/self/fd/");
	do
		digits[n++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (n > 0)
		*ret_path++ = digits[--n];
	*ret_path = '\0';
}

static void note_opened(const char *path, int flags, int fd)
{
	enum { MAX_PATH = 4096 };
	int saved_errno = errno;
	size_t size = strnlen(path, MAX_PATH);
	char link[32];

	if (!is_free() || fd < 0 || (flags & O_ACCMODE) == O_WRONLY || size == MAX_PATH || is_elsewhere(path))
		return;
	bool is_absolute = path[0] == '/';
	struct agent_record *record = begin_record(is_absolute ? size : MAX_PATH);

	if (record && is_absolute) {
		memcpy(record + 1, path, size);
		end_record(record, AGENT_OPENED, size);
	} else if (record) {
		ssize_t n = -1;

		name_descriptor(fd, link);
		n = readlink(link, (char *)(record + 1), MAX_PATH);
		end_record(record, AGENT_OPENED, n > 0 && n < MAX_PATH ? (size_t)n : 0);
	}
	errno = saved_errno;
}

/* One line of maps: "START-END PERMISSIONS OFFSET DEVICE INODE   /PATH". Of what is no file: false. */
static const char *parse_line(const char *line, const char *end, uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t numbers[2] = { 0 };
	const char *at = line;

	for (int i = 0; i < 2; i++, at++)
		for (; at < end; at++) {
			int digit = *at >= '0' && *at <= '9'   ? *at - '0'
				    : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10
							       : -1;

			if (digit < 0)
				break;
			numbers[i] = numbers[i] << 4 | (uint64_t)digit;
		}
	while (at < end && *at != '/' && *at != '\n')
		at++;
	*ret_start = at < end && *at == '/' ? numbers[0] : 0;
	*ret_end = at < end && *at == '/' ? numbers[1] : 0;
	at = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
	return at ? at + 1 : end;
}

/* From <linux/fs.h> of Linux 6.7, as in pagemap.c. */
struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)
#define SCAN_PRESENT_OR_SWAPPED (UINT64_C(3) << 3)
#define SCAN_STEP_BYTES (UINT64_C(1) << 30)

static size_t scan(int pagemap_fd, uint64_t start, uint64_t end, struct agent_pages *pages, size_t n_max)
{
	struct scan_arg arg = { .size = sizeof(arg),
				.start = start,
				.vec = (uintptr_t)pages,
				.vec_len = n_max,
				.category_anyof_mask = SCAN_PRESENT_OR_SWAPPED,
				.return_mask = AGENT_PAGES_ARE_HUGE };

	arg.end = end - start > SCAN_STEP_BYTES ? start + SCAN_STEP_BYTES : end;
	int n = n_max > 0 ? ioctl(pagemap_fd, SCAN_IOCTL, &arg) : 0;

	return n > 0 ? (size_t)n : 0;
}

/* Which pages of the files in maps are there. */
static void note_pages(const char *maps, size_t size)
{
	struct agent_record *record = begin_record(MAX_PAGES * sizeof(struct agent_pages));
	struct agent_pages *pages = (void *)(record + 1);
	int fd = record ? open_here("/proc/self/pagemap") : -1;
	uint64_t until_ns = now_ns() + MAX_REPORT_NS;
	const char *end = maps + size;
	size_t n = 0;

	if (!record)
		return;
	while (fd >= 0 && maps < end && n < MAX_PAGES && now_ns() < until_ns) {
		uint64_t range_start, range_end;

		maps = parse_line(maps, end, &range_start, &range_end);
		if (range_end > range_start)
			n += scan(fd, range_start, range_end, pages + n, MAX_PAGES - n);
	}
	if (fd >= 0)
		close(fd);
	end_record(record, AGENT_PAGES, n * sizeof(*pages));
}

static size_t read_maps(char *text, size_t max_size)
{
	int fd = open_here("/proc/self/maps");
	size_t size = 0;
	ssize_t n = 1;

	while (fd >= 0 && n > 0 && size < max_size) {
		n = read(fd, text + size, max_size - size);
		size += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return size;
}

static void report(enum agent_kind kind)
{
	int saved_errno = errno;
	_Atomic pid_t *reported = kind == AGENT_MAPS ? &ended_pid : &execing_pid;

	if (!is_free())
		return;
	pid_t pid = getpid();

	if (atomic_exchange(reported, pid) == pid)
		return;
	struct agent_record *record = begin_record(MAX_MAPS_BYTES);

	if (record) {
		size_t size = read_maps((char *)(record + 1), MAX_MAPS_BYTES);

		end_record(record, kind, size);
		note_pages((const char *)(record + 1), size);
	}
	errno = saved_errno;
}

/* The number behind "NAME=". -1: it is another variable, or no number. */
static int parse_variable(const char *variable, const char *name)
{
	size_t size = strlen(name);
	int number = 0;

	if (strncmp(variable, name, size) != 0 || !variable[size])
		return -1;
	for (const char *digit = variable + size; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || number > 1000000)
			return -1;
		number = 10 * number + (*digit - '0');
	}
	return number;
}

static void map_area(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == AGENT_LOG_BYTES) {
		struct agent_head *area =
			mmap(NULL, AGENT_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		close(fd);
		if (area == MAP_FAILED)
			return;
		(void)madvise(area, AGENT_LOG_BYTES, MADV_DONTDUMP);
		head = area->magic == AGENT_LOG_MAGIC ? area : NULL;
	}
}

static void find_next(void);

/* Before any other code of the program (-z initfirst). */
__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
	size_t n = 0;

	(void)argc, (void)argv;
	while (envp[n])
		n++;
	int fd = n >= 2 ? parse_variable(envp[n - 1], AGENT_LOG_VARIABLE) : -1;

	if (fd < 0 || strncmp(envp[n - 2], AGENT_LOG_PRELOAD, strlen(AGENT_LOG_PRELOAD)) != 0)
		return;
	memset(envp[n - 2], 0, strlen(envp[n - 2]));
	memset(envp[n - 1], 0, strlen(envp[n - 1]));
	/* Who looks for the auxiliary vector behind the end of the environment finds it: AT_IGNORE, and 0. */
	envp[n - 2] = NULL;
	envp[n - 1] = (char *)1;
	map_area(fd);
	find_next();
}

__attribute__((destructor)) static void finish(void)
{
	report(AGENT_MAPS);
}

/* The functions that the program would call without us. */
static struct {
	__typeof__(&open) open, open64;
	__typeof__(&openat) openat, openat64;
	__typeof__(&fopen) fopen, fopen64;
	__typeof__(&execv) execv, execvp;
	__typeof__(&execve) execve, execvpe;
	__typeof__(&prctl) prctl;
} next;

#define FIND(name) (next.name = (__typeof__(next.name))dlsym(RTLD_NEXT, #name))

/* Also before start(): the functions that choose another one (ifunc) run even earlier. */
static void find_next(void)
{
	FIND(open), FIND(open64), FIND(openat), FIND(openat64), FIND(fopen), FIND(fopen64);
	FIND(execv), FIND(execvp), FIND(execve), FIND(execvpe), FIND(prctl);
}

#define NEXT(name) (next.name ? next.name : (find_next(), next.name))

#define TAKE_MODE(flags)                                                                                     \
	mode_t mode = 0;                                                                                     \
	if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {                                              \
		va_list args;                                                                                \
		va_start(args, flags);                                                                       \
		mode = va_arg(args, mode_t);                                                                 \
		va_end(args);                                                                                \
	}

/* Parameters have the names that <fcntl.h> and <stdio.h> give them. */
#define WRAP_OPEN(name)                                                                                      \
	EXPORT int name(const char *file, int oflag, ...)                                                    \
	{                                                                                                    \
		TAKE_MODE(oflag)                                                                             \
		int opened = NEXT(name)(file, oflag, mode);                                                  \
		note_opened(file, oflag, opened);                                                            \
		return opened;                                                                               \
	}

#define WRAP_OPENAT(name)                                                                                    \
	EXPORT int name(int fd, const char *file, int oflag, ...)                                            \
	{                                                                                                    \
		TAKE_MODE(oflag)                                                                             \
		int opened = NEXT(name)(fd, file, oflag, mode);                                              \
		note_opened(file, oflag, opened);                                                            \
		return opened;                                                                               \
	}

#define WRAP_FOPEN(name)                                                                                     \
	EXPORT FILE *name(const char *filename, const char *modes)                                           \
	{                                                                                                    \
		FILE *stream = NEXT(name)(filename, modes);                                                  \
		note_opened(filename, modes[0] == 'r' ? O_RDONLY : O_WRONLY, stream ? fileno(stream) : -1);  \
		return stream;                                                                               \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
WRAP_FOPEN(fopen)
WRAP_FOPEN(fopen64)

EXPORT int execv(const char *path, char *const argv[])
{
	report(AGENT_EXEC_MAPS);
	return NEXT(execv)(path, argv);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	report(AGENT_EXEC_MAPS);
	return NEXT(execvp)(file, argv);
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	report(AGENT_EXEC_MAPS);
	return NEXT(execve)(path, argv, envp);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	report(AGENT_EXEC_MAPS);
	return NEXT(execvpe)(file, argv, envp);
}

EXPORT int prctl(int option, ...)
{
	unsigned long argument[4];
	va_list args;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		argument[i] = va_arg(args, unsigned long);
	va_end(args);
	if (option == PR_SET_SECCOMP)
		atomic_store(&is_confined, true);
	return NEXT(prctl)(option, argument[0], argument[1], argument[2], argument[3]);
}

EXPORT __attribute__((noreturn)) void _exit(int status)
{
	report(AGENT_MAPS);
	for (;;)
		syscall(SYS_exit_group, status);
}

EXPORT __attribute__((noreturn)) void _Exit(int status)
{
	_exit(status);
}
