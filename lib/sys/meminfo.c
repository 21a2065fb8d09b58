/* meminfo.c - reads how much memory this process's groups leave to it. */
#include "sys/meminfo.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "sys/bounds.h"
#include "sys/cleanup.h"

/* /proc/meminfo and memory.stat have about 2 KiB; a deeply nested /proc/self/cgroup some more. */
enum { TEXT_SIZE = 16384 };

/* The memory controller as cgroup v1 and v2 call it. */
struct controller {
	const char *mount;
	const char *limit;
	const char *soft_limit; /* beyond it the kernel reclaims */
	const char *usage;
	const char *inactive_file; /* in memory.stat */
};

static const struct controller version_1 = {
	.mount = "/sys/fs/cgroup/memory",
	.limit = "memory.limit_in_bytes",
	.soft_limit = "memory.soft_limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.inactive_file = "total_inactive_file",
};

static const struct controller version_2 = {
	.mount = "/sys/fs/cgroup",
	.limit = "memory.max",
	.soft_limit = "memory.high",
	.usage = "memory.current",
	.inactive_file = "inactive_file",
};

/* The beginning of the file root + directory + "/" + name, terminated. False: it cannot be read. */
static bool read_text(const char *root, const char *directory, const char *name, char ret_text[TEXT_SIZE])
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s%s/%s", root, directory, name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return false;

	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t size = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = read(fd, ret_text + size, TEXT_SIZE - 1 - size)) > 0)
		size += (size_t)n;
	ret_text[size] = '\0';
	return size > 0;
}

/* The number after a key at the beginning of a line:
 *     MemAvailable:   24276848 kB
 *     inactive_file 1234567 */
static bool find_number(const char *text, const char *key, uint64_t *ret_number)
{
	size_t key_size = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, key_size) == 0 && strchr(": ", line[key_size]))
			return sscanf(line + key_size, "%*[: ]%" SCNu64, ret_number) == 1;
	}
	return false;
}

/* A file that holds one number. "max" in v2 is no number: no limit. */
static bool read_number(const char *root, const char *directory, const char *name, uint64_t *ret_number)
{
	char text[TEXT_SIZE];

	return read_text(root, directory, name, text) && sscanf(text, "%" SCNu64, ret_number) == 1;
}

/* What one cgroup leaves of its own limit. */
static uint64_t left_by_group(const struct controller *controller, const char *root, const char *directory)
{
	uint64_t limit = UINT64_MAX, soft_limit = UINT64_MAX, usage = 0, inactive = 0;
	char stat[TEXT_SIZE];

	(void)read_number(root, directory, controller->limit, &limit);
	(void)read_number(root, directory, controller->soft_limit, &soft_limit);
	limit = min_u64(limit, soft_limit);
	if (limit == UINT64_MAX || !read_number(root, directory, controller->usage, &usage))
		return UINT64_MAX;
	if (read_text(root, directory, "memory.stat", stat))
		(void)find_number(stat, controller->inactive_file, &inactive);
	usage -= min_u64(usage, inactive);
	return limit - min_u64(limit, usage);
}

/*
 * The least that path (of path_size bytes, from /proc/self/cgroup) and the groups above it leave. A
 * container may see its own group as the root of the mount, though not in path: then only the root
 * is found, and holds its limit.
 */
static uint64_t left_by_groups(const struct controller *controller, const char *root, const char *path,
			       size_t path_size)
{
	uint64_t left = UINT64_MAX;
	char directory[PATH_MAX];
	size_t mount_size = strlen(controller->mount);
	int length =
		snprintf(directory, sizeof(directory), "%s%.*s", controller->mount, (int)path_size, path);

	if (length < 0 || (size_t)length >= sizeof(directory))
		return left;
	/* A group outside this cgroup namespace, "/../other": nothing of it is in the mount. */
	if (strstr(directory, "/.."))
		directory[mount_size] = '\0';
	for (;;) {
		left = min_u64(left, left_by_group(controller, root, directory));

		char *slash = strrchr(directory, '/');

		if (slash < directory + mount_size)
			return left;
		*slash = '\0';
	}
}

/* Is memory one of the controllers in "cpu,memory"? */
static bool names_memory(const char *controllers, size_t size)
{
	for (const char *end = controllers + size; controllers < end;) {
		size_t length = strcspn(controllers, ",:");

		if (length == 6 && memcmp(controllers, "memory", 6) == 0)
			return true;
		controllers += length + 1;
	}
	return false;
}

/* One line of /proc/self/cgroup, without its newline:
 *     4:cpu,memory:/user.slice     (v1)
 *     0::/user.slice/session-1     (v2) */
static uint64_t left_by_line(const char *root, const char *line, size_t size)
{
	const char *end = line + size;
	const char *controllers = memchr(line, ':', size);
	const char *path = controllers ? memchr(controllers + 1, ':', (size_t)(end - controllers - 1)) : NULL;

	if (!path)
		return UINT64_MAX;
	controllers++;

	size_t controllers_size = (size_t)(path - controllers);

	path++;
	if (controllers_size == 0)
		return left_by_groups(&version_2, root, path, (size_t)(end - path));
	if (names_memory(controllers, controllers_size))
		return left_by_groups(&version_1, root, path, (size_t)(end - path));
	return UINT64_MAX;
}

uint64_t meminfo_available_bytes(const char *root)
{
	char text[TEXT_SIZE];
	uint64_t available_kib;

	if (!read_text(root, "/proc", "meminfo", text) ||
	    !find_number(text, "MemAvailable", &available_kib) || available_kib > UINT64_MAX / 1024)
		return 0;

	uint64_t available = available_kib * 1024;

	if (!read_text(root, "/proc/self", "cgroup", text))
		return available;
	for (const char *line = text; *line;) {
		size_t size = strcspn(line, "\n");

		available = min_u64(available, left_by_line(root, line, size));
		line += size + (line[size] == '\n');
	}
	return available;
}
