/*
 * command.h - what pbrun can be told: one row for each command, one for each option.
 *
 * A command is a row in command_rows[], its function, cmd_NAME() in cmd_NAME.c, and its section in
 * man/pbrun.1; an option is a row in option_rows[]. Parsing, --help and the completions come from the rows.
 * To add one: its name in the enum, its row in command.c.
 */
#ifndef PBRUN_COMMAND_H
#define PBRUN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Wrong use, as env(1) and nice(1) have it. */
#define EXIT_USAGE 125
/* The program is there and cannot be run, or it is not there. */
#define EXIT_NOT_RUN 126
#define EXIT_NOT_FOUND 127

enum command_id {
	COMMAND_LAUNCH, /* no command was given: a program is to be started */
	COMMAND_LIST,
	COMMAND_SHOW,
	COMMAND_FORGET,
	COMMAND_EXPORT,
	COMMAND_IMPORT,
	COMMAND_MERGE,
	COMMAND_EMBED,
	COMMAND_EMBEDDED,
	COMMAND_UNEMBED,
	COMMAND_ALIAS,
	COMMAND_DESKTOP,
	COMMAND_UNIT,
	COMMAND_UNDO,
	COMMAND_WRAPPED,
	COMMAND_DOCTOR,
	COMMAND_DRY_RUN,
	COMMAND_BENCHMARK,
	COMMAND_HELP,
	COMMAND_VERSION,
	N_COMMANDS
};

enum option_id {
	OPTION_DIR,
	OPTION_RECORD,
	OPTION_NO_PREFETCH,
	OPTION_PROFILE,
	OPTION_ARGV0,
	OPTION_WINDOW,
	OPTION_EXCLUDE,
	OPTION_REPORT,
	OPTION_VERBOSE,
	OPTION_JSON,
	OPTION_SVG,
	OPTION_FORMAT,
	OPTION_OUTPUT,
	OPTION_KEEP_TIMES,
	OPTION_SHELL,
	OPTION_SYSTEM,
	OPTION_RUNS,
	N_OPTIONS
};

/* An option as it was given. */
struct given_option {
	enum option_id id;
	const char *value; /* NULL: it takes none */
};

/* More are refused. Room for them that has to be had first could be what keeps a program from starting. */
#define ARGUMENTS_MAX_GIVEN 256

/* What was typed, taken apart. Strings belong to argv. */
struct arguments {
	enum command_id command;
	struct given_option given[ARGUMENTS_MAX_GIVEN]; /* in the order in which they were typed */
	size_t n_given;
	char **operands; /* ends with NULL */
	size_t n_operands;
};

enum operand_order {
	/* Options may stand before, between and after the operands; none does after "--". */
	OPERANDS_ANYWHERE,
	/* The first operand is a program, and what follows is its own. */
	OPERANDS_END_OPTIONS,
};

struct command_row {
	const char *name;     /* of its option, without "--"; NULL: the launch */
	char letter;          /* 0: none */
	const char *operands; /* how they are called in the help; NULL: there are none */
	enum operand_order order;
	size_t min_operands;
	size_t max_operands;
	const char *help;
	/* Prints to stdout, says on stderr what went wrong, returns the exit status. */
	int (*run)(const struct arguments *arguments);
};

struct option_row {
	const char *name; /* without "--" */
	/* 0: none. Two options may share one if no command has both: it is that of the command before it. */
	char letter;
	const char *value;  /* how its value is called in the help; NULL: it takes none */
	uint32_t goes_with; /* bits 1 << enum command_id */
	const char *help;
};

extern const struct command_row command_rows[N_COMMANDS];
extern const struct option_row option_rows[N_OPTIONS];

/* Was the option given? And the value that was given last, NULL if none was. */
bool arguments_has(const struct arguments *self, enum option_id id);
const char *arguments_value(const struct arguments *self, enum option_id id);

/*
 * Takes argv apart; the operands of a command with OPERANDS_ANYWHERE are moved to the front of argv. An
 * option may be shortened as long as it is the only one that begins so. A letter's value may stand in the
 * same word or in the next one, a long option's behind "=" or in the next word. Returns 0; -EINVAL for wrong
 * use, and then *ret_problem says what is wrong, to be freed; -ENOMEM: wrong use, and no memory to say it.
 */
int arguments_parse(int argc, char *argv[], struct arguments *self, char **ret_problem)
	__attribute__((warn_unused_result));

/* Says what is used wrongly, and exits with EXIT_USAGE. For a value that a command cannot use. */
__attribute__((noreturn, format(printf, 1, 2))) void wrong_use(const char *format, ...);

/* The commands. */
int cmd_launch(const struct arguments *arguments);
/* pbrun was called by the name of another program, which is to be started: no option is its own. */
int cmd_launch_as(const char *name, char *argv[]);
int cmd_list(const struct arguments *arguments);
int cmd_show(const struct arguments *arguments);
int cmd_forget(const struct arguments *arguments);
int cmd_export(const struct arguments *arguments);
int cmd_import(const struct arguments *arguments);
int cmd_merge(const struct arguments *arguments);
int cmd_embed(const struct arguments *arguments);
int cmd_embedded(const struct arguments *arguments);
int cmd_unembed(const struct arguments *arguments);
int cmd_alias(const struct arguments *arguments);
int cmd_desktop(const struct arguments *arguments);
int cmd_unit(const struct arguments *arguments);
int cmd_undo(const struct arguments *arguments);
int cmd_wrapped(const struct arguments *arguments);
int cmd_doctor(const struct arguments *arguments);
int cmd_dry_run(const struct arguments *arguments);
int cmd_benchmark(const struct arguments *arguments);
int cmd_help(const struct arguments *arguments);
int cmd_version(const struct arguments *arguments);

#endif
