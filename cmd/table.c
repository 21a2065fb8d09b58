/* table.c - a table that is as wide as the terminal. */
#include "table.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "sys/cleanup.h"
#include "text.h"

#define GAP_COLUMNS 2
/* A name is cut to so many before a column is left out, and to so many when there is no other. */
#define GOOD_CUT_COLUMNS 14
#define MIN_CUT_COLUMNS 8

struct table {
	const struct table_column *columns;
	size_t n_columns;
	char **cells; /* row by row */
	size_t n_rows;
};

struct table *table_new(const struct table_column *columns, size_t n_columns)
{
	struct table *self = calloc(1, sizeof(*self));

	if (self)
		*self = (struct table){ .columns = columns, .n_columns = n_columns };
	return self;
}

void table_free(struct table *self)
{
	if (!self)
		return;
	for (size_t i = 0; i < self->n_rows * self->n_columns; i++)
		free(self->cells[i]);
	free(self->cells);
	free(self);
}

int table_add(struct table *self, const char *const cells[])
{
	char **all = reallocarray(self->cells, (self->n_rows + 1) * self->n_columns, sizeof(*all));

	if (!all)
		return -ENOMEM;
	self->cells = all;
	all += self->n_rows * self->n_columns;
	for (size_t i = 0; i < self->n_columns; i++) {
		all[i] = text_printable(cells[i]);
		if (all[i])
			continue;
		while (i-- > 0)
			free(all[i]);
		return -ENOMEM;
	}
	self->n_rows++;
	return 0;
}

/* The widths of the columns; 0: left out. */
struct layout {
	size_t widths[TABLE_MAX_COLUMNS];
};

static size_t total(const struct layout *layout, size_t n_columns)
{
	size_t columns = 0;

	for (size_t i = 0; i < n_columns; i++)
		if (layout->widths[i] > 0)
			columns += layout->widths[i] + (columns > 0 ? GAP_COLUMNS : 0);
	return columns;
}

/* The column to be left out next; n_columns: none. */
static size_t least_wanted(const struct table *self, const struct layout *layout)
{
	size_t found = self->n_columns;
	unsigned int rank = 0;

	for (size_t i = 0; i < self->n_columns; i++) {
		if (layout->widths[i] > 0 && self->columns[i].rank > rank) {
			rank = self->columns[i].rank;
			found = i;
		}
	}
	return found;
}

static struct layout lay_out(const struct table *self, const struct terminal *terminal)
{
	struct layout layout = { 0 };
	size_t cut = 0;

	for (size_t i = 0; i < self->n_columns; i++) {
		layout.widths[i] = strlen(self->columns[i].title);
		for (size_t row = 0; row < self->n_rows; row++) {
			size_t width = text_width(self->cells[row * self->n_columns + i], terminal->charset);

			if (width > layout.widths[i])
				layout.widths[i] = width;
		}
	}
	while (cut + 1 < self->n_columns && self->columns[cut].alignment != TABLE_CUT)
		cut++;
	while (terminal->columns > 0) {
		size_t columns = total(&layout, self->n_columns);
		size_t excess = columns > terminal->columns ? columns - terminal->columns : 0;
		size_t victim = least_wanted(self, &layout);
		size_t least = victim == self->n_columns ? MIN_CUT_COLUMNS : GOOD_CUT_COLUMNS;
		size_t room = layout.widths[cut] > least ? layout.widths[cut] - least : 0;

		if (excess <= room || victim == self->n_columns) {
			layout.widths[cut] -= excess < room ? excess : room;
			break;
		}
		layout.widths[victim] = 0;
	}
	return layout;
}

static void print_row(const struct table *self, const struct layout *layout, const char *const cells[],
		      const struct terminal *terminal)
{
	size_t n_blanks = 0; /* not printed before it is known that something follows */
	const char *gap = "";

	for (size_t i = 0; i < self->n_columns; i++) {
		if (layout->widths[i] == 0)
			continue;
		cleanup_free char *cell = text_cut(cells[i], layout->widths[i], terminal->charset);
		size_t width = cell ? text_width(cell, terminal->charset) : 0;
		size_t padding = layout->widths[i] - width;

		printf("%*s%s", (int)n_blanks, "", gap);
		gap = "  ";
		n_blanks = self->columns[i].alignment == TABLE_RIGHT ? 0 : padding;
		if (self->columns[i].alignment == TABLE_RIGHT)
			printf("%*s", (int)padding, "");
		if (!cell)
			output_lost();
		fputs(cell ? cell : "?", stdout);
	}
	putchar('\n');
}

void table_print(const struct table *self, const struct terminal *terminal)
{
	struct layout layout = lay_out(self, terminal);
	const char *titles[TABLE_MAX_COLUMNS] = { 0 };

	for (size_t i = 0; i < self->n_columns; i++)
		titles[i] = self->columns[i].title;
	if (terminal->has_colour)
		fputs("\033[1m", stdout);
	print_row(self, &layout, titles, terminal);
	if (terminal->has_colour)
		fputs("\033[0m", stdout);
	for (size_t row = 0; row < self->n_rows; row++)
		print_row(self, &layout, (const char *const *)self->cells + row * self->n_columns, terminal);
}
