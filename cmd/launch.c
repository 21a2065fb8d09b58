/* launch.c - one launch: what is known is loaded, an observer is left behind, the program is become */
#include "launch.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "agent.h"
#include "command.h"
#include "common_part.h"
#include "known.h"
#include "observer.h"
#include "output.h"
#include "report.h"
#include "report_file.h"
#include "sys/aside.h"
#include "sys/cleanup.h"
#include "sys/loaded.h"
#include "sys/seccomp.h"
#include "target.h"
#include "text.h"
#include "trace/detach.h"
#include "verbose.h"

/* The launcher looks at files for so long at most. */
#define LOOK_MS 1000

enum job_need {
	NEEDS_NOTHING,
	NEEDS_OBSERVER,
	NEEDS_OBSERVER_TO_LOAD, /* what is known is taken over by the observer */
};

struct job {
	const struct launch_options *options;
	char *const *argv; /* of the program */
	struct known known;
	bool is_loaded; /* the program is in memory: nothing is foretold, unless somebody wants to hear of it
			 */
	struct operands operands;
	struct observer_options observer;
	enum job_need need;
	struct report_file report;
	int voice_fd;  /* where to speak: in the launcher standard error; -1: nowhere */
	size_t n_told; /* of the warnings */
};

/* With --verbose. */
__attribute__((format(printf, 2, 3))) static void say(const struct job *job, const char *format, ...)
{
	va_list args;

	if (!job->options->verbose || !output_has_room(job->voice_fd))
		return;
	va_start(args, format);
	vdprintf(job->voice_fd, format, args);
	va_end(args);
}

/* Tells the warnings that are new. They are kept for the report. */
static void tell_warnings(struct job *job)
{
	warnings_tell(&job->known.warnings, job->n_told, job->voice_fd);
	job->n_told = job->known.warnings.n;
}

static void warn(struct job *job, const char *text)
{
	warnings_add(&job->known.warnings, "%s", text);
	tell_warnings(job);
}

static void warn_of_report(struct job *job, const char *fault, int error)
{
	warnings_add(&job->known.warnings, "%s: %s: %s (%s)", job->options->report, fault,
		     report_file_explain(error), error_advice(error));
	tell_warnings(job);
}

__attribute__((noreturn)) static void fail(const char *name, int error)
{
	const char *why = error == -EALREADY ? "no other program of this name is in PATH" : strerror(-error);
	char *printable = text_printable(name);

	dprintf(STDERR_FILENO, "pbrun: %s: %s (%s)\n", printable && *printable ? printable : "''", why,
		error == -ENOENT || error == -EALREADY ? "is it installed, and in PATH?"
						       : file_advice(error));
	_exit(error == -ENOENT || error == -EALREADY ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

__attribute__((noreturn)) static void exec_program(const char *file, char *const argv[])
{
	execvp(file, argv);
	fail(file, -errno);
}

/* In the observer. */
static void open_report(struct job *job)
{
	int r = report_file_open(&job->report);

	if (r < 0)
		warn_of_report(job, "no report can be written there", r);
}

static void say_account(const struct job *job, const struct account *account)
{
	cleanup_free char *line = verbose_line(account, job->known.program);

	if (line)
		say(job, "%s", line);
}

static void write_report(struct job *job, const struct account *account)
{
	cleanup_free char *json = NULL;
	struct report report = { .program = job->known.program,
				 .profile = job->known.profile,
				 .account = account,
				 .warnings = (const char *const *)job->known.warnings.texts,
				 .n_warnings = job->known.warnings.n };
	int r = report_format_launch(&report, &json);

	if (r == 0)
		r = report_file_write(&job->report, json);
	if (r < 0)
		warn_of_report(job, "the report was not written", r);
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
	for (size_t n = 0; (problem = account_problem(account, job->known.program, job->known.db.path, n));
	     n++) {
		/* Of the first the launcher has spoken, when it was time. */
		if (n == 0 && account->record.attach_error < 0) {
			warnings_add(&job->known.warnings, "%s", problem);
			job->n_told = job->known.warnings.n;
		} else {
			warn(job, problem);
		}
		free(problem);
	}
	if (report_file_awaits_text(&job->report))
		write_report(job, account);
	close_voice(job);
}

struct agent_search {
	char *path;
	int error;
};

static void search_agent(void *context)
{
	struct agent_search *search = context;

	search->error = agent_find(&search->path);
}

static void load_agent(int fd)
{
	struct agent_search *search = calloc(1, sizeof(*search));

	if (search && aside_run(search_agent, search, LOOK_MS) && search->error == 0)
		agent_load(fd, search->path);
	else
		close(fd);
}

/* In the launcher: waits for the observer. That the program cannot be watched is told, unless it was at an
 * earlier start. */
static void await_observer(struct job *job, struct observer_link *link)
{
	struct account account = { .record = { .attach_error = observer_await(link) } };
	cleanup_free char *problem = account_problem(&account, job->known.program, job->known.db.path, 0);

	if (link->agent_fd >= 0)
		load_agent(link->agent_fd);
	if (problem && (!job->known.notice.text || strcmp(problem, job->known.notice.text) != 0))
		warn(job, problem);
}

/* In the observer. A profile that is started for the first time has something in common with the others. */
static struct shadow *load_common(struct known *known, const struct job *job)
{
	struct shadow *common = &known->shadow;

	if (!job->options->prefetches ||
	    common_part_load(&known->db, known->program, known->profile, common) < 0)
		return NULL;
	cleanup_free char *name = text_printable(known->program);

	say(job, "pbrun: %s: prefetching what its other profiles have in common\n", name ? name : "");
	return common;
}

static enum observer_prefetch find_prefetch(const struct job *job, const struct shadow *shadow)
{
	if (!job->options->prefetches || job->known.has_missed_settings)
		return OBSERVER_PREFETCHES_NOTHING;
	if (shadow)
		return OBSERVER_REPLAYS;
	return job->is_loaded ? OBSERVER_PREFETCHES_NOTHING : OBSERVER_PREDICTS;
}

/* In the observer: what the launcher could not take over without waiting, and what it did not need. */
static void take_over(struct job *job)
{
	struct known *known = &job->known;
	struct observer_options *options = &job->observer;
	bool is_known = true;

	if (job->need == NEEDS_OBSERVER_TO_LOAD)
		is_known = known_load(known);
	else if (observer_needs_names(options))
		known_complete(known);
	tell_warnings(job);
	if (!known->profile)
		_exit(1);
	open_report(job);
	options->must_not_attach = detach_grants_privilege(known->program);
	options->profile = known->profile;
	operands_set_profile(&job->operands, known->profile);
	options->shadow = known->has_shadow ? &known->shadow : is_known ? load_common(known, job) : NULL;
	options->obstacle = known->obstacle;
	options->has_notice = known->notice.text;
	/* If it is not known whether it may be, it is not loaded. */
	options->agent = is_known && known->config.uses_agent ? OBSERVER_HAS_AGENT : OBSERVER_HAS_NO_AGENT;
	/* What was found out of a shadow of its own holds. */
	if (!known->has_shadow || job->need == NEEDS_OBSERVER_TO_LOAD)
		options->prefetch = find_prefetch(job, options->shadow);
	/* What is excluded, for one, is not known. */
	if (!is_known)
		options->prefetch = OBSERVER_PREFETCHES_NOTHING;
}

/* Returns in the launcher only. */
static void leave_observer(struct job *job)
{
	struct known *known = &job->known;
	struct observer_link link = { .fd = -1, .agent_fd = -1 };
	bool is_heard = job->observer.audience == OBSERVER_HEARD;
	int voice_fd = is_heard || job->need == NEEDS_OBSERVER_TO_LOAD
			       ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
			       : -1;
	int kept[] = { known->db.dir_fd, job->report.base_fd, job->report.fd, voice_fd };
	int role = observer_fork(kept, sizeof(kept) / sizeof(kept[0]), &link);

	if (role < 0) {
		warnings_add(&known->warnings, "%s: started without prefetch and record: %s (%s)",
			     known->program, strerror(-role), error_advice(role));
		tell_warnings(job);
		return;
	}
	if (role == OBSERVER_LAUNCHER) {
		await_observer(job, &link);
		return;
	}
	job->voice_fd = voice_fd;
	take_over(job);
	if (!job->options->verbose && !report_file_awaits_text(&job->report)) {
		job->observer.audience = OBSERVER_UNHEARD;
		close_voice(job);
	}
	observer_run(&link, &job->observer, completed, job);
}

/* Without memory for it, all that is used is taken for the program's. Where the profile is not known yet, see
 * take_over(). */
static void list_operands(struct job *job)
{
	const char *profile = job->known.profile ? job->known.profile : "";

	if (operands_list(job->argv, job->known.cwd, profile, &job->operands) == 0)
		(void)!operands_add_input(&job->operands);
}

/* All for which the launcher looks at files. In a thread: a call that waits for no disk and no network may
 * wait for who is asked before a file is opened. */
static void look(void *context)
{
	struct job *job = context;
	struct known *known = &job->known;
	bool is_known = known_load_cached(known);

	list_operands(job);
	job->observer = (struct observer_options){ .program = known->program,
						   .profile = known->profile,
						   .db = &known->db,
						   .shadow = known->has_shadow ? &known->shadow : NULL,
						   .operands = &job->operands,
						   .requested = job->options->mode,
						   .audience = job->options->verbose || job->report.name
								       ? OBSERVER_HEARD
								       : OBSERVER_UNHEARD,
						   .window_ms = job->options->window_ms };
	(void)!getrandom(&job->observer.random, sizeof(job->observer.random), GRND_NONBLOCK);
	/* Before anybody reads its headers. */
	job->is_loaded = job->observer.audience == OBSERVER_UNHEARD && !known->has_shadow &&
			 loaded_is_resident(known->program);
	job->observer.prefetch = find_prefetch(job, job->observer.shadow);
	if (!is_known) {
		job->need = NEEDS_OBSERVER_TO_LOAD;
	} else if (observer_is_needed(&job->observer)) {
		known_find_obstacle(known);
		job->need = NEEDS_OBSERVER;
	}
}

/* Finds the program, and gives it the name that it is to have. Becomes the program if nothing else is to be
 * done. ret_file is what to execute, ret_program its canonical path. */
static void find_program(const struct launch_options *options, char *argv[], char **ret_file,
			 char **ret_program)
{
	const char *name = options->name ? options->name : argv[0];
	char *file = NULL;
	int r = target_find(name, &file, ret_program);

	/* By name alone pbrun itself would be found again: there is nothing to do but to try once more. */
	if (r == -ENOMEM && options->name)
		r = target_find(name, &file, ret_program);
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
	*ret_file = file;
}

/* No memory may be allocated: see aside_run(). */
static void tell_at_once(const char *why)
{
	if (output_has_room(STDERR_FILENO))
		dprintf(STDERR_FILENO, "pbrun: started without prefetch and record: %s\n", why);
}

void launch(char *argv[], const struct launch_options *options)
{
	struct job job = { .options = options, .argv = argv, .voice_fd = STDERR_FILENO };
	char *file = NULL, *program = NULL;

	/* A shadow takes a megabyte or so: not to be had in steps of a few pages, nor by each thread for
	 * itself.
	 */
	(void)mallopt(M_TOP_PAD, 1 << 20);
	(void)mallopt(M_ARENA_MAX, 1);
	find_program(options, argv, &file, &program);
	if (seccomp_kills()) {
		tell_at_once("a filter (seccomp) kills for calls that are needed, or does not answer them");
		exec_program(file, argv);
	}
	known_init(&job.known, options, argv, program);
	/* First of all: a descriptor that the caller closed is not to be taken for his. */
	int r = report_file_prepare(&job.report, options->report);

	if (r < 0)
		warn_of_report(&job, "no report can be written there", r);
	if (!aside_run(look, &job, LOOK_MS)) {
		tell_at_once(
			"a file did not come within a second (is there a scanner that does not answer?)");
		exec_program(file, argv);
	}
	tell_warnings(&job);
	if (job.need != NEEDS_NOTHING)
		leave_observer(&job);
	exec_program(file, argv);
}
