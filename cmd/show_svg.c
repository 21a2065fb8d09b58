/* show_svg.c - a recorded launch as a picture: time across, files down. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "show.h"
#include "svg.h"
#include "text.h"

#define MAX_ROWS 60u
/* Marks in all: with a title each they make up most of the size, and 300 KiB are to do. */
#define MAX_MARKS 1600u
#define MAX_BINS 400u
#define LABEL_CHARACTERS 28

#define WIDTH 1200
#define LEFT 232.0
#define RIGHT 1040.0
#define SHARE_LEFT 1060.0
#define SHARE_WIDTH 90.0
#define TOP 104.0
#define ROW_HEIGHT 17.0
#define MARK_HEIGHT 15.0
#define MIN_MARK_HEIGHT 5.0
#define MIN_MARK_WIDTH 2.5
/* The axis ends where so many of all pages have been used. */
#define AXIS_SHARE 0.995

/* A file, or the rest of them. */
struct row {
	const struct pageset_file *file; /* NULL: the rest */
	uint64_t n_pages;
	uint64_t n_file_pages;
	uint32_t first_use_us;
	size_t n_marks;
	uint64_t bins[MAX_BINS]; /* pages by time of first use; the last one: what came after the axis */
};

struct drawing {
	const struct shadow *shadow;
	const struct pageset_file **files; /* with most pages first */
	size_t n_files;
	struct row *rows;
	size_t n_rows;
	size_t n_bins;
	uint64_t axis_us;
	uint64_t max_pages; /* in one mark */
};

struct use {
	uint32_t time_us;
	uint64_t n_pages;
};

static int compare_uses(const void *a, const void *b)
{
	const struct use *first = a;
	const struct use *second = b;

	return (first->time_us > second->time_us) - (first->time_us < second->time_us);
}

/* Where the axis ends: a straggler must not squeeze everything else to the left. */
static int find_axis(struct drawing *self)
{
	size_t n_uses = 0;
	uint64_t n_pages = 0;
	uint64_t n_all = pageset_count_pages(&self->shadow->files);
	cleanup_free struct use *uses =
		calloc(pageset_count_extents(&self->shadow->files) + 1, sizeof(*uses));

	if (!uses)
		return -ENOMEM;
	for (size_t i = 0; i < self->n_files; i++)
		for (size_t j = 0; j < self->files[i]->n_extents; j++)
			uses[n_uses++] = (struct use){ self->files[i]->extents[j].first_use_us,
						       self->files[i]->extents[j].n_pages };
	qsort(uses, n_uses, sizeof(*uses), compare_uses);
	self->axis_us = 1000;
	for (size_t i = 0; i < n_uses && (double)n_pages < AXIS_SHARE * (double)n_all; i++) {
		n_pages += uses[i].n_pages;
		if (uses[i].time_us >= self->axis_us)
			self->axis_us = uses[i].time_us + UINT64_C(1);
	}
	return 0;
}

static size_t bin_of(const struct drawing *self, uint32_t time_us)
{
	size_t bin = (size_t)((double)time_us / (double)self->axis_us * (double)(self->n_bins - 1));

	return time_us >= self->axis_us ? self->n_bins - 1 : bin;
}

static void add_to_row(struct drawing *self, struct row *row, const struct pageset_file *file)
{
	uint64_t page_size = self->shadow->page_size;
	uint64_t n_file_pages = file->id.size_bytes / page_size + (file->id.size_bytes % page_size > 0);
	uint64_t n_pages = pageset_file_pages(file);

	row->n_pages += n_pages;
	row->n_file_pages += n_file_pages > n_pages ? n_file_pages : n_pages;
	for (size_t i = 0; i < file->n_extents; i++) {
		const struct extent *extent = &file->extents[i];

		if (extent->first_use_us < row->first_use_us)
			row->first_use_us = extent->first_use_us;
		row->bins[bin_of(self, extent->first_use_us)] += extent->n_pages;
	}
}

static void fill_rows(struct drawing *self)
{
	for (size_t i = 0; i < self->n_files; i++) {
		bool is_rest = i >= MAX_ROWS;
		struct row *row = &self->rows[is_rest ? MAX_ROWS : i];

		if (i <= MAX_ROWS)
			*row = (struct row){ .file = is_rest ? NULL : self->files[i],
					     .first_use_us = UINT32_MAX };
		add_to_row(self, row, self->files[i]);
	}
	self->n_rows = self->n_files > MAX_ROWS ? MAX_ROWS + 1 : self->n_files;
}

static size_t count_marks(struct drawing *self)
{
	size_t n_marks = 0;

	self->max_pages = 1;
	for (struct row *row = self->rows; row < self->rows + self->n_rows; row++) {
		for (size_t bin = 0; bin < self->n_bins; bin++) {
			n_marks += row->bins[bin] > 0;
			if (row->bins[bin] > self->max_pages)
				self->max_pages = row->bins[bin];
		}
	}
	return n_marks;
}

/* By first use, the rest last. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *first = a;
	const struct row *second = b;

	if (!first->file != !second->file)
		return first->file ? -1 : 1;
	return (first->first_use_us > second->first_use_us) - (first->first_use_us < second->first_use_us);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void draw_mark(const struct drawing *self, const struct row *row, size_t bin, double y, FILE *stream)
{
	double bin_width = (RIGHT - LEFT) / (double)self->n_bins;
	double share = (double)row->bins[bin] / (double)self->max_pages;
	/* About the square root of the share, so that few pages are seen. */
	double height = MIN_MARK_HEIGHT + (MARK_HEIGHT - MIN_MARK_HEIGHT) *
						  (share > 0.25 ? 0.5 + (share - 0.25) / 1.5 : 2 * share);
	double time_ms = (double)bin / (double)(self->n_bins - 1) * (double)self->axis_us / 1000;
	char size[TEXT_NUMBER_SIZE];

	fprintf(stream,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s %.*f ms: "
		"%s</title></rect>\n",
		LEFT + (double)bin * bin_width, y + (ROW_HEIGHT - height) / 2,
		bin_width > MIN_MARK_WIDTH ? bin_width : MIN_MARK_WIDTH, height,
		bin == self->n_bins - 1 ? "after" : "at", time_ms < 10 ? 1 : 0, time_ms,
		text_bytes(row->bins[bin] * self->shadow->page_size, size));
}

static void draw_label(const struct drawing *self, const struct row *row, double y, FILE *stream)
{
	char number[TEXT_NUMBER_SIZE];
	char rest[64];
	const char *name = rest;

	if (row->file)
		name = base_name(row->file->path);
	else
		snprintf(rest, sizeof(rest), "%s other files", text_number(self->n_files - MAX_ROWS, number));
	cleanup_free char *printable = text_printable(name);
	cleanup_free char *label = printable ? text_cut(printable, LABEL_CHARACTERS, CHARSET_UTF8) : NULL;

	svg_text(stream, LEFT - 8, y + ROW_HEIGHT - 5, "end", label ? label : "");
}

static void draw_row(const struct drawing *self, const struct row *row, double y, FILE *stream)
{
	char touched[TEXT_NUMBER_SIZE];
	char size[TEXT_NUMBER_SIZE];
	char share[TEXT_NUMBER_SIZE];
	uint64_t page_size = self->shadow->page_size;
	double first = LEFT + (RIGHT - LEFT) * (double)bin_of(self, row->first_use_us) / (double)self->n_bins;
	double middle = y + ROW_HEIGHT / 2;

	fputs("<g><title>", stream);
	svg_escape(stream, row->file ? row->file->path : "the files with fewest pages");
	fprintf(stream, ": %s of %s touched (", text_bytes(row->n_pages * page_size, touched),
		text_bytes(row->n_file_pages * page_size, size));
	svg_escape(stream, text_share(row->n_pages, row->n_file_pages, share));
	fputs(")</title>\n", stream);
	draw_label(self, row, y, stream);
	fprintf(stream, "<path class=\"line\" d=\"M%.1f %.1fH%.1f\"/>\n", first, middle, RIGHT);
	fprintf(stream, "<rect class=\"soft\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"9\"/>\n",
		SHARE_LEFT, middle - 4.5, SHARE_WIDTH);
	fprintf(stream, "<rect class=\"b\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"9\"/>\n", SHARE_LEFT,
		middle - 4.5, SHARE_WIDTH * (double)row->n_pages / (double)row->n_file_pages);
	fputs("<g class=\"a\">\n", stream);
	for (size_t bin = 0; bin < self->n_bins; bin++)
		if (row->bins[bin] > 0)
			draw_mark(self, row, bin, y, stream);
	fputs("</g></g>\n", stream);
}

static void draw_axis(const struct drawing *self, double bottom, FILE *stream)
{
	double span_ms = (double)self->axis_us / 1000;
	double tick_ms = svg_tick(span_ms, 6);
	double width = (RIGHT - LEFT) * (double)(self->n_bins - 1) / (double)self->n_bins;
	bool in_seconds = tick_ms >= 1000;
	char text[48];

	for (unsigned int i = 0; i * tick_ms <= span_ms; i++) {
		double at_ms = i * tick_ms;
		double x = LEFT + width * at_ms / span_ms;

		fprintf(stream, "<path class=\"line\" d=\"M%.1f %.1fV%.1f\"/>\n", x, TOP - 6, bottom);
		snprintf(text, sizeof(text), "%g%s", in_seconds ? at_ms / 1000 : at_ms,
			 in_seconds ? " s" : " ms");
		svg_text(stream, x, TOP - 10, "small", text);
	}
	svg_text(stream, SHARE_LEFT, TOP - 10, "small", "touched of the file");
}

static void draw(const struct drawing *self, FILE *stream)
{
	const struct shadow *shadow = self->shadow;
	double bottom = TOP + ROW_HEIGHT * (double)self->n_rows;
	char size[TEXT_NUMBER_SIZE];
	char number[TEXT_NUMBER_SIZE];
	cleanup_free char *title = NULL;
	cleanup_free char *summary = NULL;

	if (asprintf(&title, "%s%s%s: what a start needs, and when", base_name(shadow->program),
		     *shadow->profile ? ", profile " : "", shadow->profile) < 0)
		title = NULL;
	if (asprintf(&summary,
		     "%s in %s files. Each mark: pages that are used for the first time then; "
		     "the taller, the more.",
		     text_bytes(pageset_count_pages(&shadow->files) * shadow->page_size, size),
		     text_number(self->n_files, number)) < 0)
		summary = NULL;
	svg_open(stream, WIDTH, (unsigned int)bottom + 16, title ? title : shadow->program);
	svg_text(stream, 16, 30, "title", title ? title : shadow->program);
	svg_text(stream, 16, 52, "small", summary ? summary : "");
	draw_axis(self, bottom, stream);
	for (size_t i = 0; i < self->n_rows; i++)
		draw_row(self, &self->rows[i], TOP + ROW_HEIGHT * (double)i, stream);
	svg_close(stream);
}

int show_svg(const struct shadow *shadow, FILE *stream)
{
	struct drawing drawing = { .shadow = shadow, .n_bins = MAX_BINS };
	cleanup_free const struct pageset_file **files = show_sorted_files(&shadow->files, &drawing.n_files);
	cleanup_free struct row *rows = calloc(MAX_ROWS + 1, sizeof(*rows));

	drawing.files = files;
	drawing.rows = rows;
	if (!files || !rows || find_axis(&drawing) < 0)
		return -ENOMEM;
	do
		fill_rows(&drawing);
	while (count_marks(&drawing) > MAX_MARKS && (drawing.n_bins = drawing.n_bins * 3 / 4) > 8);
	qsort(rows, drawing.n_rows, sizeof(*rows), compare_rows);
	draw(&drawing, stream);
	return 0;
}
