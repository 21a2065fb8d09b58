/* cmd_help.c - --help and --version: the rows of command.h as text, and as JSON for the completions. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

#define NAME_COLUMN 25

/* "  -d, --dir DIR          keep ..." */
static void print_row(char letter, const char *name, const char *value, const char *help)
{
	int width = letter ? printf("  -%c, --%s", letter, name) : printf("      --%s", name);

	if (value)
		width += printf(" %s", value);
	if (width >= NAME_COLUMN) {
		putchar('\n');
		width = 0;
	}
	printf("%*s%s\n", NAME_COLUMN - width, "", help);
}

enum group { GROUP_LAUNCH, GROUP_COMMANDS_ONLY };

static void print_options(enum group group)
{
	for (const struct option_row *row = option_rows; row < option_rows + N_OPTIONS; row++) {
		bool is_of_launch = row->goes_with & (1u << COMMAND_LAUNCH);

		if (is_of_launch == (group == GROUP_LAUNCH))
			print_row(row->letter, row->name, row->value, row->help);
	}
}

static void print_help(void)
{
	puts("Usage: pbrun [OPTION]... [--] PROGRAM [ARG]...\n"
	     "       pbrun COMMAND [OPTION]... [PROGRAM]...\n"
	     "Start PROGRAM with the pages it is going to need already on their way into\n"
	     "memory, and remember the pages it uses for the next start.\n"
	     "\n"
	     "Options:");
	print_options(GROUP_LAUNCH);
	puts("\nCommands:");
	for (const struct command_row *row = command_rows; row < command_rows + N_COMMANDS; row++)
		if (row->name)
			print_row(row->letter, row->name, row->operands, row->help);
	puts("\nOptions of commands, which also take --dir and --profile:");
	print_options(GROUP_COMMANDS_ONLY);
	puts("\n"
	     "Options end at the PROGRAM to start; with a command they may stand anywhere.\n"
	     "Exit status: that of PROGRAM; 125 if pbrun was used wrongly, 126 if PROGRAM\n"
	     "could not be run, 127 if it was not found. See pbrun(1).");
}

/* The texts are constants without anything to be escaped. */
static void print_word(const char *key, const char *value)
{
	if (value)
		printf(", \"%s\": \"%s\"", key, value);
}

static void print_row_as_json(char letter, const char *name, const char *help)
{
	printf("{\"name\": \"%s\"", name);
	if (letter)
		printf(", \"letter\": \"%c\"", letter);
	print_word("help", help);
}

static void print_json(void)
{
	const char *separator = "";

	fputs("{\"format\": 1, \"commands\": [", stdout);
	for (const struct command_row *row = command_rows; row < command_rows + N_COMMANDS; row++) {
		if (!row->name)
			continue;
		fputs(separator, stdout);
		print_row_as_json(row->letter, row->name, row->help);
		print_word("operands", row->operands);
		putchar('}');
		separator = ", ";
	}
	fputs("], \"options\": [", stdout);
	separator = "";
	for (const struct option_row *row = option_rows; row < option_rows + N_OPTIONS; row++) {
		const char *inner = "";

		fputs(separator, stdout);
		print_row_as_json(row->letter, row->name, row->help);
		print_word("value", row->value);
		fputs(", \"goes_with\": [", stdout);
		for (int i = 0; i < N_COMMANDS; i++) {
			if (!(row->goes_with & (1u << i)))
				continue;
			printf("%s\"%s\"", inner, command_rows[i].name ? command_rows[i].name : "");
			inner = ", ";
		}
		fputs("]}", stdout);
		separator = ", ";
	}
	puts("]}");
}

int cmd_help(const struct arguments *arguments)
{
	if (arguments_has(arguments, OPTION_JSON))
		print_json();
	else
		print_help();
	return finish_output("help");
}

int cmd_version(const struct arguments *arguments)
{
	(void)arguments;
	puts("pbrun " PBRUN_VERSION);
	return finish_output("version");
}
