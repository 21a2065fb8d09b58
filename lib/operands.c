/* operands.c - what arguments could name, by their text alone */
#include "operands.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_URL "file://"
/* A longer word before "=" is no option. */
#define MAX_OPTION_BYTES 64

/* The same for each start, and for each machine. FNV-1a. */
static uint8_t code_of_option(const char *option, size_t size)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)option[i]) * 16777619u;
	return (uint8_t)(PAGESET_OPERAND_OPTION + ((hash ^ hash >> 16) % PAGESET_OPERAND_OPTIONS));
}

static uint8_t code_of_position(size_t position)
{
	return position < PAGESET_OPERAND_POSITIONS ? (uint8_t)(PAGESET_OPERAND_FIRST + position)
						    : PAGESET_OPERAND_OPTION - 1;
}

static int add(struct operands *self, const char *name, uint8_t code)
{
	if (!*name)
		return 0;
	if (self->n == self->n_allocated) {
		size_t n = 2 * self->n + 16;
		struct operand *items = reallocarray(self->items, n, sizeof(*items));

		if (!items)
			return -ENOMEM;
		self->items = items;
		self->n_allocated = n;
	}
	self->items[self->n++] = (struct operand){ name, code };
	return 0;
}

/* "-" alone is standard input. */
static bool is_option(const char *argument)
{
	return argument[0] == '-' && argument[1];
}

/* What an argument has behind an option in it: "--option=FILE", "if=FILE", "-IDIRECTORY", "@FILE". */
static int add_attached(struct operands *self, const char *argument)
{
	const char *equals = strchr(argument, '=');
	int r = 0;

	if (equals && equals - argument <= MAX_OPTION_BYTES)
		r = add(self, equals + 1, code_of_option(argument, (size_t)(equals - argument)));
	if (r == 0 && is_option(argument) && argument[1] != '-' && argument[2])
		r = add(self, argument + 2, code_of_option(argument, 2));
	if (r == 0 && argument[0] == '@')
		r = add(self, argument + 1, code_of_option(argument, 1));
	return r;
}

static bool is_end_of_options(const char *argument)
{
	return strcmp(argument, "--") == 0;
}

static int add_arguments(struct operands *self, char *const argv[])
{
	const char *option = NULL; /* the argument before, whose value this may be */
	bool has_options = true;
	size_t position = 0;
	int r = 0;

	for (char *const *at = argv[0] ? argv + 1 : argv; *at && r == 0; at++) {
		const char *argument = *at;

		if (has_options && is_end_of_options(argument)) {
			has_options = false;
			option = NULL;
			continue;
		}
		r = add_attached(self, argument);
		if (has_options && is_option(argument)) {
			option = strchr(argument, '=') ? NULL : argument;
			continue;
		}
		if (r == 0 && strcmp(argument, "-") != 0)
			r = add(self, argument,
				option ? code_of_option(option, strlen(option)) : code_of_position(position));
		position += !option;
		option = NULL;
	}
	return r;
}

/* Is path a word of profile? "/home/u/tool.py", "env /home/u/tool.py" */
static bool is_of_profile(const char *profile, const char *path)
{
	size_t size = strlen(path);

	for (const char *at = profile; (at = strstr(at, path)); at++)
		if ((at == profile || at[-1] == ' ') && (at[size] == '\0' || at[size] == ' '))
			return true;
	return false;
}

void operands_set_profile(struct operands *self, const char *profile)
{
	char path[PATH_MAX];

	for (size_t i = 0; strchr(profile, '/') && i < self->n; i++) {
		if (operands_path(self, &self->items[i], path)) {
			operands_tidy_path(path);
			if (is_of_profile(profile, path))
				self->items[i].code = PAGESET_NO_OPERAND;
		}
	}
}

int operands_list(char *const argv[], const char *directory, const char *profile,
		  struct operands *ret_operands)
{
	cleanup_with(operands_release) struct operands self = { 0 };

	if (directory) {
		self.directory = strdup(directory);
		if (!self.directory)
			return -ENOMEM;
	}
	if (add_arguments(&self, argv) < 0)
		return -ENOMEM;
	operands_set_profile(&self, profile);
	*ret_operands = self;
	self = (struct operands){ 0 };
	return 0;
}

int operands_add_input(struct operands *self)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/fd/0", path, sizeof(path));

	if (n <= 0 || (size_t)n >= sizeof(path) || path[0] != '/' || self->input)
		return 0;
	path[n] = '\0';
	self->input = strdup(path);
	return self->input ? add(self, self->input, code_of_option("<", 1)) : -ENOMEM;
}

void operands_release(struct operands *self)
{
	free(self->directory);
	free(self->input);
	free(self->items);
	*self = (struct operands){ 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of "file:///a%20b" or "file://localhost/a%20b": "/a b". False: none of this machine. */
static bool decode_url(const char *url, char ret_path[static PATH_MAX])
{
	const char *at = url + strlen(FILE_URL);
	size_t n = 0;

	if (strncmp(at, "localhost/", strlen("localhost/")) == 0)
		at += strlen("localhost");
	if (*at != '/')
		return false;
	for (; *at && *at != '?' && *at != '#' && n < PATH_MAX - 1; at++) {
		bool is_escape = at[0] == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0;

		ret_path[n++] = is_escape ? (char)(hex_digit(at[1]) * 16 + hex_digit(at[2])) : *at;
		at += is_escape ? 2 : 0;
	}
	ret_path[n] = '\0';
	return n < PATH_MAX - 1 && strlen(ret_path) == n;
}

bool operands_path(const struct operands *self, const struct operand *operand, char ret_path[static PATH_MAX])
{
	int n = 0;

	if (strncmp(operand->name, FILE_URL, strlen(FILE_URL)) == 0) {
		if (!decode_url(operand->name, ret_path))
			return false;
	} else if (operand->name[0] == '/') {
		n = snprintf(ret_path, PATH_MAX, "%s", operand->name);
	} else if (self->directory) {
		n = snprintf(ret_path, PATH_MAX, "%s/%s", self->directory, operand->name);
	} else {
		return false;
	}
	return n < PATH_MAX;
}

void operands_tidy_path(char *path)
{
	char *to = path;

	for (const char *at = path; *at;) {
		at += strspn(at, "/");
		size_t size = strcspn(at, "/");

		if (size == 2 && memcmp(at, "..", 2) == 0) {
			while (to > path && *--to != '/')
				;
		} else if (size > 0 && !(size == 1 && *at == '.')) {
			*to++ = '/';
			memmove(to, at, size);
			to += size;
		}
		at += size;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}
