/*
 * table.h - a table that is as wide as the terminal.
 */
#ifndef PBRUN_TABLE_H
#define PBRUN_TABLE_H

#include <stddef.h>

#include "terminal.h"

#define TABLE_MAX_COLUMNS 8

enum table_alignment {
	TABLE_LEFT,
	TABLE_RIGHT,
	TABLE_CUT, /* left, and cut where the table is too wide: one column, of rank 0 */
};

struct table_column {
	const char *title;
	enum table_alignment alignment;
	/* Where the table is too wide, columns of the highest rank are left out first; those of rank 0 stay.
	 */
	unsigned int rank;
};

struct table;

/* columns: a constant. NULL: out of memory. */
struct table *table_new(const struct table_column *columns, size_t n_columns);
void table_free(struct table *self);

/* Adds a row; what the cells say is copied and made printable. 0 or -ENOMEM. */
int table_add(struct table *self, const char *const cells[]) __attribute__((warn_unused_result));

/* Prints title and rows on standard output. */
void table_print(const struct table *self, const struct terminal *terminal);

#endif
