/* cmd_launch.c - no command: a program is started. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "launch.h"
#include "output.h"
#include "report_file.h"
#include "settings.h"
#include "store.h"

#define DEFAULT_WINDOW_MS 30000
#define MAX_WINDOW_SECONDS 86400

static enum policy_mode parse_mode(const char *text)
{
	enum policy_mode mode;

	if (!policy_parse_mode(text, &mode))
		wrong_use("--record '%s' is none of auto, train, sample, none", text);
	return mode;
}

static uint32_t parse_window(const char *text)
{
	char *end = NULL;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds <= 0 || seconds > MAX_WINDOW_SECONDS)
		wrong_use("--window '%s' is no number of seconds above 0 and up to 86400", text);
	return seconds < 0.001 ? 1 : (uint32_t)(seconds * 1000);
}

static void read_environment(struct launch_options *launch_options)
{
	/* Not of a pbrun whose own file has privileges. */
	const char *mode = secure_getenv("PBRUN_RECORD");
	const char *disable = getenv("PBRUN_DISABLE");

	launch_options->is_disabled = disable && strcmp(disable, "") != 0 && strcmp(disable, "0") != 0;
	/* The program is to run, whatever its user's environment holds. */
	if (mode && *mode && !policy_parse_mode(mode, &launch_options->mode)) {
		struct warnings warnings = { 0 };

		warnings_add(
			&warnings,
			"PBRUN_RECORD=%s: none of auto, train, sample, none: ignored (unset it, or set it "
			"to one)",
			mode);
		warnings_finish(&warnings);
	}
}

struct launch_options launch_options_of(const struct arguments *arguments)
{
	const char *mode = arguments_value(arguments, OPTION_RECORD);
	const char *window = arguments_value(arguments, OPTION_WINDOW);
	struct launch_options launch_options = {
		.profile = arguments_value(arguments, OPTION_PROFILE),
		.report = arguments_value(arguments, OPTION_REPORT),
		.argv0 = (char *)(uintptr_t)arguments_value(arguments, OPTION_ARGV0),
		.mode = POLICY_AUTO,
		.window_ms = window ? parse_window(window) : DEFAULT_WINDOW_MS,
		.prefetches = !arguments_has(arguments, OPTION_NO_PREFETCH),
		.verbose = arguments_has(arguments, OPTION_VERBOSE),
	};

	if (launch_options.report && report_file_has_wrong_number(launch_options.report))
		wrong_use("--report '%s': fd: goes with the number of a descriptor; a file of this name is "
			  "./%s",
			  launch_options.report, launch_options.report);
	read_environment(&launch_options);
	if (mode)
		launch_options.mode = parse_mode(mode);
	return launch_options;
}

/* What is excluded is not known: nothing may be recorded or prefetched. */
static void do_without(struct launch_options *launch_options)
{
	struct warnings warnings = { 0 };

	launch_options->is_disabled = true;
	warnings_add(&warnings, "started without prefetch and record: %s (%s)", strerror(ENOMEM),
		     error_advice(-ENOMEM));
	warnings_finish(&warnings);
}

/* name NULL: that of argv. */
__attribute__((noreturn)) static void start(const struct arguments *arguments, const char *name, char *argv[])
{
	cleanup_free char *why_no_dir = NULL;
	const char *home = NULL;
	cleanup_free char *directory = store_directory_unasked(arguments, &home, &why_no_dir);
	cleanup_with(config_release) struct config config = { 0 };
	struct launch_options launch_options = launch_options_of(arguments);

	launch_options.name = name;
	launch_options.dir = directory;
	launch_options.home = home;
	launch_options.why_no_dir = why_no_dir;
	if (settings_given(arguments, &config) < 0)
		do_without(&launch_options);
	launch_options.config = &config;
	launch(argv, &launch_options);
}

int cmd_launch(const struct arguments *arguments)
{
	start(arguments, NULL, arguments->operands);
}

int cmd_launch_as(const char *name, char *argv[])
{
	const struct arguments none = { 0 };

	start(&none, name, argv);
}
