/*
 * fail_allocation.c - for LD_PRELOAD: in pbrun and all its processes one allocation fails, and all are
 * counted.
 *
 * FAIL_ALLOCATION=FILE: a file of two numbers of eight bytes, which the processes share: how many allocations
 * there were, and the one that fails, counted from 1; 0: none. Those of libc and other libraries count, too,
 * once main() is near. In other programs nothing fails or is counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared {
	uint64_t n_allocations;
	uint64_t failing;
};

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *data, size_t size);

static struct shared *shared;

/* By its file: its name may be that of the program that it starts. */
static bool is_pbrun(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = '\0';
	return strcmp(basename(path), "pbrun") == 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAIL_ALLOCATION");
	int fd;

	if (!path || !is_pbrun())
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	void *mapped = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	if (mapped != MAP_FAILED)
		shared = mapped;
}

static bool fails(void)
{
	if (!shared || __atomic_add_fetch(&shared->n_allocations, 1, __ATOMIC_SEQ_CST) != shared->failing)
		return false;
	errno = ENOMEM;
	return true;
}

/* libc's headers have other names for the parameters. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *data, size_t size)
{
	return fails() ? NULL : __libc_realloc(data, size);
}

void *reallocarray(void *data, size_t n, size_t size)
{
	size_t n_bytes;

	if (__builtin_mul_overflow(n, size, &n_bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(data, n_bytes);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
