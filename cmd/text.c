/* text.c - names and numbers for people. */
#include "text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "output.h"
#include "sys/cleanup.h"

uint32_t text_decode(const char *text, size_t *ret_size)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	size_t size = *byte < 0x80   ? 1
		      : *byte < 0xc0 ? 0
		      : *byte < 0xe0 ? 2
		      : *byte < 0xf0 ? 3
		      : *byte < 0xf8 ? 4
				     : 0;
	uint32_t character = size > 1 ? *byte & (0x7fu >> size) : *byte;

	*ret_size = 1;
	for (size_t i = 1; i < size; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return UINT32_MAX;
		character = character << 6 | (byte[i] & 0x3f);
	}
	if (size == 0 || character < least[size] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return UINT32_MAX;
	*ret_size = size;
	return character;
}

static bool is_printable(uint32_t character)
{
	return character != UINT32_MAX && character >= 0x20 && !(character >= 0x7f && character < 0xa0) &&
	       character != 0x061c && !(character >= 0x200e && character <= 0x200f) &&
	       !(character >= 0x2028 && character <= 0x202e) && !(character >= 0x2066 && character <= 0x2069);
}

char *text_printable(const char *name)
{
	char *text = malloc(4 * strlen(name) + 1);
	char *end = text;

	if (!text)
		return NULL;
	while (*name) {
		size_t size;

		if (is_printable(text_decode(name, &size))) {
			end = mempcpy(end, name, size);
			name += size;
			continue;
		}
		for (; size > 0; size--)
			end += sprintf(end, "\\x%02x", (unsigned char)*name++);
	}
	*end = '\0';
	return text;
}

/* Of the character that text begins with; its length in *ret_size. */
static size_t character_width(const char *text, enum charset charset, size_t *ret_size)
{
	uint32_t character = text_decode(text, ret_size);

	/* Where nothing is known of the terminal's characters, each byte takes a column. */
	if (charset == CHARSET_ASCII)
		*ret_size = 1;
	if (charset == CHARSET_ASCII || character == UINT32_MAX)
		return 1;

	int width = wcwidth((wchar_t)character);

	return width < 0 ? 1 : (size_t)width;
}

/* Of its first n_bytes, which end a character. */
static size_t width_of(const char *text, size_t n_bytes, enum charset charset)
{
	size_t width = 0;
	size_t size;

	for (size_t at = 0; at < n_bytes; at += size)
		width += character_width(text + at, charset, &size);
	return width;
}

size_t text_width(const char *text, enum charset charset)
{
	return width_of(text, strlen(text), charset);
}

/* How many bytes of text fit into columns. */
static size_t fitting(const char *text, size_t columns, enum charset charset)
{
	size_t used = 0;
	size_t width = 0;
	size_t size;

	while (text[used]) {
		width += character_width(text + used, charset, &size);
		if (width > columns)
			break;
		used += size;
	}
	return used;
}

char *text_cut(const char *text, size_t columns, enum charset charset)
{
	const char *mark = charset == CHARSET_UTF8 ? "\u2026" : "...";
	size_t mark_width = charset == CHARSET_UTF8 ? 1 : 3;
	size_t width = text_width(text, charset);
	char *result = NULL;

	if (width <= columns)
		return strdup(text);
	if (columns <= mark_width)
		return strndup(text, fitting(text, columns, charset));
	/* The end of a path tells more than its beginning. */
	size_t head = fitting(text, (columns - mark_width) / 3, charset);
	size_t tail_columns = columns - mark_width - (columns - mark_width) / 3;
	size_t tail = fitting(text, width - tail_columns, charset);

	/* A wide character may straddle the cut. */
	while (text[tail] && text_width(text + tail, charset) > tail_columns) {
		size_t size;

		(void)character_width(text + tail, charset, &size);
		tail += size;
	}
	return asprintf(&result, "%.*s%s%s", (int)head, text, mark, text + tail) < 0 ? NULL : result;
}

#define FIELD_COLUMNS 14

void text_print_marked(const char *mark, const char *label, const char *words,
		       const struct terminal *terminal)
{
	bool is_narrow = terminal->columns > 0 && terminal->columns < 3 * FIELD_COLUMNS;
	size_t indent = is_narrow ? 4 : FIELD_COLUMNS;
	size_t column = indent;

	if (!words) {
		output_lost();
		words = "?";
	}
	if (is_narrow)
		printf("%s%s\n%*s", mark, label, (int)indent, "");
	else
		printf("%s%-*s", mark, FIELD_COLUMNS - 2, label);
	for (const char *word = words; *word;) {
		size_t size = strcspn(word, " ");
		size_t width = width_of(word, size, terminal->charset);

		if (terminal->columns > 0 && column > indent && column + 1 + width > terminal->columns) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (word > words) {
			putchar(' ');
			column++;
		}
		fwrite(word, 1, size, stdout);
		column += width;
		word += size;
		word += *word == ' ';
	}
	putchar('\n');
}

void text_print_field(const char *label, const char *words, const struct terminal *terminal)
{
	text_print_marked("  ", label, words, terminal);
}

const char *text_number(uint64_t number, char buffer[static TEXT_NUMBER_SIZE])
{
	char digits[24];
	int n_digits = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *end = buffer;

	for (int i = 0; i < n_digits; i++) {
		if (i > 0 && (n_digits - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return buffer;
}

const char *text_bytes(uint64_t bytes, char buffer[static TEXT_NUMBER_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buffer, TEXT_NUMBER_SIZE, "%" PRIu64 " bytes", bytes);
		return buffer;
	}
	for (; value >= 1023.95 && unit < sizeof(units) / sizeof(*units) - 1; unit++)
		value /= 1024;
	snprintf(buffer, TEXT_NUMBER_SIZE, "%.*f %s", value < 99.95 ? 1 : 0, value, units[unit]);
	return buffer;
}

const char *text_share(uint64_t part, uint64_t whole, char buffer[static TEXT_NUMBER_SIZE])
{
	double percent = whole ? 100.0 * (double)part / (double)whole : 0;

	if (!whole)
		return strcpy(buffer, "-");
	if (part > 0 && percent < 1)
		return strcpy(buffer, "<1 %");
	if (part < whole && percent > 99)
		percent = 99;
	snprintf(buffer, TEXT_NUMBER_SIZE, "%.0f %%", percent);
	return buffer;
}
