/* launch.c - one launch: what is known is loaded, an observer is left behind, the program is become */
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

#include "command.h"
#include "common_part.h"
#include "embed.h"
#include "far_store.h"
#include "notice.h"
#include "observer.h"
#include "output.h"
#include "report.h"
#include "report_file.h"
#include "sys/cleanup.h"
#include "sys/clock.h"
#include "sys/survey.h"
#include "sys/trust.h"
#include "target.h"
#include "trace/detach.h"
#include "verbose.h"

/* Room that a shadow may need; the recordings of large programs are smaller. */
#define SHADOW_ROOM_BYTES 65536
#define MAX_WARNINGS 8
#define MESSAGE_PATIENCE_MS 100
/* What is stored far away may take so long to come. */
#define FAR_STORE_MS 300

struct job {
	const struct launch_options *options;
	char *program; /* canonical path */
	char *profile;
	struct operands operands;
	struct shadowdb db;
	struct shadow shadow;
	const char *obstacle; /* to recording, a constant; NULL: none */
	bool has_shadow;
	bool has_dir;
	bool is_far; /* what is stored is loaded by the observer */
	struct report_file report;
	int voice_fd;         /* where to speak: in the launcher standard error; -1: nowhere */
	struct notice notice; /* of an earlier launch */
	char *warnings[MAX_WARNINGS];
	size_t n_warnings;
};

/* A reader that does not read is no reason to keep the program from ending. */
static bool can_write(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	return poll(&room, 1, MESSAGE_PATIENCE_MS) > 0 && (room.revents & POLLOUT);
}

/* With --verbose. */
__attribute__((format(printf, 2, 3))) static void say(const struct job *job, const char *format, ...)
{
	va_list args;

	if (!job->options->verbose || !can_write(job->voice_fd))
		return;
	va_start(args, format);
	vdprintf(job->voice_fd, format, args);
	va_end(args);
}

/* Keeps it for the report. */
static void note_warning(struct job *job, const char *text)
{
	if (job->n_warnings < MAX_WARNINGS)
		job->warnings[job->n_warnings] = strdup(text);
	job->n_warnings += job->n_warnings < MAX_WARNINGS && job->warnings[job->n_warnings];
}

static void utter(const struct job *job, const char *warning)
{
	if (can_write(job->voice_fd))
		dprintf(job->voice_fd, "pbrun: warning: %s\n", warning);
}

/* Says what, where and why, and keeps it for the report. */
__attribute__((format(printf, 2, 3))) static void warn(struct job *job, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	int r = vasprintf(&text, format, args);

	va_end(args);
	if (r < 0) {
		text = NULL;
		return;
	}
	utter(job, text);
	note_warning(job, text);
}

__attribute__((noreturn)) static void fail(const char *name, int error)
{
	const char *why = error == -EALREADY ? "no other program of this name is in PATH" : strerror(-error);

	dprintf(STDERR_FILENO, "pbrun: %s: %s (%s)\n", name, why,
		error == -ENOENT || error == -EALREADY ? "is it installed, and in PATH?"
						       : error_advice(error));
	_exit(error == -ENOENT || error == -EALREADY ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

__attribute__((noreturn)) static void exec_program(const char *file, char *const argv[])
{
	execvp(file, argv);
	fail(file, -errno);
}

static void open_directory(struct job *job)
{
	const char *dir = job->options->dir;
	int r = shadowdb_open(&job->db, dir, SHADOWDB_SYSTEM_DIR);

	job->db.packaged_path = SHADOWDB_PACKAGED_DIR;
	job->db.excluded = &job->options->config->excluded;
	job->db.limits = (struct shadowdb_limits){ job->options->config->store_bytes,
						   job->options->config->store_days };
	job->has_dir = job->db.path && (r == 0 || trust_explain(r));
	if (r < 0)
		warn(job, "%s: not used as shadow directory: %s (%s%s)", dir, shadowdb_explain(r),
		     job->has_dir ? "used instead: " : error_advice(r), job->has_dir ? job->db.path : "");
}

static void warn_of_shadow(struct job *job, const char *path, int error)
{
	warn(job, "%s: ignored: %s (%s)", path ? path : "shadow file", shadowdb_explain(error),
	     shadowdb_is_unusable(error) ? "it will be made anew" : "it is left as it is");
}

/* The record that its package put into the program, if there is one that holds. */
static int load_embedded(struct job *job)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_close int fd = open(job->program, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : embed_read(fd, job->program, &portable);

	if (r < 0 || !portable.shadow.profile || strcmp(portable.shadow.profile, job->profile) != 0)
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
	int r = shadowdb_load_partial(&job->db, job->program, job->profile, &job->shadow, &path);

	if (r == -ENOENT)
		r = load_embedded(job);
	job->has_shadow = r == 0;
	if (r < 0 && r != -ENOENT)
		warn_of_shadow(job, path, r);
	if (notice_take(&job->db, job->program, job->profile, &job->notice) == 0 &&
	    job->notice.state == NOTICE_NEW)
		warn(job, "at an earlier start of %s: %s; pbrun --list shows it", job->program,
		     job->notice.text);
}

/* Warns of what stands in the way of recording, and says in a constant what it is. NULL: nothing. */
static const char *find_obstacle(struct job *job)
{
	if (job->options->mode == POLICY_NONE)
		return NULL;
	if (!job->options->dir) {
		warn(job, "nothing is recorded: %s (set PBRUN_DIR)",
		     job->options->why_no_dir ? job->options->why_no_dir : strerror(ENOMEM));
		return "there is no shadow directory";
	}
	if (!job->has_dir)
		return "the shadow directory cannot be used";
	int r = shadowdb_prepare(&job->db, SHADOW_ROOM_BYTES);

	if (r < 0) {
		warn(job, "%s: nothing can be recorded there: %s (choose another directory with --dir)",
		     job->db.path, strerror(-r));
		return "the shadow directory cannot be written";
	}
	if (!procfs_is_ours()) {
		warn(job, "/proc is not mounted, or not for this PID namespace: nothing can be recorded "
			  "(mount -t proc proc /proc)");
		return "there is no /proc";
	}
	return NULL;
}

/* In the observer. */
static void load_names(struct job *job)
{
	struct shadow whole;

	if (!job->has_shadow || !job->shadow.is_partial)
		return;
	job->has_shadow = shadowdb_load(&job->db, job->program, job->profile, &whole, NULL) == 0;
	shadow_release(&job->shadow);
	if (job->has_shadow)
		job->shadow = whole;
}

/* In a thread of the observer, with a job of its own. */
static void load_all(size_t i, void *context)
{
	struct job *job = context;

	(void)i;
	load_shadow(job);
	load_names(job);
	job->obstacle = find_obstacle(job);
}

/* In the observer, if the launcher could not do it: what is stored is far away, and may never come. */
static void load_far(struct job *job)
{
	struct job *copy = malloc(sizeof(*copy));
	int voice_fd = job->voice_fd;
	size_t n_warnings = job->n_warnings;
	bool is_answered = false;

	job->obstacle = "the file system of the shadow directory does not answer";
	if (!copy)
		return;
	*copy = *job;
	/* What it has to say is said here, or, if it comes too late, not at all. */
	copy->voice_fd = -1;
	if (!survey_run(1, load_all, copy, clock_now_ns() + FAR_STORE_MS * UINT64_C(1000000), &is_answered)) {
		warn(job,
		     "%s: its file system does not answer: nothing is recorded "
		     "(choose another directory with --dir)",
		     job->options->dir);
		return;
	}
	*job = *copy;
	job->voice_fd = voice_fd;
	free(copy);
	for (size_t i = n_warnings; i < job->n_warnings; i++)
		utter(job, job->warnings[i]);
}

/* In the observer. */
static void open_report(struct job *job)
{
	int r = report_file_open(&job->report);

	if (r < 0)
		warn(job, "%s: no report can be written there: %s (%s)", job->report.name,
		     report_file_explain(r), error_advice(r));
}

static void say_account(const struct job *job, const struct account *account)
{
	cleanup_free char *line = verbose_line(account, job->program);

	if (line)
		say(job, "%s", line);
}

static void write_report(struct job *job, const struct account *account)
{
	cleanup_free char *json = NULL;
	struct report report = { .program = job->program,
				 .profile = job->profile,
				 .account = account,
				 .warnings = (const char *const *)job->warnings,
				 .n_warnings = job->n_warnings };
	int r = report_format_launch(&report, &json);

	if (r == 0)
		r = report_file_write(&job->report, json);
	if (r < 0)
		warn(job, "%s: the report was not written: %s (%s)", job->report.name, report_file_explain(r),
		     error_advice(r));
}

static void close_voice(struct job *job)
{
	if (job->voice_fd >= 0)
		close(take_fd(job->voice_fd));
}

/* In the observer. */
static void completed(const struct account *account, void *context)
{
	struct job *job = context;
	char *problem;

	say_account(job, account);
	for (size_t n = 0; (problem = account_problem(account, job->program, job->db.path, n)); n++) {
		/* Of the first the launcher has spoken, when it was time. */
		if (n == 0 && account->record.attach_error < 0)
			note_warning(job, problem);
		else
			warn(job, "%s", problem);
		free(problem);
	}
	if (job->report.fd >= 0)
		write_report(job, account);
	close_voice(job);
}

/* In the launcher: waits for the observer. That the program cannot be watched is told, unless it was at an
 * earlier start. */
static void await_observer(struct job *job, struct observer_link *link)
{
	struct account account = { .record = { .attach_error = observer_await(link) } };
	cleanup_free char *problem = account_problem(&account, job->program, job->db.path, 0);

	if (problem && (!job->notice.text || strcmp(problem, job->notice.text) != 0))
		warn(job, "%s", problem);
}

/* In the observer. A profile that is started for the first time has something in common with the others. */
static struct shadow *load_common(struct job *job)
{
	struct shadow *common = &job->shadow;

	if (!job->options->prefetches || common_part_load(&job->db, job->program, job->profile, common) < 0)
		return NULL;
	say(job, "pbrun: %s: prefetching what its other profiles have in common\n", job->program);
	return common;
}

static enum observer_prefetch find_prefetch(const struct job *job, const struct shadow *shadow)
{
	if (!job->options->prefetches)
		return OBSERVER_PREFETCHES_NOTHING;
	return shadow ? OBSERVER_REPLAYS : OBSERVER_PREDICTS;
}

/* Returns in the launcher only. */
static void leave_observer(struct job *job)
{
	bool is_heard = job->options->verbose || job->report.name;
	struct observer_link link = { .fd = -1 };
	struct observer_options options = { .program = job->program,
					    .profile = job->profile,
					    .db = &job->db,
					    .shadow = job->has_shadow ? &job->shadow : NULL,
					    .operands = &job->operands,
					    .requested = job->options->mode,
					    .audience = is_heard ? OBSERVER_HEARD : OBSERVER_UNHEARD,
					    .prefetch =
						    find_prefetch(job, job->has_shadow ? &job->shadow : NULL),
					    .window_ms = job->options->window_ms };

	(void)!getrandom(&options.random, sizeof(options.random), GRND_NONBLOCK);
	if (!job->is_far && !observer_is_needed(&options))
		return;
	if (!job->is_far)
		job->obstacle = find_obstacle(job);
	options.must_not_attach = detach_grants_privilege(job->program);

	int voice_fd = is_heard || job->is_far ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
	int kept[] = { job->db.dir_fd, job->db.system_fd, job->report.base_fd, job->report.fd, voice_fd };
	int role = observer_fork(kept, sizeof(kept) / sizeof(kept[0]), &link);

	if (role < 0) {
		warn(job, "%s: started without prefetch and record: %s (%s)", job->program, strerror(-role),
		     error_advice(role));
		return;
	}
	if (role == OBSERVER_LAUNCHER) {
		await_observer(job, &link);
		return;
	}
	job->voice_fd = voice_fd;
	if (job->is_far)
		load_far(job);
	else
		load_names(job);
	open_report(job);
	options.shadow = job->has_shadow ? &job->shadow : load_common(job);
	if (!job->options->verbose && job->report.fd < 0) {
		options.audience = OBSERVER_UNHEARD;
		close_voice(job);
	}
	options.obstacle = job->obstacle;
	options.has_notice = job->notice.text;
	/* What was found out of a shadow of its own holds. */
	if (!job->has_shadow || job->is_far)
		options.prefetch = find_prefetch(job, options.shadow);
	observer_run(&link, &options, completed, job);
}

/* Fills in the program and its profile, and gives the program the name that it is to have. Becomes the
 * program if nothing else is to be done. ret_file is what to execute. */
static void find_program(struct job *job, char *argv[], char **ret_file)
{
	const struct launch_options *options = job->options;
	const char *name = options->name ? options->name : argv[0];
	char *file = NULL;
	int r = target_find(name, &file, &job->program);

	/* What argv[0] leads to may be pbrun itself: not to be executed. */
	if (r == -EALREADY || (r < 0 && options->name))
		fail(name, r == -ENOENT ? -EALREADY : r);
	/* A program that looks for its own file by its name would find pbrun. A login shell's "-bash" stays.
	 */
	if (r > 0 && strcmp(basename(argv[0]), basename(file)) == 0)
		argv[0] = file;
	/* Else as execvp(3) finds it, without a forecast. */
	if (!file || (r == 0 && !options->name))
		file = argv[0];
	if (options->argv0)
		argv[0] = options->argv0;
	if (options->is_disabled || r < 0)
		exec_program(file, argv);
	job->profile = options->profile ? strdup(options->profile) : target_profile(argv, job->program);
	if (!job->profile)
		exec_program(file, argv);
	*ret_file = file;
}

/* Without memory for it, all that is used is taken for the program's. */
static void list_operands(struct job *job, char *const argv[])
{
	cleanup_free char *directory = getcwd(NULL, 0);
	/* "(unreachable)/...", getcwd(3) */
	bool is_known = directory && *directory == '/';

	if (operands_list(argv, is_known ? directory : NULL, job->profile, &job->operands) == 0)
		(void)!operands_add_input(&job->operands);
}

void launch(char *argv[], const struct launch_options *options)
{
	struct job job = { .options = options,
			   .db = { .dir_fd = -1, .system_fd = -1 },
			   .voice_fd = STDERR_FILENO };
	char *file = NULL;

	/* A shadow takes a megabyte or so: not to be had in steps of a few pages. */
	(void)mallopt(M_TOP_PAD, 1 << 20);
	find_program(&job, argv, &file);
	list_operands(&job, argv);
	/* First of all: a descriptor that the caller closed is not to be taken for his. */
	int r = report_file_prepare(&job.report, options->report);

	if (r < 0)
		warn(&job, "%s: no report can be written there: %s (%s)", options->report, strerror(-r),
		     error_advice(r));
	job.is_far = far_store_is(options->dir);
	if (!job.is_far)
		load_shadow(&job);
	leave_observer(&job);
	exec_program(file, argv);
}
