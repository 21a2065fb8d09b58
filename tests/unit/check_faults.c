/* check_faults.c - each allocation and each system call of the store fails once, and the power is cut at each
 */
/* wraps: malloc calloc realloc reallocarray strdup strndup asprintf */
/* wraps: openat write fsync renameat unlinkat fcntl fstat read scandirat */
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "config.h"
#include "prefetch/plan.h"
#include "shadow/merge.h"
#include "store.h"

/* What happens at the call with the number at, counted from 1; 0: nothing. */
enum fault { FAULT_NONE, FAULT_ERROR, FAULT_CUT };

static struct {
	enum fault fault;
	int error;
	unsigned int n_allocations;
	unsigned int failing_allocation;
	unsigned int n_calls;
	unsigned int failing_call;
	int unsynced_fd; /* the file of which not all is on the disk; -1: none */
} faults = { .unsynced_fd = -1 };

int __real_fstat(int fd, struct stat *st);

/* Without power, what was not synced is lost in part. The kernel would keep it when a process only ends. */
static void cut_power(void)
{
	struct stat st;

	if (faults.unsynced_fd >= 0 && __real_fstat(faults.unsynced_fd, &st) == 0)
		_exit(ftruncate(faults.unsynced_fd, st.st_size / 2) < 0 ? 2 : 0);
	_exit(0);
}

/* Does this allocation fail? */
static bool allocation_fails(void)
{
	if (++faults.n_allocations != faults.failing_allocation)
		return false;
	errno = ENOMEM;
	return true;
}

/* Does this system call fail? */
static bool call_fails(void)
{
	if (++faults.n_calls != faults.failing_call)
		return false;
	if (faults.fault == FAULT_CUT)
		cut_power();
	errno = faults.error;
	return true;
}

#define WRAP_ALLOCATION(type, name, parameters, arguments)                                                   \
	type __real_##name parameters;                                                                       \
	type __wrap_##name parameters;                                                                       \
	type __wrap_##name parameters                                                                        \
	{                                                                                                    \
		return allocation_fails() ? NULL : __real_##name arguments;                                  \
	}

WRAP_ALLOCATION(void *, malloc, (size_t size), (size))
WRAP_ALLOCATION(void *, calloc, (size_t n, size_t size), (n, size))
WRAP_ALLOCATION(void *, realloc, (void *data, size_t size), (data, size))
WRAP_ALLOCATION(void *, reallocarray, (void *data, size_t n, size_t size), (data, n, size))
WRAP_ALLOCATION(char *, strdup, (const char *text), (text))
WRAP_ALLOCATION(char *, strndup, (const char *text, size_t size), (text, size))

int __wrap_asprintf(char **ret_text, const char *format, ...) __attribute__((format(printf, 2, 3)));

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
	va_list args;

	if (allocation_fails())
		return -1;
	va_start(args, format);
	int r = vasprintf(ret_text, format, args);

	va_end(args);
	return r;
}

#define WRAP_CALL(type, name, parameters, arguments)                                                         \
	type __real_##name parameters;                                                                       \
	type __wrap_##name parameters;                                                                       \
	type __wrap_##name parameters                                                                        \
	{                                                                                                    \
		return call_fails() ? -1 : __real_##name arguments;                                          \
	}

WRAP_CALL(int, renameat, (int from_fd, const char *from, int to_fd, const char *to),
	  (from_fd, from, to_fd, to))
WRAP_CALL(int, unlinkat, (int dir_fd, const char *name, int flags), (dir_fd, name, flags))
WRAP_CALL(int, fstat, (int fd, struct stat *st), (fd, st))
WRAP_CALL(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))
WRAP_CALL(int, scandirat,
	  (int fd, const char *name, struct dirent ***entries, int (*filter)(const struct dirent *),
	   int (*compare)(const struct dirent **, const struct dirent **)),
	  (fd, name, entries, filter, compare))

int __real_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, unsigned int mode);
int __wrap_openat(int dir_fd, const char *name, int flags, unsigned int mode)
{
	return call_fails() ? -1 : __real_openat(dir_fd, name, flags, mode);
}

int __real_fcntl(int fd, int command, void *argument);
int __wrap_fcntl(int fd, int command, void *argument);
int __wrap_fcntl(int fd, int command, void *argument)
{
	return call_fails() ? -1 : __real_fcntl(fd, command, argument);
}

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	if (call_fails())
		return -1;
	if (faults.unsynced_fd < 0)
		faults.unsynced_fd = dup(fd);
	/* In two parts: the power may be cut between them. */
	return __real_write(fd, data, size > 1 ? size - size / 2 : size);
}

static void forget_unsynced(void)
{
	if (faults.unsynced_fd >= 0)
		close(faults.unsynced_fd);
	faults.unsynced_fd = -1;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	struct stat synced;
	struct stat unsynced;

	if (call_fails())
		return -1;
	if (faults.unsynced_fd >= 0 && __real_fstat(fd, &synced) == 0 &&
	    __real_fstat(faults.unsynced_fd, &unsynced) == 0 && synced.st_ino == unsynced.st_ino)
		forget_unsynced();
	return 0; /* that takes long, and is not what is tested */
}

/* Counts from 1 again. */
static void no_faults(void)
{
	faults.failing_allocation = 0;
	faults.failing_call = 0;
	faults.n_allocations = 0;
	faults.n_calls = 0;
	forget_unsynced();
}

#define N_FILES 40
#define STAYING "/usr/bin/env"
#define LEAVING "/usr/bin/x"

static int fill(struct pageset *files, uint64_t first_page)
{
	for (int i = 0; i < N_FILES; i++) {
		struct pageset_file *file;
		char path[32];

		snprintf(path, sizeof(path), "/lib/%d.so", i);
		if (pageset_add(files, path, (uint32_t)i, &file) < 0)
			return -ENOMEM;
		file->id.size_bytes = 1 << 20;
		file->access = PAGESET_MAPPED;
		for (uint64_t page = first_page; page < 60; page += 3)
			if (pageset_file_add(file, (struct page_run){ page, 2 }, (uint32_t)page) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* As a launch does it: runs counts, and the files are those of fill(). context: first page. */
static int merge(struct shadow *shadow, void *context)
{
	cleanup_with(pageset_release) struct pageset seen;
	const uint64_t *first_page = context;
	struct merge_result result;

	pageset_init(&seen);
	int r = fill(&seen, *first_page);

	if (r < 0)
		return r;
	return *first_page % 2 ? merge_train(shadow, &seen, &result) : merge_sample(shadow, &seen, &result);
}

static int note_nothing(const struct shadowdb_entry *entry, void *context)
{
	(void)entry, (void)context;
	return 0;
}

/* Everything that is done with a store. Each part goes on where another failed; 0, or the first failure. */
static int use_store(uint64_t first_page)
{
	cleanup_with(shadowdb_release) struct shadowdb own = { .dir_fd = -1 };
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(config_release) struct config config;
	cleanup_free char *path = NULL;
	struct plan prefetch = { .n_files = 0 };
	const struct plan_options options = { .budget_pages = 1000 };
	unsigned int line;
	int failure = 0;

#define DO(call)                                                                                             \
	({                                                                                                   \
		int r_ = (call);                                                                             \
		failure = failure < 0 ? failure : r_;                                                        \
		r_;                                                                                          \
	})
	config_init(&config);
	DO(config_parse(&config, "exclude = *.secret\nstore-age = 5\n", 34, NULL, &line));
	DO(shadowdb_open(&own, db_path, system_path));
	own.excluded = &config.excluded;
	if (DO(shadowdb_load(&own, STAYING, "", &shadow, &path)) == 0 &&
	    DO(plan_build(&shadow.files, &options, &prefetch)) == 0)
		plan_release(&prefetch);
	DO(shadowdb_prepare(&own, 4096));
	DO(shadowdb_update(&own, STAYING, "", 0, &shadow, merge, &first_page));
	/* Once more, by what is read under the lock. */
	DO(shadowdb_update(&own, STAYING, "", 0, NULL, merge, &first_page));
	DO(shadowdb_update(&own, LEAVING, "", 0, NULL, merge, &first_page));
	DO(shadowdb_list(&own, note_nothing, NULL));
	DO(shadowdb_forget(&own, LEAVING, NULL));
	DO(shadowdb_tidy(&own));
	return failure;
}

/* Of the shadow, which must be whole; 0: there is none. */
static int whole_runs(void)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };

	no_faults();
	shadowdb_release(&db);
	ck_assert_int_eq(shadowdb_open(&db, db_path, NULL), 0);

	int r = shadowdb_load(&db, STAYING, "", &shadow, NULL);

	if (r == -ENOENT)
		return 0;
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(shadow.files.n_files, N_FILES);
	ck_assert_uint_eq(pageset_count_pages(&shadow.files) % N_FILES, 0);
	return (int)shadow.stats.runs;
}

static void make_first(void)
{
	no_faults();
	ck_assert_int_eq(use_store(1), -ENOENT); /* there is nothing to be loaded yet */
	ck_assert_int_eq(whole_runs(), 2);
}

/* _i: the first page, for training and sampling. */
START_TEST(each_allocation_fails_once)
{
	unsigned int n_failed = 0;

	make_first();
	for (unsigned int n = 1;; n++) {
		int runs = whole_runs();

		no_faults();
		faults.failing_allocation = n;
		int failure = use_store((uint64_t)_i);
		bool was_reached = faults.n_allocations >= n;
		int runs_after = whole_runs();

		if (!was_reached)
			break;
		ck_assert_msg(failure == 0 || failure == -ENOMEM, "%u: %d", n, failure);
		ck_assert_msg(runs_after >= runs && runs_after <= runs + 2, "%u", n);
		n_failed += failure < 0;
	}
	ck_assert_uint_gt(n_failed, 100);
}
END_TEST

START_TEST(each_call_fails_once)
{
	static const int errors[] = { EIO, ENOSPC, EMFILE, EACCES, EINTR, ENOLCK };
	unsigned int n_failed = 0;

	make_first();
	faults.fault = FAULT_ERROR;
	for (unsigned int n = 1;; n++) {
		int runs = whole_runs();

		no_faults();
		faults.error = errors[_i];
		faults.failing_call = n;
		(void)use_store(0);
		bool was_reached = faults.n_calls >= n;
		int runs_after = whole_runs();

		if (!was_reached)
			break;
		/* A file in our own directory that we may not read is made anew. */
		ck_assert_msg((runs_after >= runs && runs_after <= runs + 2) ||
				      (errors[_i] == EACCES && runs_after >= 1),
			      "%u: %d, %d", n, runs, runs_after);
		n_failed++;
	}
	ck_assert_uint_gt(n_failed, 15);
}
END_TEST

START_TEST(the_power_is_cut_at_each_call)
{
	unsigned int n_cuts = 0;
	int runs = 2;

	make_first();
	for (bool is_through = false; !is_through; n_cuts++) {
		int status;
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			no_faults();
			faults.fault = FAULT_CUT;
			faults.failing_call = n_cuts + 1;
			(void)use_store(0);
			no_faults(); /* what a coverage build writes at its end has none */
			_exit(42);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 2);
		is_through = WEXITSTATUS(status) == 42;

		int runs_after = whole_runs();

		ck_assert_msg(runs_after >= runs && runs_after <= runs + 2, "%u: %d, %d", n_cuts, runs,
			      runs_after);
		runs = runs_after;
	}
	ck_assert_uint_gt(n_cuts, 15);

	/* Somebody has to sweep up, but only when no writer can be at it any more. */
	ck_assert_int_gt(count_stored(), 2);
	char command[sizeof(db_path) + 64];

	snprintf(command, sizeof(command), "find %s -name '*.tmp' -exec touch -d '2 minutes ago' {} +",
		 db_path);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(unlink(path_of(".tidied")), 0);
	ck_assert_int_eq(shadowdb_tidy(&db), 0);
	ck_assert_int_eq(count_stored(), 2); /* with the stamp */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 100);
	tcase_add_checked_fixture(t, make_base, remove_base);
	tcase_add_loop_test(t, each_allocation_fails_once, 0, 2);
	tcase_add_loop_test(t, each_call_fails_once, 0, 6);
	tcase_add_test(t, the_power_is_cut_at_each_call);
	suite_add_tcase(s, t);
	return run_suite(s);
}
