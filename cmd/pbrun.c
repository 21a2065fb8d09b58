/*
 * pbrun - start a program with the pages it is going to need already on their way into memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch.h"
#include "manage.h"
#include "sys/privs.h"

#define EXIT_USAGE 125
#define DEFAULT_WINDOW_MS 30000
#define MOST_WINDOW_SECONDS 86400

enum command { COMMAND_LAUNCH, COMMAND_LIST, COMMAND_SHOW, COMMAND_FORGET };

struct arguments {
	enum command command;
	const char *subject; /* the PROGRAM of --show, the first of --forget */
	bool json;
	struct launch_options launch;
	char *const *operands;
	int n_operands;
};

static void usage(void)
{
	fputs("Usage: pbrun [OPTION]... [--] PROGRAM [ARG]...\n"
	      "       pbrun --list | --show PROGRAM | --forget PROGRAM... [--json]\n"
	      "Start PROGRAM with the pages it is going to need already on their way into memory,\n"
	      "and remember the pages it uses for the next start.\n"
	      "\n"
	      "  -d, --dir DIR          keep the recordings (shadow files) in DIR\n"
	      "  -r, --record MODE      auto (default), train, sample or none\n"
	      "  -n, --no-prefetch      do not prefetch\n"
	      "  -p, --profile NAME     remember this use of PROGRAM apart from others\n"
	      "  -w, --window SECONDS   length of the launch window (default: 30)\n"
	      "  -R, --report FILE      write a report of this launch, in JSON\n"
	      "  -v, --verbose          say what is done, on standard error\n"
	      "\n"
	      "      --list             list what is remembered\n"
	      "      --show PROGRAM     show what is remembered of PROGRAM\n"
	      "      --forget PROGRAM   remove what is remembered of PROGRAM\n"
	      "      --json             with --list and --show: in JSON\n"
	      "\n"
	      "  -h, --help             show this help\n"
	      "  -V, --version          show the version\n"
	      "\n"
	      "Options end at PROGRAM. Exit status: that of PROGRAM; 125 if pbrun was used wrongly,\n"
	      "126 if PROGRAM could not be run, 127 if it was not found. See pbrun(1).\n",
	      stdout);
}

__attribute__((noreturn, format(printf, 1, 2))) static void wrong_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("pbrun: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'pbrun --help' for more information.\n", stderr);
	exit(EXIT_USAGE);
}

static enum policy_mode parse_mode(const char *text)
{
	enum policy_mode mode;

	if (!policy_parse_mode(text, &mode))
		wrong_usage("record mode '%s' is none of auto, train, sample, none", text);
	return mode;
}

static uint32_t parse_window(const char *text)
{
	char *end = NULL;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds <= 0 || seconds > MOST_WINDOW_SECONDS)
		wrong_usage("launch window '%s' is no number of seconds above 0 and up to 86400", text);
	return seconds < 0.001 ? 1 : (uint32_t)(seconds * 1000);
}

/* Without a directory of its own pbrun uses PBRUN_DIR, $XDG_CACHE_HOME/pbrun (where that is absolute, as
 * the XDG Base Directory Specification asks), $HOME/.cache/pbrun. NULL: none of them is set. */
static char *default_directory(void)
{
	const char *own = getenv("PBRUN_DIR");
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;

	if (own && *own)
		return strdup(own);
	if (cache && *cache == '/')
		return asprintf(&path, "%s/pbrun", cache) < 0 ? NULL : path;
	if (home && *home)
		return asprintf(&path, "%s/.cache/pbrun", home) < 0 ? NULL : path;
	return NULL;
}

static void read_environment(struct arguments *arguments)
{
	const char *mode = getenv("PBRUN_RECORD");
	const char *disable = getenv("PBRUN_DISABLE");

	arguments->launch.is_disabled = disable && strcmp(disable, "") != 0 && strcmp(disable, "0") != 0;
	/* The program is to run, whatever its user's environment holds. */
	if (mode && *mode && !policy_parse_mode(mode, &arguments->launch.mode))
		fprintf(stderr,
			"pbrun: warning: PBRUN_RECORD=%s: none of auto, train, sample, none: ignored\n",
			mode);
}

static void set_command(struct arguments *arguments, enum command command, const char *subject)
{
	if (arguments->command != COMMAND_LAUNCH && arguments->command != command)
		wrong_usage("only one of --list, --show and --forget can be given");
	arguments->command = command;
	arguments->subject = subject;
}

static void parse_arguments(int argc, char *argv[], struct arguments *arguments)
{
	enum { OPTION_LIST = 256, OPTION_SHOW, OPTION_FORGET, OPTION_JSON };
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "record", required_argument, NULL, 'r' },
		{ "no-prefetch", no_argument, NULL, 'n' },
		{ "profile", required_argument, NULL, 'p' },
		{ "window", required_argument, NULL, 'w' },
		{ "report", required_argument, NULL, 'R' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "list", no_argument, NULL, OPTION_LIST },
		{ "show", required_argument, NULL, OPTION_SHOW },
		{ "forget", required_argument, NULL, OPTION_FORGET },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ NULL, 0, NULL, 0 },
	};
	int option = 0;

	while ((option = getopt_long(argc, argv, "+d:r:np:w:R:vhV", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			arguments->launch.dir = optarg;
			break;
		case 'r':
			arguments->launch.mode = parse_mode(optarg);
			break;
		case 'n':
			arguments->launch.prefetches = false;
			break;
		case 'p':
			arguments->launch.profile = optarg;
			break;
		case 'w':
			arguments->launch.window_ms = parse_window(optarg);
			break;
		case 'R':
			arguments->launch.report = optarg;
			break;
		case 'v':
			arguments->launch.verbose = true;
			break;
		case OPTION_LIST:
			set_command(arguments, COMMAND_LIST, NULL);
			break;
		case OPTION_SHOW:
			set_command(arguments, COMMAND_SHOW, optarg);
			break;
		case OPTION_FORGET:
			set_command(arguments, COMMAND_FORGET, optarg);
			break;
		case OPTION_JSON:
			arguments->json = true;
			break;
		case 'h':
			usage();
			exit(0);
		case 'V':
			puts("pbrun " PBRUN_VERSION);
			exit(0);
		default:
			fputs("Try 'pbrun --help' for more information.\n", stderr);
			exit(EXIT_USAGE);
		}
	}
	arguments->operands = argv + optind;
	arguments->n_operands = argc - optind;
}

/* The subject and the operands. */
static int forget(struct shadowdb *db, const struct arguments *arguments)
{
	char *const first[] = { (char *)(uintptr_t)arguments->subject, NULL };
	int status = manage_forget(db, first, arguments->launch.profile);
	int other_status = arguments->n_operands > 0
				   ? manage_forget(db, arguments->operands, arguments->launch.profile)
				   : 0;

	return status ? status : other_status;
}

static int manage(const struct arguments *arguments)
{
	const char *dir = arguments->launch.dir;
	struct shadowdb db;
	int status = 1;

	if (arguments->command != COMMAND_FORGET && arguments->n_operands > 0)
		wrong_usage("'%s' is one operand too many", arguments->operands[0]);
	int r = shadowdb_open(&db, dir, SHADOWDB_SYSTEM_DIR);

	if (r < 0)
		fprintf(stderr, "pbrun: %s: cannot be used as shadow directory: %s\n", dir, strerror(-r));
	else if (arguments->command == COMMAND_LIST)
		status = manage_list(&db, arguments->json);
	else if (arguments->command == COMMAND_SHOW)
		status = manage_show(&db, arguments->subject, arguments->launch.profile, arguments->json);
	else
		status = forget(&db, arguments);
	shadowdb_release(&db);
	return status;
}

/* Nothing that pbrun opens may take the place of a standard descriptor that is closed. The program finds it
 * closed, as it was. */
static void reserve_standard_descriptors(void)
{
	int fd = -1;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char *argv[])
{
	struct arguments arguments = {
		.launch = { .mode = POLICY_AUTO, .window_ms = DEFAULT_WINDOW_MS, .prefetches = true },
	};
	int r = privs_drop_granted();

	reserve_standard_descriptors();
	if (r < 0) {
		fprintf(stderr, "pbrun: cannot give up the privileges of its file: %s\n", strerror(-r));
		return EXIT_USAGE;
	}
	read_environment(&arguments);
	parse_arguments(argc, argv, &arguments);
	cleanup_free char *directory = arguments.launch.dir ? NULL : default_directory();

	if (!arguments.launch.dir)
		arguments.launch.dir = directory;
	if (arguments.command != COMMAND_LAUNCH)
		return manage(&arguments);
	if (arguments.json)
		wrong_usage("--json goes with --list and --show; for a launch there is --report FILE");
	if (arguments.n_operands == 0)
		wrong_usage("the program to start is missing");
	launch(arguments.operands, &arguments.launch);
}
