/* config.c - reads lines of NAME = VALUE. */
#include "config.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "sys/fileid.h"
#include "sys/trust.h"

void config_init(struct config *self)
{
	*self = (struct config){ .store_bytes = CONFIG_STORE_BYTES,
				 .store_days = CONFIG_STORE_DAYS,
				 .uses_agent = true };
}

void config_release(struct config *self)
{
	exclusions_release(&self->excluded);
	config_init(self);
}

/* A decimal number, and perhaps one of the units: of 1024, 1024 * 1024 ... -EINVAL: it is none, or too large.
 */
static int parse_number(const char *text, const char *units, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *digit = text;
	unsigned int shift = 0;

	if (strcmp(text, "unlimited") == 0) {
		*ret_number = CONFIG_UNLIMITED;
		return 0;
	}
	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (number > UINT32_MAX)
			return -EINVAL;
		number = 10 * number + (uint64_t)(*digit - '0');
	}
	if (digit == text)
		return -EINVAL;
	if (*digit && strchr(units, *digit))
		shift = 10 * (unsigned int)(strchr(units, *digit++) - units + 1);
	if (*digit)
		return -EINVAL;
	*ret_number = number << shift;
	return 0;
}

static int parse_choice(const char *text, bool *ret_choice)
{
	bool is_yes = strcmp(text, "yes") == 0;

	if (!is_yes && strcmp(text, "no") != 0)
		return -EINVAL;
	*ret_choice = is_yes;
	return 0;
}

static int set(struct config *self, const char *name, const char *value, const char *home)
{
	if (strcmp(name, "exclude") == 0)
		return exclusions_add(&self->excluded, value, home);
	if (strcmp(name, "store-size") == 0)
		return parse_number(value, "KMG", &self->store_bytes);
	if (strcmp(name, "store-age") == 0)
		return parse_number(value, "", &self->store_days);
	if (strcmp(name, "agent") == 0)
		return parse_choice(value, &self->uses_agent);
	return -EINVAL;
}

/* Without white space at its ends; the end is cut off. */
static char *trim(char *text)
{
	size_t size = strlen(text);

	while (size > 0 && isspace((unsigned char)text[size - 1]))
		text[--size] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* A "#" begins a comment at the beginning of a line or after white space: a name may have one in it. */
static void cut_comment(char *line)
{
	for (char *c = line; *c; c++)
		if (*c == '#' && (c == line || isspace((unsigned char)c[-1])))
			*c-- = '\0';
}

/* line is changed. */
static int parse_line(struct config *self, char *line, const char *home)
{
	cut_comment(line);
	line = trim(line);
	if (!*line)
		return 0;
	char *equals = strchr(line, '=');

	if (!equals)
		return -EINVAL;
	*equals = '\0';
	return set(self, trim(line), trim(equals + 1), home);
}

int config_parse(struct config *self, const char *text, size_t size, const char *home, unsigned int *ret_line)
{
	unsigned int line_number = 0;

	*ret_line = 0;
	while (size > 0) {
		const char *newline = memchr(text, '\n', size);
		size_t line_size = newline ? (size_t)(newline - text) : size;
		cleanup_free char *line = strndup(text, line_size);

		line_number++;
		if (!line)
			return -ENOMEM;
		/* A NUL byte belongs into no line. */
		int r = strlen(line) < line_size ? -EINVAL : parse_line(self, line, home);

		if (r == -ENOMEM)
			return r;
		if (r < 0 && *ret_line == 0)
			*ret_line = line_number;
		line_size += newline != NULL;
		text += line_size;
		size -= line_size;
	}
	return 0;
}

int config_read(struct config *self, const char *path, const char *home, unsigned int *ret_line)
{
	struct stat st;
	cleanup_close int fd = fileid_open(path, &st);
	cleanup_free char *text = NULL;
	ssize_t size;
	int r;

	*ret_line = 0;
	/* None is there, or it is in a home that is not open to us. */
	if (fd == -ENOENT || fd == -ENOTDIR || (fd == -EACCES && stat(path, &st) < 0))
		return 0;
	if (fd < 0)
		return fd;
	r = trust_check_file(&st);
	if (r < 0)
		return r;
	if (st.st_size > CONFIG_MAX_BYTES)
		return -EFBIG;
	text = malloc(CONFIG_MAX_BYTES);
	if (!text)
		return -ENOMEM;
	do
		size = pread(fd, text, CONFIG_MAX_BYTES, 0);
	while (size < 0 && errno == EINTR);
	return size < 0 ? -errno : config_parse(self, text, (size_t)size, home, ret_line);
}
