/*
 * fuzz_meminfo.c - any bytes as /proc/meminfo, /proc/self/cgroup and the files of the memory cgroups, with a
 * NUL byte between the three.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sys/cleanup.h"
#include "sys/meminfo.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

enum { FILE_MEMINFO, FILE_CGROUP, FILE_GROUP, N_FILES };

static char root[] = "/tmp/fuzz_meminfo.XXXXXX";
static int fds[N_FILES] = { -1, -1, -1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_link(int directory_fd, const char *path, int fd)
{
	char target[32];

	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	MUST(symlinkat(target, directory_fd, path) == 0);
}

/* Each file is a link to one in memory. What there is is removed at once but for a descriptor. */
static void make_files(void)
{
	static const char *const directories[] = { "proc",
						   "proc/self",
						   "sys",
						   "sys/fs",
						   "sys/fs/cgroup",
						   "sys/fs/cgroup/a",
						   "sys/fs/cgroup/a/b",
						   "sys/fs/cgroup/memory",
						   "sys/fs/cgroup/memory/a" };
	static const char *const groups[] = { "", "a/", "a/b/", "memory/", "memory/a/" };
	static const char *const names[] = {
		"memory.max",  "memory.high",           "memory.current",
		"memory.stat", "memory.limit_in_bytes", "memory.usage_in_bytes"
	};

	MUST(mkdtemp(root));
	for (int i = 0; i < N_FILES; i++)
		MUST((fds[i] = memfd_create("file", MFD_CLOEXEC)) >= 0);

	cleanup_close int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		MUST(mkdirat(root_fd, directories[i], 0700) == 0);
	make_link(root_fd, "proc/meminfo", fds[FILE_MEMINFO]);
	make_link(root_fd, "proc/self/cgroup", fds[FILE_CGROUP]);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			char path[64];

			snprintf(path, sizeof(path), "sys/fs/cgroup/%s%s", groups[i], names[j]);
			make_link(root_fd, path, fds[FILE_GROUP]);
		}
	}
}

static void remove_files(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	(void)!system(command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (fds[0] < 0) {
		make_files();
		atexit(remove_files);
	}
	for (int i = 0; i < N_FILES; i++) {
		const uint8_t *end = i < N_FILES - 1 ? memchr(data, '\0', size) : NULL;
		size_t part_size = end ? (size_t)(end - data) : size;

		MUST(ftruncate(fds[i], 0) == 0 && pwrite(fds[i], data, part_size, 0) == (ssize_t)part_size);
		data += part_size + (end != NULL);
		size -= part_size + (end != NULL);
	}
	uint64_t with_groups = meminfo_available_bytes(root);

	/* Groups only ever take away. */
	MUST(ftruncate(fds[FILE_CGROUP], 0) == 0);
	MUST(with_groups <= meminfo_available_bytes(root));
	return 0;
}
