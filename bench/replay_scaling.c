/*
 * replay-scaling - how the cost of a replay grows: synthetic shadows of 10 to 10,000 files with 100 pages
 * each.
 *
 *     replay-scaling DIRECTORY
 *
 * The files are sparse: reading a hole fills the page cache without a disk, so what is measured is pbrun's
 * and the kernel's own work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "observer.h"

enum { PAGES_OF_A_FILE = 160, EXTENTS_OF_A_FILE = 20, PAGES_OF_AN_EXTENT = 5, N_THREADS = 8 };

static double now_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void give_up(const char *what, int error)
{
	fprintf(stderr, "replay-scaling: %s: %s\n", what, strerror(error));
	exit(1);
}

static void make_path(char path[static PATH_MAX], const char *directory, unsigned int i)
{
	snprintf(path, PATH_MAX, "%s/part%02u/file%05u", directory, i % 100, i);
}

static void make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, PAGES_OF_A_FILE * getpagesize()) < 0)
		give_up(path, errno);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

static void fill(struct shadow *shadow, const char *directory, unsigned int n_files)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < n_files; i++) {
		struct pageset_file *file = NULL;
		struct stat st;

		make_path(path, directory, i);
		make_file(path);
		if (stat(path, &st) < 0 || pageset_add(&shadow->files, path, i * 97 % 1000000, &file) < 0)
			give_up(path, errno);
		file->access = PAGESET_MAPPED;
		file->id = fileid_from_stat(&st);
		for (unsigned int k = 0; k < EXTENTS_OF_A_FILE; k++) {
			struct extent extent = { k * 8, PAGES_OF_AN_EXTENT, (i * 97 + k * 7919) % 1000000,
						 0 };

			if (pageset_file_append(file, extent) < 0)
				give_up("extent", ENOMEM);
		}
	}
}

static double replay(struct plan *plan, struct readahead_stats *stats)
{
	double began = now_ms();
	struct readahead *run = readahead_start(plan, N_THREADS, 0);

	if (!run)
		give_up("replay", errno);
	readahead_finish(run, stats, NULL);
	return now_ms() - began;
}

/* In a process of its own: the peak of its memory is that of this size. */
static void measure(unsigned int n_files, const void *data, size_t size)
{
	static const struct plan_shape shape = { .bridge_pages = 2, .piece_pages = 64 };
	static const struct plan_options options = { .shapes = &shape,
						     .budget_pages = 1 << 30,
						     .max_age = UINT8_MAX };
	struct readahead_stats cold = { 0 }, warm = { 0 };
	struct shadow shadow;
	struct rusage usage;
	struct plan plan;
	double began = now_ms();
	int r = shadow_decode(data, size, &shadow);

	if (r < 0)
		give_up("decoding", -r);
	double decoded = now_ms();

	r = plan_build(&shadow.files, &options, &plan);
	if (r < 0)
		give_up("planning", -r);
	double planned = now_ms(), cold_ms = replay(&plan, &cold), warm_ms = replay(&plan, &warm);

	getrusage(RUSAGE_SELF, &usage);
	printf("%7u %9llu %9zu %9zu %10.2f %10.2f %10.1f %10.1f %10.1f\n", n_files,
	       (unsigned long long)pageset_count_pages(&shadow.files), plan.n_requests, size / 1024,
	       decoded - began, planned - decoded, cold_ms, warm_ms, (double)usage.ru_maxrss / 1024);
	fflush(stdout);
	_exit(0);
}

static void one_size(const char *directory, unsigned int n_files)
{
	struct shadow shadow;
	void *data = NULL;
	size_t size = 0;
	char path[PATH_MAX];

	if (shadow_init(&shadow, "/synthetic", "") < 0)
		give_up("shadow", ENOMEM);
	fill(&shadow, directory, n_files);

	int r = shadow_encode(&shadow, &data, &size);

	if (r < 0)
		give_up("encoding", -r);
	shadow_release(&shadow);

	fflush(stdout); /* else the child would print it, too */

	pid_t pid = fork();

	if (pid == 0)
		measure(n_files, data, size);
	(void)waitpid(pid, NULL, 0);
	free(data);
	for (unsigned int i = 0; i < n_files; i++) {
		make_path(path, directory, i);
		unlink(path);
	}
}

/* As the observer does. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char *argv[])
{
	char path[PATH_MAX];

	if (argc != 2) {
		fputs("Usage: replay-scaling DIRECTORY\n", stderr);
		return 2;
	}
	raise_descriptor_limit();
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%s/part%02d", argv[1], i);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			give_up(path, errno);
	}
	printf("%7s %9s %9s %9s %10s %10s %10s %10s %10s\n", "files", "pages", "requests", "KiB", "decode ms",
	       "plan ms", "cold ms", "warm ms", "peak MiB");
	for (unsigned int n_files = 10; n_files <= 10000; n_files *= 10)
		one_size(argv[1], n_files);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%s/part%02d", argv[1], i);
		rmdir(path);
	}
	return 0;
}
