/*
 * output.h - how the commands speak: results on standard output, what went wrong on standard error.
 */
#ifndef PBRUN_OUTPUT_H
#define PBRUN_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* As text_printable() makes it. */
void print_name(FILE *stream, const char *name);

/* Something that was to be printed is missing, for want of memory: finish_output() will say so. */
void output_lost(void);

/*
 * "pbrun: what: where: why (what to do)": what is the command, where a path or a name, NULL: left out. why
 * says what to do itself, in parentheses or behind a semicolon. Returns the exit status of a failure, 1.
 */
int complain(const char *what, const char *where, const char *why);
/* The same of a negative errno, or an error of shadowdb.h: knows what to do. */
int complain_error(const char *what, const char *where, int error);
/* The same of a negative errno of a file that is none of the recordings'. */
int complain_file(const char *what, const char *where, int error);
/* The same of a program that lookup_program() did not find. Returns what a start would exit with. */
int complain_program(const char *what, const char *name, int error);
/* What to do about a negative errno: a constant. */
const char *error_advice(int error);
/* The same where it is no recording. */
const char *file_advice(int error);

/* Why a shadow file cannot be used, by what shadowdb.h says of it. */
const char *shadow_error_text(int error);

/* What was printed is lost on a full disk, and only the last flush knows; or see output_lost(). Returns the
 * exit status. */
int finish_output(const char *what);

/* Waits a moment for it: a reader that does not read is no reason to keep a program from starting or ending.
 */
bool output_has_room(int fd);

double mebibytes(uint64_t bytes);

#define DATE_SIZE sizeof("2000-01-01 00:00")
/* In local time; "never" for 0. Returns buffer or a constant. */
const char *format_date(int64_t seconds, char buffer[static DATE_SIZE]);

#endif
