/* desktop.c - desktop entries, and pbrun in front of their Exec=. */
#include "desktop.h"

#include <stdbool.h>
#include <string.h>

#include "sys/memory_stream.h"

#define SOURCE_KEY "X-Pbrun-Source"

/* One line, without its end. Key and value are of size 0 if it is no "KEY=VALUE". */
struct line {
	const char *text;
	size_t size; /* without the end of the line */
	size_t full_size;
	size_t key_size;
	const char *value;
	size_t value_size;
};

/* In which groups a line's key counts. */
enum group { GROUP_OTHER, GROUP_ENTRY, GROUP_ACTION };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct line next_line(const char **text)
{
	struct line line = { .text = *text, .size = strcspn(*text, "\n") };
	const char *end = line.text + line.size;
	const char *equals;

	line.full_size = line.size + (*end == '\n');
	*text += line.full_size;
	while (end > line.text && is_blank(end[-1]))
		end--;
	equals = line.size > 0 && *line.text != '#' ? memchr(line.text, '=', line.size) : NULL;
	if (!equals)
		return line;
	line.key_size = (size_t)(equals - line.text);
	while (line.key_size > 0 && is_blank(line.text[line.key_size - 1]))
		line.key_size--;
	line.value = equals + 1;
	while (line.value < end && is_blank(*line.value))
		line.value++;
	line.value_size = line.value < end ? (size_t)(end - line.value) : 0;
	return line;
}

static bool begins_with(const struct line *line, const char *text)
{
	return line->size >= strlen(text) && memcmp(line->text, text, strlen(text)) == 0;
}

/* But for blanks behind it. */
static bool is_text(const struct line *line, const char *text)
{
	size_t size = line->size;

	while (size > 0 && is_blank(line->text[size - 1]))
		size--;
	return size == strlen(text) && memcmp(line->text, text, size) == 0;
}

/* True if line begins a group. */
static bool take_group(const struct line *line, enum group *group)
{
	if (!begins_with(line, "["))
		return false;
	*group = is_text(line, "[Desktop Entry]")        ? GROUP_ENTRY
		 : begins_with(line, "[Desktop Action ") ? GROUP_ACTION
							 : GROUP_OTHER;
	return true;
}

static bool has_key(const struct line *line, const char *key)
{
	return line->key_size == strlen(key) && memcmp(line->text, key, line->key_size) == 0;
}

static bool has_value(const struct line *line, const char *value)
{
	return line->value_size == strlen(value) && memcmp(line->value, value, line->value_size) == 0;
}

/* Is the first word of the command pbrun already? */
static bool is_wrapped(const struct line *line)
{
	static const char name[] = "pbrun";
	const size_t name_size = sizeof(name) - 1;
	bool is_quoted = line->value_size > 0 && *line->value == '"';
	const char *word = line->value + is_quoted;
	size_t size = 0;

	while (word + size < line->value + line->value_size &&
	       (is_quoted ? word[size] != '"' : !is_blank(word[size])))
		size++;
	return size >= name_size && memcmp(word + size - name_size, name, name_size) == 0 &&
	       (size == name_size || word[size - name_size - 1] == '/');
}

static bool is_to_be_wrapped(const struct line *line, enum group group)
{
	return group != GROUP_OTHER && has_key(line, "Exec") && line->value_size > 0 && !is_wrapped(line);
}

unsigned int desktop_traits(const char *text)
{
	enum group group = GROUP_OTHER;
	unsigned int traits = 0;

	while (*text) {
		struct line line = next_line(&text);

		if (take_group(&line, &group))
			continue;
		if (is_to_be_wrapped(&line, group))
			traits |= DESKTOP_EXEC;
		if (group != GROUP_ENTRY)
			continue;
		if (has_key(&line, "Type") && has_value(&line, "Application"))
			traits |= DESKTOP_APPLICATION;
		if (has_key(&line, "Hidden") && has_value(&line, "true"))
			traits |= DESKTOP_HIDDEN;
		if (has_key(&line, "DBusActivatable") && has_value(&line, "true"))
			traits |= DESKTOP_DBUS;
		if (has_key(&line, SOURCE_KEY))
			traits |= DESKTOP_WRAPPED;
	}
	return traits;
}

static void put(FILE *to, const char *text)
{
	fwrite(text, 1, strlen(text), to);
}

/* A character of a value of type string. */
static void put_escaped(FILE *to, char c)
{
	static const char from[] = "\\\n\t\r";
	static const char letters[] = "\\ntr";
	const char *at = strchr(from, c);

	if (at)
		putc('\\', to);
	putc(at ? letters[at - from] : c, to);
}

/* As a word of a command line: quoted if it must be, "%" doubled, and then escaped as a string. */
static void put_word(FILE *to, const char *word)
{
	bool is_quoted = strpbrk(word, " \t\n\"'\\><~|&;$*?#()`") != NULL;

	if (is_quoted)
		putc('"', to);
	for (; *word; word++) {
		if (strchr("\"`$\\", *word))
			put_escaped(to, '\\');
		if (*word == '%')
			putc('%', to);
		put_escaped(to, *word);
	}
	if (is_quoted)
		putc('"', to);
}

static void put_line(FILE *to, const struct line *line, enum group group, const char *pbrun)
{
	if (!is_to_be_wrapped(line, group)) {
		fwrite(line->text, 1, line->full_size, to);
		return;
	}
	fwrite(line->text, 1, (size_t)(line->value - line->text), to);
	put_word(to, pbrun);
	putc(' ', to);
	fwrite(line->value, 1, line->full_size - (size_t)(line->value - line->text), to);
}

static void put_source(FILE *to, const char *source)
{
	put(to, SOURCE_KEY "=");
	for (; *source; source++)
		put_escaped(to, *source);
	putc('\n', to);
}

int desktop_wrap(const char *text, const char *pbrun, const char *source, char **ret_text)
{
	char *wrapped = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&wrapped, &size);
	enum group group = GROUP_OTHER;

	if (!to)
		return -ENOMEM;
	while (*text) {
		struct line line = next_line(&text);
		bool begins_group = take_group(&line, &group);

		if (group == GROUP_ENTRY && has_key(&line, SOURCE_KEY))
			continue;
		put_line(to, &line, group, pbrun);
		if (!begins_group || group != GROUP_ENTRY)
			continue;
		if (line.full_size == line.size)
			putc('\n', to);
		put_source(to, source);
	}
	if (memory_stream_close(to, &wrapped) < 0)
		return -ENOMEM;
	*ret_text = wrapped;
	return 0;
}
