/* json_out.c - JSON on one line, written as it goes. */
#include "json_out.h"

#include <inttypes.h>
#include <string.h>

#include "text.h"

static void begin_element(struct json_out *self, const char *key)
{
	if (self->has_element)
		fputs(", ", self->stream);
	self->has_element = true;
	if (key)
		fprintf(self->stream, "\"%s\": ", key);
}

void json_out_begin(struct json_out *self, const char *key, char kind)
{
	begin_element(self, key);
	putc(kind, self->stream);
	self->has_element = false;
}

void json_out_end(struct json_out *self, char kind)
{
	putc(kind, self->stream);
	self->has_element = true;
}

void json_out_finish(struct json_out *self)
{
	putc('\n', self->stream);
}

/* Returns whether all of it was UTF-8. */
static bool put_string(FILE *stream, const char *value)
{
	bool is_utf8 = true;
	size_t size;

	putc('"', stream);
	for (; *value; value += size) {
		uint32_t character = text_decode(value, &size);

		if (character == UINT32_MAX) {
			fputs("\\ufffd", stream);
			is_utf8 = false;
		} else if (character < 0x20 || character == 0x7f) {
			fprintf(stream, "\\u%04x", (unsigned int)character);
		} else {
			if (character == '"' || character == '\\')
				putc('\\', stream);
			fwrite(value, 1, size, stream);
		}
	}
	putc('"', stream);
	return is_utf8;
}

void json_out_text(struct json_out *self, const char *key, const char *value)
{
	if (!value)
		return;
	begin_element(self, key);
	if (put_string(self->stream, value) || !key)
		return;
	fprintf(self->stream, ", \"%s_hex\": \"", key);
	for (; *value; value++)
		fprintf(self->stream, "%02x", (unsigned char)*value);
	putc('"', self->stream);
}

void json_out_number(struct json_out *self, const char *key, uint64_t value)
{
	begin_element(self, key);
	fprintf(self->stream, "%" PRIu64, value);
}

void json_out_real(struct json_out *self, const char *key, double value)
{
	begin_element(self, key);
	fprintf(self->stream, "%.3f", value);
}

void json_out_truth(struct json_out *self, const char *key, enum json_truth value)
{
	begin_element(self, key);
	fputs(value == JSON_TRUE ? "true" : "false", self->stream);
}
