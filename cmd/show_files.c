/* show_files.c - the files of a recording as a table with bars. */
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "show.h"
#include "table.h"
#include "text.h"

/* Of the bar, when there is no terminal. */
#define PLAIN_BAR_CELLS 32u
#define MIN_BAR_CELLS 8u
#define MAX_BAR_CELLS 80u
/* A character of UTF-8 that is drawn in a cell. */
#define MAX_CELL_BYTES 4

static int compare_pages(const void *a, const void *b)
{
	const struct pageset_file *const *first = a;
	const struct pageset_file *const *second = b;
	uint64_t n_first = pageset_file_pages(*first);
	uint64_t n_second = pageset_file_pages(*second);

	if (n_first != n_second)
		return n_first < n_second ? 1 : -1;
	return strcmp((*first)->path, (*second)->path);
}

const struct pageset_file **show_sorted_files(const struct pageset *files, size_t *ret_n_files)
{
	const struct pageset_file **sorted = calloc(files->n_files + 1, sizeof(struct pageset_file *));
	size_t n_files = 0;

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < files->n_files; i++)
		if (files->files[i]->n_extents > 0)
			sorted[n_files++] = files->files[i];
	qsort(sorted, n_files, sizeof(struct pageset_file *), compare_pages);
	*ret_n_files = n_files;
	return sorted;
}

static uint64_t pages_of_file(const struct pageset_file *file, uint64_t page_size)
{
	uint64_t n_pages = file->id.size_bytes / page_size + (file->id.size_bytes % page_size > 0);

	/* A file may have grown while it was used, and a shadow may say anything. */
	for (size_t i = 0; i < file->n_extents; i++) {
		uint64_t end = file->extents[i].first_page + file->extents[i].n_pages;

		if (end > n_pages)
			n_pages = end;
	}
	return n_pages ? n_pages : 1;
}

/* How much of each cell's pages is touched, 0 to 1. A page that is wider than a cell fills several. */
static void fill_cells(const struct pageset_file *file, uint64_t n_pages, double *cells, size_t n_cells)
{
	double pages_per_cell = (double)n_pages / (double)n_cells;

	for (size_t i = 0; i < file->n_extents; i++) {
		double start = (double)file->extents[i].first_page / pages_per_cell;
		double end = start + (double)file->extents[i].n_pages / pages_per_cell;

		for (size_t cell = (size_t)start; cell < n_cells && (double)cell < end; cell++) {
			double from = start > (double)cell ? start : (double)cell;
			double to = end < (double)(cell + 1) ? end : (double)(cell + 1);

			cells[cell] += to - from;
		}
	}
}

static const char *cell_text(double share, enum charset charset)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const letters[] = { " ", ".", ":", "+", "#" };
	size_t n_levels = charset == CHARSET_UTF8 ? 8 : 4;
	double level = share * (double)n_levels;
	size_t i = (size_t)(level + 0.5);

	/* Something is not nothing, and not everything is not everything. */
	if (i == 0 && share > 1e-9)
		i = 1;
	if (i >= n_levels)
		i = share < 1 - 1e-6 ? n_levels - 1 : n_levels;
	return charset == CHARSET_UTF8 ? blocks[i] : letters[i];
}

static char *draw_bar(const struct pageset_file *file, uint64_t page_size, size_t n_cells,
		      enum charset charset)
{
	const char *frame = charset == CHARSET_UTF8 ? "│" : "|";
	double cells[MAX_BAR_CELLS] = { 0 };
	char *bar = malloc((n_cells + 2) * MAX_CELL_BYTES + 1);
	char *end = bar;

	if (!bar)
		return NULL;
	fill_cells(file, pages_of_file(file, page_size), cells, n_cells);
	end = stpcpy(end, frame);
	for (size_t i = 0; i < n_cells; i++)
		end = stpcpy(end, cell_text(cells[i], charset));
	stpcpy(end, frame);
	return bar;
}

static size_t bar_cells(const struct terminal *terminal)
{
	size_t n_cells = terminal->columns / 4;

	if (terminal->columns == 0)
		return PLAIN_BAR_CELLS;
	if (n_cells < MIN_BAR_CELLS)
		return MIN_BAR_CELLS;
	return n_cells > MAX_BAR_CELLS ? MAX_BAR_CELLS : n_cells;
}

static int add_file(struct table *table, const struct pageset_file *file, uint64_t page_size,
		    const struct terminal *terminal)
{
	uint64_t n_touched = pageset_file_pages(file);
	cleanup_free char *bar = draw_bar(file, page_size, bar_cells(terminal), terminal->charset);
	char bytes[TEXT_NUMBER_SIZE];
	char touched[TEXT_NUMBER_SIZE + 1];
	char share[TEXT_NUMBER_SIZE];

	if (!bar)
		return -ENOMEM;
	snprintf(touched, sizeof(touched), "%s%s", file->exact ? "" : "~",
		 text_bytes(n_touched * page_size, bytes));

	const char *const cells[] = { touched, text_share(n_touched, pages_of_file(file, page_size), share),
				      file->operand != PAGESET_NO_OPERAND ? "operand"
									  : pageset_file_kind(file),
				      bar, file->path };

	return table_add(table, cells);
}

int show_files(const struct pageset *files, uint64_t page_size, const struct terminal *terminal)
{
	static const struct table_column columns[] = {
		{ "TOUCHED", TABLE_RIGHT, 0 }, { "SHARE", TABLE_RIGHT, 2 }, { "KIND", TABLE_LEFT, 3 },
		{ "WHERE", TABLE_LEFT, 1 },    { "FILE", TABLE_CUT, 0 },
	};
	size_t n_files = 0;
	cleanup_free const struct pageset_file **sorted = show_sorted_files(files, &n_files);
	struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
	int r = sorted && table ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n_files; i++)
		r = add_file(table, sorted[i], page_size, terminal);
	if (r == 0 && n_files > 0)
		table_print(table, terminal);
	table_free(table);
	return r;
}

void show_names(const struct pageset *files)
{
	for (size_t i = 0; i < files->n_files; i++) {
		const struct pageset_file *file = files->files[i];

		if (file->n_extents > 0)
			continue;
		fputs(file->access & PAGESET_MISSING  ? "  not there  "
		      : file->access & PAGESET_LISTED ? "  listed     "
						      : "  looked up  ",
		      stdout);
		print_name(stdout, file->path);
		putchar('\n');
	}
}
