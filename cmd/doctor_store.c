/* doctor_store.c - may recordings be kept, and is there room for them? */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "directory.h"
#include "doctor.h"
#include "readahead.h"
#include "store.h"
#include "sys/fd_limit.h"
#include "sys/page.h"
#include "text.h"

#define LOW_SPACE_BYTES (UINT64_C(64) << 20)
#define LOW_MEMORY_BYTES (UINT64_C(256) << 20)
#define LOW_DESCRIPTORS 256

static void check_environment(struct doctor *doctor)
{
	const char *disable = getenv("PBRUN_DISABLE");
	const char *mode = getenv("PBRUN_RECORD");
	struct finding finding = { .id = "environment" };

	if (disable && *disable && strcmp(disable, "0") != 0) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning = "pbrun starts programs and does nothing else.";
		finding.advice = "unset PBRUN_DISABLE";
		doctor_add(doctor, &finding, "PBRUN_DISABLE is %s", disable);
	} else if (mode && strcmp(mode, "none") == 0) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "Nothing is recorded.";
		finding.advice = "unset PBRUN_RECORD";
		doctor_add(doctor, &finding, "PBRUN_RECORD is none");
	}
}

/* Cuts path to the longest part that is there. */
static void cut_to_existing(char *path)
{
	while (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) != 0) {
		char *slash = strrchr(path, '/');

		if (!slash) {
			strcpy(path, ".");
			return;
		}
		slash[slash == path] = '\0';
		if (slash == path)
			return;
	}
}

static int count_entry(const struct shadowdb_entry *entry, void *context)
{
	size_t *counts = context;

	counts[entry->error != 0]++;
	return 0;
}

/* In a directory: those that can be used, and the others. 0 or -errno. */
static int count_recordings(const char *directory, size_t counts[2])
{
	struct shadowdb db;
	int r = shadowdb_open(&db, directory, NULL);

	if (r == 0)
		r = shadowdb_list(&db, count_entry, counts);
	shadowdb_release(&db);
	return r;
}

/* By root's own. */
static bool is_replaced(const char *directory)
{
	cleanup_with(shadowdb_release) struct shadowdb db = { .dir_fd = -1 };
	int r = shadowdb_open(&db, directory, SHADOWDB_SYSTEM_DIR);

	return directory_is_replaced(&db, r);
}

static void check_space(struct doctor *doctor, const char *path)
{
	struct finding finding = { .id = "free-space",
				   .meaning = "A recording takes a few to some hundred KiB." };
	struct statvfs space;
	char text[TEXT_NUMBER_SIZE];

	if (statvfs(path, &space) != 0)
		return;
	uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;

	if (space.f_flag & ST_RDONLY) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning = "Nothing can be recorded on a read-only file system.";
		finding.advice = "Choose another directory with PBRUN_DIR or --dir.";
	} else if (free_bytes < LOW_SPACE_BYTES) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "When the disk is full, recordings stay as they are.";
		finding.advice = "Make room, or choose a directory elsewhere with PBRUN_DIR or --dir.";
	}
	doctor_add(doctor, &finding, "%s%s free for recordings",
		   space.f_flag & ST_RDONLY ? "Mounted read-only; " : "", text_bytes(free_bytes, text));
}

static void check_store(struct doctor *doctor)
{
	struct finding finding = { .id = "store", .meaning = "Recordings are kept there." };
	cleanup_free char *why_none = NULL;
	cleanup_free char *directory = store_directory(doctor->arguments, &why_none);
	cleanup_free char *existing = directory ? strdup(directory) : NULL;
	size_t counts[2] = { 0 };

	if (!existing) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning = "There is no place for recordings.";
		finding.advice = "Set PBRUN_DIR or HOME.";
		doctor_add(doctor, &finding, "%s",
			   why_none ? why_none : "None of --dir, PBRUN_DIR, XDG_CACHE_HOME and HOME is set");
		return;
	}
	cut_to_existing(existing);
	int r = count_recordings(directory, counts);

	if (r == 0 && faccessat(AT_FDCWD, existing, W_OK | X_OK, AT_EACCESS) != 0)
		r = -errno;
	if (r < 0 && is_replaced(directory)) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "Root records in " SHADOWDB_SYSTEM_DIR " instead, for every user.";
		finding.advice = "For recordings of root's own set HOME or PBRUN_DIR, or use --dir.";
		doctor_add(doctor, &finding, "%s: %s", directory, shadowdb_explain(r));
		return;
	}
	if (r < 0) {
		finding.verdict = VERDICT_BROKEN;
		finding.meaning = "Nothing can be recorded.";
		finding.advice = "Give yourself the directory, or choose another with PBRUN_DIR or --dir.";
		doctor_add(doctor, &finding, "%s: %s", directory, shadowdb_explain(r));
		return;
	}
	if (counts[1] > 0) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning =
			"Those that cannot be used are made anew at the next start of their program.";
		finding.advice = "pbrun --list says what is wrong with them.";
	}
	doctor_add(doctor, &finding, "%s: %zu recording%s%s", directory, counts[0] + counts[1],
		   counts[0] + counts[1] == 1 ? "" : "s",
		   counts[1] > 0 ? ", some of which cannot be used" : "");
	check_space(doctor, existing);
}

static void check_system_store(struct doctor *doctor)
{
	struct finding finding = { .id = "for-all", .meaning = "Root's recordings in it serve every user." };
	size_t counts[2] = { 0 };
	int r = count_recordings(SHADOWDB_SYSTEM_DIR, counts);

	if (r < 0) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "What root recorded for all users is not used.";
		finding.advice = "It should be root's, with mode 0755.";
		doctor_add(doctor, &finding, "%s: %s", SHADOWDB_SYSTEM_DIR, shadowdb_explain(r));
		return;
	}
	doctor_add(doctor, &finding, "%s: %zu recording%s", SHADOWDB_SYSTEM_DIR, counts[0] + counts[1],
		   counts[0] + counts[1] == 1 ? "" : "s");
}

static void check_limits(struct doctor *doctor)
{
	struct finding memory = { .id = "memory", .meaning = "So much may be prefetched for one start." };
	struct finding descriptors = { .id = "descriptors",
				       .meaning = "Enough to work on many files at once." };
	uint64_t budget_bytes = readahead_budget_pages() * page_bytes();
	size_t n_descriptors = fd_limit_get();
	char text[TEXT_NUMBER_SIZE];

	if (budget_bytes < LOW_MEMORY_BYTES) {
		memory.verdict = VERDICT_LIMITED;
		memory.meaning = "Of large programs only what is used first is prefetched.";
		memory.advice = "End something, or raise the control group's memory limit.";
	}
	doctor_add(doctor, &memory, "%s may be filled", text_bytes(budget_bytes, text));
	if (n_descriptors < LOW_DESCRIPTORS) {
		descriptors.verdict = VERDICT_LIMITED;
		descriptors.meaning = "Few files are prefetched at a time.";
		descriptors.advice = "Raise the limit: ulimit -n 1024";
	}
	doctor_add(doctor, &descriptors, "%zu open files are allowed", n_descriptors);
}

void doctor_check_store(struct doctor *self)
{
	check_environment(self);
	check_store(self);
	check_system_store(self);
	check_limits(self);
}
