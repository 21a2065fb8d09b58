#include "launch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "embed.h"
#include "observer.h"
#include "report.h"
#include "sys/cleanup.h"
#include "sys/lookup.h"
#include "sys/trust.h"
#include "trace/detach.h"

/* Room that a shadow may need; the recordings of large programs are smaller. */
#define SHADOW_ROOM_BYTES 65536
#define MOST_WARNINGS 8
#define MESSAGE_PATIENCE_MS 100
/* As env(1) and nice(1) have it. */
#define EXIT_NOT_RUN 126
#define EXIT_NOT_FOUND 127

struct job {
	const struct launch_options *options;
	char *program; /* canonical path */
	const char *profile;
	struct shadowdb db;
	struct shadow shadow;
	bool has_shadow;
	bool has_dir;
	bool must_not_attach;
	int report_fd;
	int message_fd; /* where the observer may speak; -1: nowhere */
	char *warnings[MOST_WARNINGS];
	size_t n_warnings;
};

/* Says what, where and why on standard error, and keeps it for the report. */
__attribute__((format(printf, 2, 3))) static void warn(struct job *job, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int r = vasprintf(&text, format, args);

	va_end(args);
	if (r < 0)
		return;
	dprintf(STDERR_FILENO, "pbrun: warning: %s\n", text);
	if (job->n_warnings < MOST_WARNINGS)
		job->warnings[job->n_warnings++] = take_pointer(text);
	free(text);
}

/* A reader that does not read is no reason to keep the program from ending. */
static bool can_write(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	return poll(&room, 1, MESSAGE_PATIENCE_MS) > 0 && (room.revents & POLLOUT);
}

__attribute__((format(printf, 2, 3))) static void say(const struct job *job, const char *format, ...)
{
	int fd = job->message_fd >= 0 ? job->message_fd : STDERR_FILENO;
	va_list args;

	if (!job->options->verbose || !can_write(fd))
		return;
	va_start(args, format);
	vdprintf(fd, format, args);
	va_end(args);
}

__attribute__((noreturn)) static void exec_program(char *const argv[])
{
	execvp(argv[0], argv);
	int exec_errno = errno;

	dprintf(STDERR_FILENO, "pbrun: %s: %s\n", argv[0], strerror(exec_errno));
	_exit(exec_errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

static void open_directory(struct job *job)
{
	const char *dir = job->options->dir;
	int r = shadowdb_open(&job->db, dir, SHADOWDB_SYSTEM_DIR);

	job->has_dir = job->db.path && (r == 0 || trust_explain(r));
	if (r < 0)
		warn(job, "%s: not used as shadow directory: %s%s%s", dir, shadowdb_explain(r),
		     job->has_dir ? "; used instead: " : "", job->has_dir ? job->db.path : "");
}

static void warn_of_shadow(struct job *job, const char *path, int error)
{
	warn(job, "%s: ignored: %s (%s)", path ? path : "shadow file", shadowdb_explain(error),
	     shadowdb_is_unusable(error) ? "it will be made anew" : "it is left as it is");
}

static const char *directory_name(const struct job *job)
{
	return job->db.path ? job->db.path : "no shadow directory";
}

/* The record that its package put into the program, if there is one that holds. */
static int load_embedded(struct job *job)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_close int fd = open(job->program, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : embed_read(fd, job->program, &portable);

	if (r < 0 || strcmp(portable.shadow.profile, job->profile) != 0)
		return -ENOENT;
	job->shadow = portable.shadow;
	portable.shadow = (struct shadow){ 0 };
	return 0;
}

static void load_shadow(struct job *job)
{
	cleanup_free char *path = NULL;

	open_directory(job);
	/* Mostly that is enough to see that nothing needs to be done. */
	int r = shadowdb_glance(&job->db, job->program, job->profile, &job->shadow, &path);

	if (r == -ENOENT)
		r = load_embedded(job);
	job->has_shadow = r == 0;
	if (r < 0 && r != -ENOENT)
		warn_of_shadow(job, path, r);
	say(job, "pbrun: %s: %s%s\n", job->program, job->has_shadow ? "shadow " : "no shadow yet",
	    job->has_shadow && path ? path : "");
}

/* Is there any use in recording? Warns of what stands in the way. */
static void prepare_recording(struct job *job)
{
	if (job->options->mode == POLICY_NONE)
		return;
	if (!job->options->dir) {
		warn(job, "nothing is recorded: %s (set PBRUN_DIR)",
		     job->options->why_no_dir ? job->options->why_no_dir : strerror(ENOMEM));
		return;
	}
	if (!job->has_dir)
		return;
	int r = shadowdb_prepare(&job->db, SHADOW_ROOM_BYTES);

	if (r < 0)
		warn(job, "%s: nothing can be recorded there: %s (choose another directory with --dir)",
		     job->db.path, strerror(-r));
	else if (!procfs_is_ours())
		warn(job, "/proc is not mounted, or not for this PID namespace: nothing can be recorded");
}

static void open_report(struct job *job)
{
	if (!job->options->report)
		return;
	/* Not to wait for the reader of a FIFO. */
	job->report_fd = open(job->options->report,
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (job->report_fd < 0)
		warn(job, "%s: no report can be written there: %s", job->options->report, strerror(errno));
}

static const char *ending(const struct observer_outcome *outcome, char *text, size_t size)
{
	if (!outcome->has_ended)
		snprintf(text, size, "still running at the end of the launch window");
	else if (WIFSIGNALED(outcome->wait_status))
		snprintf(text, size, "killed by signal %d", WTERMSIG(outcome->wait_status));
	else
		snprintf(text, size, "exit status %d", WEXITSTATUS(outcome->wait_status));
	return text;
}

static void say_outcome(const struct job *job, const struct observer_outcome *outcome)
{
	char end[64];

	say(job,
	    "pbrun: prefetch: %" PRIu64 " files, %.1f MiB asked for, %.1f MiB were in memory, %" PRIu64
	    " files skipped, %.1f ms, head start %.1f ms\n",
	    outcome->prefetch.files, (double)outcome->prefetch.bytes / 1048576,
	    (double)outcome->prefetch.resident_bytes / 1048576, outcome->prefetch.skipped_files,
	    (double)outcome->prefetch.elapsed_ns / 1e6, (double)outcome->head_start_ns / 1e6);
	say(job, "pbrun: record: %s (%s)", policy_mode_name(outcome->choice.mode), outcome->choice.reason);
	if (outcome->choice.mode != POLICY_NONE)
		say(job, ": %" PRIu64 " files, %" PRIu64 " pages, %s", outcome->n_files, outcome->n_pages,
		    outcome->is_exact ? "exact" : "not exact");
	say(job, "\n");
	if (outcome->has_started)
		say(job, "pbrun: launch: %.1f ms, %" PRIu64 " major faults, %.1f MiB read: %s\n",
		    (double)outcome->elapsed_ns / 1e6, outcome->cost.major_faults,
		    (double)outcome->cost.read_bytes / 1048576, ending(outcome, end, sizeof(end)));
	if (outcome->attach_error < 0)
		say(job, "pbrun: warning: %s: cannot be watched: %s\n", job->program,
		    strerror(-outcome->attach_error));
	if (outcome->update_error < 0)
		say(job, "pbrun: warning: %s: the shadow was not written: %s\n", directory_name(job),
		    strerror(-outcome->update_error));
}

static void write_report(struct job *job, const struct observer_outcome *outcome)
{
	cleanup_free char *json = NULL;
	struct report report = {
		.program = job->program,
		.profile = job->profile,
		.shadow = !job->has_shadow           ? REPORT_SHADOW_NONE
			  : outcome->shadow_is_stale ? REPORT_SHADOW_STALE
						     : REPORT_SHADOW_FRESH,
		.prefetch = outcome->prefetch,
		.head_start_ns = outcome->head_start_ns,
		.knows_waste = outcome->knows_waste,
		.wasted_bytes = outcome->wasted_bytes,
		.record = { .mode = policy_mode_name(outcome->choice.mode),
			    .reason = outcome->choice.reason,
			    .exact = outcome->is_exact,
			    .n_files = outcome->n_files,
			    .n_pages = outcome->n_pages },
		.launch = { .elapsed_ns = outcome->elapsed_ns,
			    .major_faults = outcome->cost.major_faults,
			    .read_bytes = outcome->cost.read_bytes,
			    .has_ended = outcome->has_ended,
			    .wait_status = outcome->wait_status },
		.warnings = (const char *const *)job->warnings,
		.n_warnings = job->n_warnings,
	};

	if (outcome->attach_error < 0)
		warn(job, "%s: cannot be watched: %s", job->program, strerror(-outcome->attach_error));
	if (outcome->update_error < 0)
		warn(job, "%s: the shadow was not written: %s", directory_name(job),
		     strerror(-outcome->update_error));
	report.n_warnings = job->n_warnings;
	if (report_format_launch(&report, &json) == 0)
		dprintf(job->report_fd, "%s", json);
	close(take_fd(job->report_fd));
}

/* In the observer. */
static void completed(const struct observer_outcome *outcome, void *context)
{
	struct job *job = context;

	say_outcome(job, outcome);
	if (job->report_fd >= 0)
		write_report(job, outcome);
	if (job->message_fd >= 0)
		close(take_fd(job->message_fd));
}

/* In the observer. */
static void load_names(struct job *job)
{
	struct shadow whole;

	if (!job->has_shadow || !job->shadow.is_glance)
		return;
	job->has_shadow = shadowdb_load(&job->db, job->program, job->profile, &whole, NULL) == 0;
	shadow_release(&job->shadow);
	if (job->has_shadow)
		job->shadow = whole;
}

/* Returns in the launcher only. */
static void leave_observer(struct job *job)
{
	struct observer_link link = { .fd = -1 };
	struct observer_options options = { .program = job->program,
					    .profile = job->profile,
					    .db = &job->db,
					    .shadow = job->has_shadow ? &job->shadow : NULL,
					    .requested = job->options->mode,
					    .wants_report = job->report_fd >= 0 || job->message_fd >= 0,
					    .prefetches = job->options->prefetches,
					    .window_ms = job->options->window_ms };

	(void)!getrandom(&options.random, sizeof(options.random), GRND_NONBLOCK);
	if (!observer_is_needed(&options))
		return;
	prepare_recording(job);
	options.must_not_attach = detach_grants_privilege(job->program);

	int kept[] = { job->db.dir_fd, job->db.system_fd, job->report_fd, job->message_fd };
	int role = observer_fork(kept, sizeof(kept) / sizeof(kept[0]), &link);

	if (role < 0) {
		say(job, "pbrun: warning: %s: started without prefetch: %s\n", job->program, strerror(-role));
		return;
	}
	if (role == OBSERVER_LAUNCHER) {
		observer_await(&link);
		return;
	}
	load_names(job);
	options.shadow = job->has_shadow ? &job->shadow : NULL;
	options.prefetches = options.prefetches && options.shadow;
	observer_run(&link, &options, completed, job);
}

void launch(char *const argv[], const struct launch_options *options)
{
	struct job job = { .options = options, .report_fd = -1, .message_fd = -1 };

	/* A shadow takes a megabyte or so: not to be had in steps of a few pages. */
	(void)mallopt(M_TOP_PAD, 1 << 20);
	if (options->is_disabled || lookup_program(argv[0], getenv("PATH"), &job.program) < 0)
		exec_program(argv);
	job.profile = options->profile ? options->profile : lookup_profile(argv[0], job.program);
	if (options->verbose)
		job.message_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	load_shadow(&job);
	open_report(&job);
	leave_observer(&job);
	exec_program(argv);
}
