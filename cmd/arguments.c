/* arguments.c - takes the command line apart by the rows of command.h. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "sys/cleanup.h"

/* Where the parser stands. */
struct parser {
	char **words;
	size_t n_words;
	size_t next;                        /* the word to be read */
	const struct option_row *took_last; /* the option whose value the last word is; NULL: none's */
	struct arguments *arguments;
	char **ret_problem;
};

/* What a name or letter stands for: a command, an option, or neither. */
struct meaning {
	enum { MEANS_NOTHING, MEANS_COMMAND, MEANS_OPTION, MEANS_SEVERAL } kind;
	enum command_id command;
	enum option_id option;
};

bool arguments_has(const struct arguments *self, enum option_id id)
{
	for (size_t i = 0; i < self->n_given; i++)
		if (self->given[i].id == id)
			return true;
	return false;
}

const char *arguments_value(const struct arguments *self, enum option_id id)
{
	for (size_t i = self->n_given; i-- > 0;)
		if (self->given[i].id == id)
			return self->given[i].value;
	return NULL;
}

__attribute__((format(printf, 2, 3))) static int problem(struct parser *parser, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = vasprintf(parser->ret_problem, format, args);

	va_end(args);
	if (r < 0) {
		*parser->ret_problem = NULL;
		return -ENOMEM;
	}
	return -EINVAL;
}

/* Of options that share a letter, the one that goes with the command is meant, else the first. */
static struct meaning find_letter(char letter, enum command_id command)
{
	struct meaning found = { .kind = MEANS_NOTHING };

	for (int i = 0; i < N_COMMANDS; i++)
		if (letter && command_rows[i].letter == letter)
			return (struct meaning){ .kind = MEANS_COMMAND, .command = (enum command_id)i };
	for (int i = 0; i < N_OPTIONS; i++) {
		bool goes_with = option_rows[i].goes_with & (1u << command);

		if (letter && option_rows[i].letter == letter && (goes_with || found.kind == MEANS_NOTHING))
			found = (struct meaning){ .kind = MEANS_OPTION, .option = (enum option_id)i };
	}
	return found;
}

static const char *name_at(int i)
{
	return i < N_COMMANDS ? command_rows[i].name : option_rows[i - N_COMMANDS].name;
}

/* The one that is called so, else the only one that begins so. */
static struct meaning find_name(const char *name, size_t size)
{
	struct meaning found = { .kind = MEANS_NOTHING };

	/* "--=x" begins the names of all. */
	for (int i = 0; size > 0 && i < N_COMMANDS + N_OPTIONS; i++) {
		bool is_command = i < N_COMMANDS;
		const char *other = name_at(i);
		struct meaning meaning = { .kind = is_command ? MEANS_COMMAND : MEANS_OPTION };

		if (!other || strncmp(other, name, size) != 0)
			continue;
		if (is_command)
			meaning.command = (enum command_id)i;
		else
			meaning.option = (enum option_id)(i - N_COMMANDS);
		if (!other[size])
			return meaning;
		if (found.kind != MEANS_NOTHING)
			meaning.kind = MEANS_SEVERAL;
		found = meaning;
	}
	return found;
}

static int add_option(struct parser *parser, enum option_id id, const char *value)
{
	struct arguments *arguments = parser->arguments;

	if (arguments->n_given == ARGUMENTS_MAX_GIVEN)
		return problem(parser, "there are more than %d options", ARGUMENTS_MAX_GIVEN);
	arguments->given[arguments->n_given++] = (struct given_option){ .id = id, .value = value };
	return 0;
}

/* "--undo --desktop x" is "--undo x". */
static bool is_undone(enum command_id command)
{
	return command == COMMAND_DESKTOP || command == COMMAND_UNIT;
}

/* Help and version win over every other command. */
static int set_command(struct parser *parser, enum command_id id)
{
	enum command_id before = parser->arguments->command;

	if (before == COMMAND_HELP || before == COMMAND_VERSION || before == id)
		return 0;
	if (before == COMMAND_UNDO && is_undone(id))
		return 0;
	if (before != COMMAND_LAUNCH && !(id == COMMAND_UNDO && is_undone(before)) && id != COMMAND_HELP &&
	    id != COMMAND_VERSION)
		return problem(parser, "--%s and --%s cannot be given together", command_rows[before].name,
			       command_rows[id].name);
	parser->arguments->command = id;
	return 0;
}

/* What nobody can mean: an empty path (a variable that is not set), a profile that no shadow can hold. */
static int check_value(struct parser *parser, enum option_id id, const char *value)
{
	const struct option_row *row = &option_rows[id];
	bool is_path = row->value && (strcmp(row->value, "DIR") == 0 || strcmp(row->value, "FILE") == 0);

	if (!value)
		return 0;
	if (is_path && !*value)
		return problem(parser, "--%s: its value, %s, is empty", row->name, row->value);
	if (id == OPTION_PROFILE && strlen(value) >= PATH_MAX)
		return problem(parser, "--%s: a name of %d bytes or more is too long", row->name, PATH_MAX);
	return 0;
}

/* value is what stands behind the option in the same word, NULL: nothing. */
static int take_option(struct parser *parser, enum option_id id, const char *value)
{
	const struct option_row *row = &option_rows[id];

	if (!row->value && value)
		return problem(parser, "--%s takes no value", row->name);
	if (row->value && !value) {
		if (parser->next == parser->n_words)
			return problem(parser, "--%s: its value, %s, is missing", row->name, row->value);
		value = parser->words[parser->next++];
		if (parser->next == parser->n_words)
			parser->took_last = row;
	}
	int r = check_value(parser, id, value);

	return r < 0 ? r : add_option(parser, id, value);
}

static void add_operand(struct parser *parser, char *operand)
{
	/* What is written was read before: never more operands than words. */
	parser->arguments->operands[parser->arguments->n_operands++] = operand;
}

/* "option '--ver' can mean --verbose or --version" */
static int several(struct parser *parser, const char *name, size_t size)
{
	char *names = NULL;

	for (int i = 0; i < N_COMMANDS + N_OPTIONS; i++) {
		cleanup_free char *before = names;

		if (!name_at(i) || strncmp(name_at(i), name, size) != 0)
			take_pointer(before);
		else if (asprintf(&names, "%s%s--%s", before ? before : "", before ? " or " : "",
				  name_at(i)) < 0)
			return -ENOMEM;
	}
	int r = problem(parser, "option '--%.*s' can mean %s", (int)size, name, names);

	free(names);
	return r;
}

static int take_long(struct parser *parser, char *word)
{
	size_t size = strcspn(word + 2, "=");
	char *value = word[2 + size] ? word + 2 + size + 1 : NULL;
	struct meaning meaning = find_name(word + 2, size);

	switch (meaning.kind) {
	case MEANS_OPTION:
		return take_option(parser, meaning.option, value);
	case MEANS_COMMAND:
		if (value && !command_rows[meaning.command].operands)
			return problem(parser, "--%s takes no value", command_rows[meaning.command].name);
		if (value)
			add_operand(parser, value);
		return set_command(parser, meaning.command);
	case MEANS_SEVERAL:
		return several(parser, word + 2, size);
	default:
		return problem(parser, "there is no option '%.*s'", (int)(2 + size), word);
	}
}

static int take_letters(struct parser *parser, char *word)
{
	for (char *letter = word + 1; *letter; letter++) {
		struct meaning meaning = find_letter(*letter, parser->arguments->command);
		bool takes_value = meaning.kind == MEANS_OPTION && option_rows[meaning.option].value;
		int r = 0;

		if (meaning.kind == MEANS_COMMAND)
			r = set_command(parser, meaning.command);
		else if (meaning.kind == MEANS_OPTION)
			r = take_option(parser, meaning.option, takes_value && letter[1] ? letter + 1 : NULL);
		else
			r = problem(parser, "there is no option '-%c'", *letter);
		if (r < 0 || takes_value)
			return r;
	}
	return 0;
}

/* Who forgets an option's value has it take the operand. */
static int operand_is_missing(struct parser *parser)
{
	const struct command_row *command = &command_rows[parser->arguments->command];
	const struct option_row *took = parser->took_last;
	const char *value = took ? parser->arguments->given[parser->arguments->n_given - 1].value : NULL;
	const char *dashes = command->name ? "--" : "", *colon = command->name ? ": " : "";
	const char *name = command->name ? command->name : "";
	const char *operands = command->name ? command->operands : "the program to start";

	if (value)
		return problem(parser, "%s%s%s%s is missing: '%s' is the value of --%s, %s", dashes, name,
			       colon, operands, value, took->name, took->value);
	return problem(parser, "%s%s%s%s is missing", dashes, name, colon, operands);
}

/* Do the options and the number of operands go with the command? */
static int check(struct parser *parser)
{
	const struct arguments *arguments = parser->arguments;
	const struct command_row *command = &command_rows[arguments->command];

	if (arguments->command == COMMAND_HELP || arguments->command == COMMAND_VERSION)
		return 0;
	for (size_t i = 0; i < arguments->n_given; i++) {
		const struct option_row *row = &option_rows[arguments->given[i].id];

		if (row->goes_with & (1u << arguments->command))
			continue;
		if (arguments->command == COMMAND_LAUNCH)
			return problem(
				parser, "--%s goes with a command, not with starting a program%s", row->name,
				arguments->given[i].id == OPTION_JSON ? "; there is --report FILE" : "");
		return problem(parser, "--%s does not go with --%s", row->name, command->name);
	}
	if (arguments->n_operands < command->min_operands)
		return operand_is_missing(parser);
	if (arguments->n_operands > command->max_operands)
		return problem(parser, "'%s' is one operand too many",
			       arguments->operands[command->max_operands]);
	return 0;
}

static void take_rest(struct parser *parser)
{
	while (parser->next < parser->n_words)
		add_operand(parser, parser->words[parser->next++]);
}

static int take_words(struct parser *parser)
{
	while (parser->next < parser->n_words) {
		char *word = parser->words[parser->next++];
		int r = 0;

		if (strcmp(word, "--") == 0) {
			take_rest(parser);
		} else if (word[0] == '-' && word[1] == '-') {
			r = take_long(parser, word);
		} else if (word[0] == '-' && word[1]) {
			r = take_letters(parser, word);
		} else {
			add_operand(parser, word);
			if (command_rows[parser->arguments->command].order == OPERANDS_END_OPTIONS)
				take_rest(parser);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int arguments_parse(int argc, char *argv[], struct arguments *self, char **ret_problem)
{
	size_t n_words = argc > 0 ? (size_t)argc - 1 : 0;
	struct parser parser = {
		.words = argv + 1, .n_words = n_words, .arguments = self, .ret_problem = ret_problem
	};

	*self = (struct arguments){ .command = COMMAND_LAUNCH, .operands = argv + 1 };
	*ret_problem = NULL;
	if (argc < 1) {
		/* An empty argv ends with NULL all the same. */
		self->operands = argv;
		return check(&parser);
	}
	int r = take_words(&parser);

	self->operands[self->n_operands] = NULL;
	return r < 0 ? r : check(&parser);
}
