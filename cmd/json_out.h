/*
 * json_out.h - JSON on one line, written as it goes. For what the commands find out themselves; what a
 * recording or a launch says is formatted by report.h.
 *
 * key is NULL in an array. Text that is not UTF-8 has U+FFFD for each byte that is not, and the field
 * KEY_hex beside it.
 */
#ifndef PBRUN_JSON_OUT_H
#define PBRUN_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_out {
	FILE *stream;
	bool has_element; /* in the innermost object or array */
};

/* kind: '{' or '['. */
void json_out_begin(struct json_out *self, const char *key, char kind);
/* kind: '}' or ']'. The outermost one is followed by json_out_finish(). */
void json_out_end(struct json_out *self, char kind);
void json_out_finish(struct json_out *self);

/* value NULL: the field is left out. */
void json_out_text(struct json_out *self, const char *key, const char *value);
void json_out_number(struct json_out *self, const char *key, uint64_t value);
/* With three digits. */
void json_out_real(struct json_out *self, const char *key, double value);

enum json_truth { JSON_FALSE, JSON_TRUE };
void json_out_truth(struct json_out *self, const char *key, enum json_truth value);

#endif
