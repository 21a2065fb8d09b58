/* doctor_trial.c - one start through pbrun, to see that all of it works together. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "doctor.h"
#include "scratch.h"
#include "shadowdb.h"
#include "sys/clock.h"
#include "sys/lookup.h"

/* Is there everywhere, and reads little; lasts long enough to be looked at from outside. */
#define TRIAL_PROGRAM "sleep"
#define TRIAL_SECONDS "0.1"
/* A program that is not traced is not held until its recording is written. */
#define TRIAL_RECORD_MS 5000

/* The wait status, or -errno. */
static int start_trial(const char *directory)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int fd = 0; null_fd >= 0 && fd <= STDERR_FILENO; fd++)
			(void)!dup2(null_fd, fd);
		unsetenv("PBRUN_DISABLE");
		execl("/proc/self/exe", "pbrun", "--dir", directory, "--record", "train", TRIAL_PROGRAM,
		      TRIAL_SECONDS, (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}

/* 0, or -errno if it does not come to be. */
static int await_shadow(const char *directory, const char *path, struct shadow *ret_shadow)
{
	struct shadowdb db;
	uint64_t until_ns = clock_now_ns() + TRIAL_RECORD_MS * UINT64_C(1000000);
	int r = shadowdb_open(&db, directory, NULL);

	while (r == 0 || (r == -ENOENT && clock_now_ns() < until_ns)) {
		r = shadowdb_load(&db, path, lookup_profile(TRIAL_PROGRAM, path), ret_shadow, NULL);
		if (r != -ENOENT)
			break;
		(void)poll(NULL, 0, 10);
	}
	shadowdb_release(&db);
	return r;
}

static uint64_t count_inexact(const struct pageset *files)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < files->n_files; i++)
		n_pages += files->files[i]->exact ? 0 : pageset_file_pages(files->files[i]);
	return n_pages;
}

static void judge(struct doctor *doctor, const char *directory, int status)
{
	struct finding finding = { .id = "trial", .meaning = "Recording works from end to end." };
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;
	int r = lookup_program(TRIAL_PROGRAM, getenv("PATH"), &path);

	if (r < 0)
		return;
	r = await_shadow(directory, path, &shadow);
	if (status != 0) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning = "The program did not end as it should have: this is a fault of pbrun.";
		finding.advice = "Please report it, with the output of pbrun --doctor --json.";
		doctor_add(doctor, &finding, "A start of %s through pbrun ended with wait status %d", path,
			   status);
	} else if (r < 0) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning = "The program ran, but nothing was recorded.";
		finding.advice =
			"See what is said above; pbrun --verbose --record train sleep 0.1 says more.";
		doctor_add(doctor, &finding, "A start of %s through pbrun left no recording: %s", path,
			   strerror(-r));
	} else {
		/* A shared mapping or two are never exact. */
		bool is_exact = count_inexact(&shadow.files) <= pageset_count_pages(&shadow.files) / 4;

		if (!is_exact) {
			finding.verdict = VERDICT_LIMITED;
			finding.meaning = "Recording works, but not to the page: see above for why.";
		}
		doctor_add(doctor, &finding, "A start of %s was recorded: %zu files, %s", path,
			   shadow.files.n_files, is_exact ? "exact" : "not exact");
	}
}

void doctor_check_trial(struct doctor *self)
{
	char *directory = scratch_new("doctor");

	if (!directory) {
		struct finding finding = { .id = "trial",
					   .verdict = VERDICT_LIMITED,
					   .meaning = "No trial start could be made.",
					   .advice = "Set TMPDIR to a directory that you may write to." };

		doctor_add(self, &finding, "No directory could be made in TMPDIR or /var/tmp: %s",
			   strerror(errno));
		return;
	}
	judge(self, directory, start_trial(directory));
	scratch_free(directory);
}
