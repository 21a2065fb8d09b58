/*
 * text.h - names and numbers for people: what may be printed, how wide it is, how it is cut.
 */
#ifndef PBRUN_TEXT_H
#define PBRUN_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "terminal.h"

/* The character that text begins with, and its length in *ret_size; for what is not UTF-8 UINT32_MAX, 1. */
uint32_t text_decode(const char *text, size_t *ret_size);

/*
 * A name may be anything, and a terminal obeys control characters: these (U+0000 to U+001F, U+007F to
 * U+009F), those that turn the direction of writing, and bytes that are not UTF-8 become "\x1b". To be freed;
 * NULL: out of memory.
 */
char *text_printable(const char *name);

/* How many columns a printable text takes. */
size_t text_width(const char *text, enum charset charset);

/* Cuts a printable text to columns, in its middle: "/usr/lib/…/libfoo.so". To be freed; NULL: out of memory.
 */
char *text_cut(const char *text, size_t columns, enum charset charset);

/* Prints words, broken into lines of at most columns (0: no limit), the first behind a label, the others
 * as far to the right: "  label       words and\n              more words\n". words NULL: there was no memory
 * for them, see output_lost(). */
void text_print_field(const char *label, const char *words, const struct terminal *terminal);
/* The same with a mark of two columns in place of the blanks before the label. */
void text_print_marked(const char *mark, const char *label, const char *words,
		       const struct terminal *terminal);

/* "1,234,567". Each gives buffer. */
#define TEXT_NUMBER_SIZE 32
const char *text_number(uint64_t number, char buffer[static TEXT_NUMBER_SIZE]);
/* "12.3 MiB", "4.0 KiB", "123 bytes" */
const char *text_bytes(uint64_t bytes, char buffer[static TEXT_NUMBER_SIZE]);
/* "97 %"; "-" of nothing. Only all is 100 %, only nothing 0 %. */
const char *text_share(uint64_t part, uint64_t whole, char buffer[static TEXT_NUMBER_SIZE]);

#endif
