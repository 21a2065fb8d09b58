#include "procstat.h"

#include <fcntl.h>
#include <string.h>

bool procstat_proc_is_ours(void)
{
	char own_id[16] = "";

	return readlink("/proc/self", own_id, sizeof(own_id) - 1) > 0 && atoi(own_id) == getpid();
}

/* A whole small file of /proc/PID, terminated. The size, or -errno. */
static ssize_t read_file(pid_t pid, const char *name, char *ret_text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	if (n < 0)
		return -errno;
	ret_text[n] = '\0';
	return n;
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

int procstat_read(pid_t pid, struct procstat *ret_stat)
{
	char text[1024];
	struct procstat result = { 0 };
	ssize_t n_stat = read_file(pid, "stat", text, sizeof(text));

	if (n_stat > 0)
		result.major_faults = parse_major_faults(text);
	ssize_t n_io = read_file(pid, "io", text, sizeof(text));
	const char *line = n_io > 0 ? strstr(text, "\nread_bytes: ") : NULL;

	if (line)
		result.read_bytes = strtoull(line + strlen("\nread_bytes: "), NULL, 10);
	if (n_stat < 0 && n_io < 0)
		return (int)n_stat;
	*ret_stat = result;
	return 0;
}
