/* command.c - the rows of the commands and options. */
#include "command.h"

#define LAUNCH (1u << COMMAND_LAUNCH)
#define LIST (1u << COMMAND_LIST)
#define SHOW (1u << COMMAND_SHOW)
#define FORGET (1u << COMMAND_FORGET)
#define EXPORT (1u << COMMAND_EXPORT)
#define IMPORT (1u << COMMAND_IMPORT)
#define MERGE (1u << COMMAND_MERGE)
#define EMBED (1u << COMMAND_EMBED)
#define EMBEDDED (1u << COMMAND_EMBEDDED)
#define UNEMBED (1u << COMMAND_UNEMBED)
#define HELP (1u << COMMAND_HELP)

const struct command_row command_rows[N_COMMANDS] = {
	[COMMAND_LAUNCH] = { .operands = "PROGRAM [ARG]...",
			     .order = OPERANDS_END_OPTIONS,
			     .min_operands = 1,
			     .max_operands = SIZE_MAX,
			     .run = cmd_launch },
	[COMMAND_LIST] = { .name = "list", .help = "list what is remembered", .run = cmd_list },
	[COMMAND_SHOW] = { .name = "show",
			   .operands = "PROGRAM",
			   .min_operands = 1,
			   .max_operands = 1,
			   .help = "show what is remembered of PROGRAM",
			   .run = cmd_show },
	[COMMAND_FORGET] = { .name = "forget",
			     .operands = "PROGRAM...",
			     .min_operands = 1,
			     .max_operands = SIZE_MAX,
			     .help = "remove what is remembered of PROGRAM",
			     .run = cmd_forget },
	[COMMAND_EXPORT] = { .name = "export",
			     .operands = "PROGRAM [FILE]",
			     .min_operands = 1,
			     .max_operands = 2,
			     .help = "write what is remembered to FILE, to travel",
			     .run = cmd_export },
	[COMMAND_IMPORT] = { .name = "import",
			     .operands = "FILE...",
			     .min_operands = 1,
			     .max_operands = SIZE_MAX,
			     .help = "add an exported record to what is remembered",
			     .run = cmd_import },
	[COMMAND_MERGE] = { .name = "merge",
			    .operands = "FILE...",
			    .min_operands = 1,
			    .max_operands = SIZE_MAX,
			    .help = "make one of several exported records",
			    .run = cmd_merge },
	[COMMAND_EMBED] = { .name = "embed",
			    .operands = "PROGRAM",
			    .min_operands = 1,
			    .max_operands = 1,
			    .help = "put what is remembered of PROGRAM into its own file",
			    .run = cmd_embed },
	[COMMAND_EMBEDDED] = { .name = "embedded",
			       .operands = "FILE",
			       .min_operands = 1,
			       .max_operands = 1,
			       .help = "show what is embedded in FILE",
			       .run = cmd_embedded },
	[COMMAND_UNEMBED] = { .name = "unembed",
			      .operands = "PROGRAM",
			      .min_operands = 1,
			      .max_operands = 1,
			      .help = "take an embedded record out again",
			      .run = cmd_unembed },
	/* Whoever asks for help gets it, whatever else he typed. */
	[COMMAND_HELP] = { .name = "help",
			   .letter = 'h',
			   .max_operands = SIZE_MAX,
			   .help = "show this help",
			   .run = cmd_help },
	[COMMAND_VERSION] = { .name = "version",
			      .letter = 'V',
			      .max_operands = SIZE_MAX,
			      .help = "show the version",
			      .run = cmd_version },
};

const struct option_row option_rows[N_OPTIONS] = {
	[OPTION_DIR] = { "dir", 'd', "DIR", LAUNCH | LIST | SHOW | FORGET | EXPORT | IMPORT | EMBED,
			 "keep the recordings (shadow files) in DIR" },
	[OPTION_RECORD] = { "record", 'r', "MODE", LAUNCH, "auto (default), train, sample or none" },
	[OPTION_NO_PREFETCH] = { "no-prefetch", 'n', NULL, LAUNCH, "do not prefetch" },
	[OPTION_PROFILE] = { "profile", 'p', "NAME", LAUNCH | SHOW | FORGET | EXPORT | EMBED,
			     "remember this use of PROGRAM apart from others" },
	[OPTION_ARGV0] = { "argv0", 0, "NAME", LAUNCH, "what PROGRAM is to find as its own name" },
	[OPTION_WINDOW] = { "window", 'w', "SECONDS", LAUNCH, "length of the launch window (default: 30)" },
	[OPTION_EXCLUDE] = { "exclude", 'x', "PATTERN", LAUNCH, "neither record nor prefetch such files" },
	[OPTION_REPORT] = { "report", 'R', "FILE", LAUNCH, "write a report of this launch, in JSON" },
	[OPTION_VERBOSE] = { "verbose", 'v', NULL, LAUNCH | SHOW, "say what is done, on standard error" },
	[OPTION_JSON] = { "json", 0, NULL, LIST | SHOW | EMBEDDED | HELP, "with a command: in JSON" },
	[OPTION_SVG] = { "svg", 0, "FILE", SHOW, "draw it into FILE, as an SVG picture" },
	[OPTION_FORMAT] = { "format", 0, "FORMAT", EXPORT, "record (default), or ranges: a line for each" },
	[OPTION_OUTPUT] = { "output", 'o', "FILE", MERGE | EMBED | UNEMBED, "write to FILE" },
	[OPTION_KEEP_TIMES] = { "keep-times", 0, NULL, EMBED | UNEMBED, "keep the times of the file" },
};
