/* scratch.c - a directory for a trial, which goes afterwards. */
#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

#include "sys/cleanup.h"

#define PAUSE_MS 20
#define PATIENCE_MS 3000

const char *scratch_base(void)
{
	const char *base = getenv("TMPDIR");

	return base && *base ? base : "/var/tmp";
}

char *scratch_new(const char *what)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/pbrun-%s.XXXXXX", scratch_base(), what) < 0) {
		path = NULL;
		return NULL;
	}
	return mkdtemp(path) ? take_pointer(path) : NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void scratch_free(char *path)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	/* An observer that is not gone yet may still make a file there. */
	for (int i = 0; path && i < PATIENCE_MS / PAUSE_MS; i++) {
		nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		if (access(path, F_OK) != 0)
			break;
		nanosleep(&pause, NULL);
	}
	free(path);
}

int scratch_copy(const char *from, const char *to)
{
	cleanup_close int from_fd = open(from, O_RDONLY | O_CLOEXEC);
	cleanup_close int to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	ssize_t n = 1;

	if (from_fd < 0 || to_fd < 0)
		return -errno;
	while (n > 0)
		n = sendfile(to_fd, from_fd, NULL, 1 << 20);
	return n < 0 || fsync(to_fd) != 0 ? -errno : 0;
}
