/*
 * Runs a fuzzer's entry point over each file of a corpus directory: what was found once is tested
 * always, with any compiler.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sys/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a buffer of exactly the file's size: reading past it is seen by the address sanitizer. */
static void replay(int dir_fd, const char *name)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", name);
	if (!S_ISREG(st.st_mode))
		return;

	size_t size = (size_t)st.st_size;
	cleanup_free uint8_t *data = malloc(size);

	if ((!data && size) || read(fd, data, size) != (ssize_t)size)
		err(1, "%s", name);
	LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char *argv[])
{
	if (argc != 2)
		errx(2, "usage: %s CORPUS_DIRECTORY", argv[0]);

	DIR *corpus = opendir(argv[1]);
	size_t n_files = 0;

	if (!corpus)
		err(1, "%s", argv[1]);
	for (struct dirent *entry; (entry = readdir(corpus)); n_files++)
		replay(dirfd(corpus), entry->d_name);
	closedir(corpus);
	/* "." and ".." are entries too. */
	if (n_files <= 2)
		errx(1, "%s: empty", argv[1]);
	return 0;
}
