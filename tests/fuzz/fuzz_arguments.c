/* fuzz_arguments.c - any words as a command line: each is taken once, and none is made up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../cmd/arguments.c" /* NOLINT(bugprone-suspicious-include): they are of no library */
#include "../../cmd/command.c"   /* NOLINT(bugprone-suspicious-include) */

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())
#define MAX_WORDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only parsing is tested. */
#define COMMAND(name)                                                                                        \
	int name(const struct arguments *arguments)                                                          \
	{                                                                                                    \
		(void)arguments;                                                                             \
		return 0;                                                                                    \
	}

COMMAND(cmd_launch)
COMMAND(cmd_list)
COMMAND(cmd_show)
COMMAND(cmd_forget)
COMMAND(cmd_export)
COMMAND(cmd_import)
COMMAND(cmd_merge)
COMMAND(cmd_embed)
COMMAND(cmd_embedded)
COMMAND(cmd_unembed)
COMMAND(cmd_alias)
COMMAND(cmd_desktop)
COMMAND(cmd_unit)
COMMAND(cmd_undo)
COMMAND(cmd_wrapped)
COMMAND(cmd_doctor)
COMMAND(cmd_dry_run)
COMMAND(cmd_benchmark)
COMMAND(cmd_help)
COMMAND(cmd_version)

static bool is_within(const char *word, const char *text, size_t size)
{
	return word >= text && word <= text + size;
}

static void check_arguments(const struct arguments *arguments, const char *text, size_t size, int n_words)
{
	const struct command_row *row = &command_rows[arguments->command];

	MUST(arguments->command < N_COMMANDS);
	MUST(arguments->n_operands >= row->min_operands && arguments->n_operands <= row->max_operands);
	MUST(arguments->n_operands + arguments->n_given <= (size_t)n_words * size + 1);
	MUST(!arguments->operands[arguments->n_operands]);
	for (size_t i = 0; i < arguments->n_operands; i++)
		MUST(is_within(arguments->operands[i], text, size));
	for (size_t i = 0; i < arguments->n_given; i++) {
		const struct given_option *given = &arguments->given[i];

		MUST(given->id < N_OPTIONS && !given->value == !option_rows[given->id].value);
		MUST(!given->value || is_within(given->value, text, size));
		MUST(arguments_has(arguments, given->id));
	}
}

/* The words end with NUL bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[MAX_WORDS + 2] = { (char[]){ "pbrun" } };
	struct arguments arguments;
	char *problem = NULL;
	char *text = malloc(size + 1);
	int argc = 1;

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && argc <= MAX_WORDS; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	int r = arguments_parse(argc, argv, &arguments, &problem);

	MUST(r == 0 || r == -EINVAL || r == -ENOMEM);
	MUST((r == -EINVAL) == (problem != NULL));
	if (r == 0)
		check_arguments(&arguments, text, size, argc);
	free(problem);
	free(text);
	return 0;
}
