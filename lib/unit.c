/* unit.c - what starts a systemd service, and the drop-in that puts pbrun in front of it. */
#include "unit.h"

#include <string.h>

#include "sys/memory_stream.h"

#define BLANKS " \t\r"
#define FIRST_LINE "# Made by pbrun --unit, taken back by pbrun --undo.\n"
#define PREFIXES "@-:+!|"

void unit_release(struct unit *self)
{
	for (size_t i = 0; i < self->n_commands; i++)
		free(self->commands[i]);
	free(self->commands);
	*self = (struct unit){ 0 };
}

static int add_command(struct unit *self, const char *command)
{
	char **commands;
	char *copy;

	if (self->n_commands == UNIT_MAX_COMMANDS)
		return -E2BIG;
	commands = reallocarray(self->commands, self->n_commands + 1, sizeof(*commands));
	if (!commands)
		return -ENOMEM;
	self->commands = commands;
	copy = strdup(command);
	if (!copy)
		return -ENOMEM;
	commands[self->n_commands++] = copy;
	return 0;
}

/* Does a line of n bytes end in a backslash that is not itself behind one? */
static bool ends_in_backslash(const char *line, size_t n)
{
	size_t n_backslashes = 0;

	while (n_backslashes < n && line[n - 1 - n_backslashes] == '\\')
		n_backslashes++;
	return n_backslashes % 2 == 1;
}

/* A line and those that continue it, with a blank for each "\" before the end of a line; comments between
 * them are left out. NULL: no memory. */
static char *next_logical_line(const char **text)
{
	char *line = malloc(strlen(*text) + 1);
	size_t size = 0;
	bool is_continued = true;

	for (bool is_first = true; line && **text && is_continued; is_first = false) {
		size_t n = strcspn(*text, "\n");
		const char *from = *text;

		*text += n + (from[n] == '\n');
		if (!is_first && strchr("#;", from[strspn(from, BLANKS)]) && from[strspn(from, BLANKS)])
			continue;
		if (n > 0 && from[n - 1] == '\r')
			n--;
		is_continued = ends_in_backslash(from, n) && !(is_first && strchr("#;", *from));
		memcpy(line + size, from, n);
		size += n;
		if (is_continued)
			line[size - 1] = ' ';
	}
	if (!line)
		return NULL;
	while (size > 0 && strchr(BLANKS, line[size - 1]))
		size--;
	line[size] = '\0';
	return line;
}

/* The value if line sets key, else NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t size = strlen(key);

	if (strncmp(line, key, size) != 0)
		return NULL;
	line += size;
	line += strspn(line, BLANKS);
	if (*line++ != '=')
		return NULL;
	return line + strspn(line, BLANKS);
}

static bool is_other_user(const char *value)
{
	return *value && strcmp(value, "root") != 0 && strcmp(value, "0") != 0;
}

/* As systemd.syntax(7) has it. */
static bool is_yes(const char *value)
{
	static const char *const words[] = { "1", "yes", "y", "true", "t", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static bool is_other_root(const char *value)
{
	return value[strspn(value, "/")];
}

/* What is said last holds, of each key by itself. */
static void take_traits(struct unit *self, const char *line)
{
	static const struct {
		const char *key;
		enum unit_traits trait;
		bool (*is_said)(const char *value);
	} keys[] = { { "User", UNIT_USER, is_other_user },
		     { "DynamicUser", UNIT_DYNAMIC_USER, is_yes },
		     { "RootDirectory", UNIT_ROOT_DIRECTORY, is_other_root },
		     { "RootImage", UNIT_ROOT_IMAGE, is_other_root } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = value_of(line, keys[i].key);

		if (value && keys[i].is_said(value))
			self->traits |= keys[i].trait;
		else if (value)
			self->traits &= ~(unsigned int)keys[i].trait;
	}
}

static int take_line(struct unit *self, const char *line)
{
	const char *command = value_of(line, "ExecStart");

	take_traits(self, line);
	if (!command)
		return 0;
	if (*command)
		return add_command(self, command);
	while (self->n_commands > 0)
		free(self->commands[--self->n_commands]);
	return 0;
}

int unit_add(struct unit *self, const char *text)
{
	bool is_service = false;

	while (*text) {
		cleanup_free char *line = next_logical_line(&text);
		const char *at = line ? line + strspn(line, BLANKS) : NULL;
		int r = 0;

		if (!at)
			return -ENOMEM;
		if (*at == '[')
			is_service = strcmp(at, "[Service]") == 0;
		else if (is_service && *at && !strchr("#;", *at))
			r = take_line(self, at);
		if (r < 0)
			return r;
	}
	return 0;
}

bool unit_is_drop_in(const char *text)
{
	return strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) == 0;
}

/* A word as it is written, with its quotes and backslashes. */
struct word {
	const char *at;
	size_t size;
};

static struct word next_word(const char **text)
{
	const char *at = *text + strspn(*text, BLANKS);
	const char *end = at;

	for (char quote = 0; *end && (quote || !strchr(BLANKS, *end)); end++) {
		if (*end == '\\' && end[1])
			end++;
		else if (quote)
			quote = *end == quote ? 0 : quote;
		else if (*end == '"' || *end == '\'')
			quote = *end;
	}
	*text = end;
	return (struct word){ at, (size_t)(end - at) };
}

/* Does each quote have its end, and each backslash what it is for? If not, systemd does not take the line. */
static bool is_balanced(const char *text)
{
	char quote = 0;

	for (; *text; text++) {
		if (*text == '\\' && !text[1])
			return false;
		else if (*text == '\\')
			text++;
		else if (quote)
			quote = *text == quote ? 0 : quote;
		else if (*text == '"' || *text == '\'')
			quote = *text;
	}
	return !quote;
}

/* The first word of a command, its prefixes cut off: they may be in its quotes, which then begin after them.
 */
struct start {
	struct word prefixes;
	struct word path;
	bool has_quote; /* a quote belongs before path */
	char quote;
};

static struct start split_start(struct word word)
{
	struct start start = { .path = word };

	if (word.size > 0 && (*word.at == '"' || *word.at == '\'')) {
		start.quote = *word.at;
		start.has_quote = true;
		start.path.at++, start.path.size--;
	}
	start.prefixes.at = start.path.at;
	while (start.path.size > 0 && strchr(PREFIXES, *start.path.at)) {
		start.path.at++, start.path.size--;
		start.prefixes.size++;
	}
	return start;
}

static bool is_pbrun(const struct start *start)
{
	static const char name[] = "pbrun";
	const size_t name_size = sizeof(name) - 1;
	size_t size = start->path.size - (start->has_quote && start->path.size > 0);

	return size >= name_size && memcmp(start->path.at + size - name_size, name, name_size) == 0 &&
	       (size == name_size || start->path.at[size - name_size - 1] == '/');
}

/* Two things are read in a word: specifiers, unless it is given as text already, and quotes. */
static void put_path(FILE *to, const char *path)
{
	bool is_quoted = strpbrk(path, " \t\n\"'\\;") != NULL;

	if (is_quoted)
		putc('"', to);
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			putc('\\', to);
		if (*path == '%')
			putc('%', to);
		putc(*path, to);
	}
	if (is_quoted)
		putc('"', to);
}

/* The path of the program was no argument before: in an argument "$" begins a variable, but for ":". */
static void put_program(FILE *to, const struct start *start)
{
	bool expands = !start->prefixes.size || !memchr(start->prefixes.at, ':', start->prefixes.size);

	if (start->has_quote)
		putc(start->quote, to);
	/* It was no separator behind a prefix. */
	if (start->path.size == 1 && *start->path.at == ';')
		putc('\\', to);
	for (size_t i = 0; i < start->path.size; i++) {
		if (expands && start->path.at[i] == '$')
			putc('$', to);
		putc(start->path.at[i], to);
	}
}

static void put_word(FILE *to, struct word word)
{
	putc(' ', to);
	fwrite(word.at, 1, word.size, to);
}

static bool is_separator(struct word word)
{
	return word.size == 1 && *word.at == ';';
}

/* What the program gets as its name. If it is missing, systemd does not take the command either. */
static struct word next_name(const char **text)
{
	const char *before = *text;
	struct word name = next_word(text);

	if (name.size > 0 && !is_separator(name))
		return name;
	*text = before;
	return (struct word){ "\"\"", 2 };
}

/* Returns the text behind the command: that of another one, or the end. *changed: it was not pbrun's. */
static const char *put_command(FILE *to, const char *text, const char *pbrun, const char *options,
			       bool *changed)
{
	struct word word = next_word(&text);
	const struct start start = split_start(word);
	bool wraps = start.path.size > 0 && !is_pbrun(&start);

	if (!wraps) {
		fwrite(word.at, 1, word.size, to);
	} else {
		*changed = true;
		fwrite(start.prefixes.at, 1, start.prefixes.size, to);
		put_path(to, pbrun);
		if (memchr(start.prefixes.at, '@', start.prefixes.size)) {
			fwrite(" pbrun --argv0", 1, strlen(" pbrun --argv0"), to);
			put_word(to, next_name(&text));
		}
		if (options)
			put_word(to, (struct word){ options, strlen(options) });
		putc(' ', to);
		put_program(to, &start);
	}
	while ((word = next_word(&text)).size > 0) {
		put_word(to, word);
		if (is_separator(word)) {
			putc(' ', to);
			break;
		}
	}
	return text + strspn(text, BLANKS);
}

static void put_commands(FILE *to, const struct unit *self, const char *pbrun, const char *options,
			 bool *changed)
{
	static const char head[] = FIRST_LINE "[Service]\nExecStart=\n";

	fwrite(head, 1, sizeof(head) - 1, to);
	for (size_t i = 0; i < self->n_commands; i++) {
		const char *at = self->commands[i];

		fwrite("ExecStart=", 1, strlen("ExecStart="), to);
		if (!is_balanced(at)) {
			fwrite(at, 1, strlen(at), to);
			putc(' ', to); /* a backslash before the end would continue the line */
			at += strlen(at);
		}
		while (*at)
			at = put_command(to, at, pbrun, options, changed);
		putc('\n', to);
	}
}

int unit_drop_in(const struct unit *self, const char *pbrun, const char *options, char **ret_text)
{
	char *text = NULL;
	size_t size = 0;
	bool changed = false;

	if (self->traits & UNIT_OTHER_ROOT)
		return -EXDEV;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return -ENOMEM;
	put_commands(to, self, pbrun, options, &changed);
	if (memory_stream_close(to, &text) < 0)
		return -ENOMEM;
	if (!changed) {
		free(text);
		return -ENODATA;
	}
	*ret_text = text;
	return 0;
}
