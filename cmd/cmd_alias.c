/* cmd_alias.c - --alias: lines for a shell that start programs through pbrun. */
#include <stdbool.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "sys/lookup.h"
#include "sys/memory_stream.h"
#include "target.h"
#include "wrap.h"

enum shell { SHELL_POSIX, SHELL_FISH };

static enum shell shell_of(const struct arguments *arguments)
{
	static const char *const posix[] = { "bash", "zsh", "sh", "dash", "ash", "ksh", "mksh" };
	const char *given = arguments_value(arguments, OPTION_SHELL);
	const char *own = getenv("SHELL");
	const char *name = given ? given : own && *own ? basename(own) : "sh";

	if (strcmp(name, "fish") == 0)
		return SHELL_FISH;
	for (size_t i = 0; i < sizeof(posix) / sizeof(posix[0]); i++)
		if (strcmp(name, posix[i]) == 0)
			return SHELL_POSIX;
	wrong_use("%s '%s' is none of bash, zsh, fish and sh%s", given ? "--shell" : "the shell", name,
		  given ? "" : "; --shell names another");
}

/* What needs no quotes, in any of the shells and as an alias's name. */
static bool is_plain(const char *text)
{
	return *text &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+@/-")] ==
		       0;
}

/* In single quotes: what would end them is put outside of them, in fish behind a backslash. */
static void put_quoted(FILE *to, const char *text, enum shell shell)
{
	putc('\'', to);
	for (; *text; text++) {
		if (shell == SHELL_FISH && (*text == '\'' || *text == '\\'))
			putc('\\', to);
		if (shell == SHELL_POSIX && *text == '\'')
			fputs("'\\'", to);
		putc(*text, to);
	}
	putc('\'', to);
}

static void put_word(FILE *to, const char *word, enum shell shell)
{
	if (is_plain(word))
		fputs(word, to);
	else
		put_quoted(to, word, shell);
}

static int print_alias(const char *pbrun, const char *name, const char *program, enum shell shell)
{
	char *command = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&command, &size);

	if (!to)
		return complain("alias", name, strerror(errno));
	put_word(to, pbrun, shell);
	putc(' ', to);
	put_word(to, program, shell);
	if (memory_stream_close(to, &command) < 0)
		return complain_error("alias", name, -ENOMEM);
	printf("alias %s%c", name, shell == SHELL_FISH ? ' ' : '=');
	put_quoted(stdout, command, shell);
	putchar('\n');
	free(command);
	return 0;
}

static int alias(const char *pbrun, const char *program, enum shell shell)
{
	const char *name = basename(program);
	cleanup_free char *file = NULL;
	cleanup_free char *path = NULL;
	cleanup_free char *cwd = getcwd(NULL, 0);
	bool is_relative = strchr(program, '/') && *program != '/';
	cleanup_free char *absolute = cwd && is_relative ? wrap_join(cwd, program) : NULL;
	int r = target_find(program, &file, &path);

	if (r < 0)
		return r == -ENOENT ? complain("alias", program, "no such program in PATH (is it installed?)")
				    : (complain_program("alias", program, r), 1);
	if (!is_plain(name) || *name == '-')
		return complain("alias", program, "the name of an alias is of letters, digits and _.+@-");
	/* A name that is found through PATH stays one: the program may move. */
	return print_alias(pbrun, name, absolute ? absolute : program, shell);
}

/* "pbrun", if that finds this one. */
static char *own_command(void)
{
	cleanup_free char *own = wrap_own_path();

	if (!own)
		return errno == ENOMEM ? NULL : strdup("pbrun");

	cleanup_free char *found = NULL;

	if (lookup_program("pbrun", getenv("PATH"), &found) == 0 && strcmp(found, own) == 0)
		return strdup("pbrun");
	return take_pointer(own);
}

int cmd_alias(const struct arguments *arguments)
{
	enum shell shell = shell_of(arguments);
	cleanup_free char *pbrun = own_command();
	int status = 0;

	if (!pbrun)
		return complain("alias", NULL, strerror(ENOMEM));
	for (char **program = arguments->operands; *program; program++)
		status |= alias(pbrun, *program, shell);
	return status | finish_output("alias");
}
