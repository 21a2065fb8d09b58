/* bench_output.c - the result of a benchmark as a table, as JSON and as a picture. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "json_out.h"
#include "svg.h"
#include "sys/cleanup.h"
#include "table.h"
#include "text.h"

static const char *format_ms(double seconds, char buffer[static TEXT_NUMBER_SIZE])
{
	double ms = seconds * 1e3;

	snprintf(buffer, TEXT_NUMBER_SIZE, "%.*f ms", ms < 100 && ms > -100 ? 1 : 0, ms);
	return buffer;
}

/* What a way saves against the same start without pbrun. */
static double saving_of(const struct bench_result *result, enum bench_way way)
{
	enum bench_way without = way == BENCH_PBRUN ? BENCH_COLD : BENCH_WARM;

	return result->ways[without].median - result->ways[way].median;
}

static int add_way(struct table *table, const struct bench_result *result, enum bench_way way)
{
	char median[TEXT_NUMBER_SIZE];
	char spread[TEXT_NUMBER_SIZE];
	char saving[TEXT_NUMBER_SIZE] = "-";

	if (way == BENCH_PBRUN || way == BENCH_WARM_PBRUN)
		format_ms(saving_of(result, way), saving);

	const char *const cells[] = { bench_way_titles[way], format_ms(result->ways[way].median, median),
				      format_ms(result->ways[way].spread, spread), saving };

	return table_add(table, cells);
}

static void print_stayed(const struct bench *bench, const struct terminal *terminal)
{
	char stayed[TEXT_NUMBER_SIZE];
	char needed[TEXT_NUMBER_SIZE];
	cleanup_free char *words = NULL;

	if (bench->stayed_bytes == 0)
		return;
	if (asprintf(&words,
		     "%s of the %s that the program needs could not be evicted, as others have it mapped or "
		     "are writing "
		     "it: a start after a boot has more to wait for. The largest:",
		     text_bytes(bench->stayed_bytes, stayed), text_bytes(bench->needed_bytes, needed)) < 0)
		words = NULL;
	text_print_field("stayed", words, terminal);
	for (size_t i = 0; i < bench->n_stayed; i++) {
		cleanup_free char *path = text_printable(bench->stayed[i].path);
		cleanup_free char *line = NULL;

		if (!path || asprintf(&line, "%s %s", text_bytes(bench->stayed[i].bytes, stayed), path) < 0)
			line = NULL;
		text_print_field("", line, terminal);
	}
}

static void print_load(const struct bench *bench, const struct terminal *terminal)
{
	cleanup_free char *words = NULL;

	if (bench->load < (double)bench->n_cpus)
		return;
	if (asprintf(&words,
		     "The machine was busy: %.1f processes wanted to run on %ld processors. Measure again "
		     "when it is idle.",
		     bench->load, bench->n_cpus) < 0)
		words = NULL;
	text_print_field("load", words, terminal);
}

int bench_print(const struct bench *bench, const struct terminal *terminal)
{
	static const struct table_column columns[] = {
		{ "START", TABLE_CUT, 0 },
		{ "MEDIAN", TABLE_RIGHT, 0 },
		{ "SPREAD", TABLE_RIGHT, 1 },
		{ "SAVES", TABLE_RIGHT, 0 },
	};
	struct bench_result result = bench_judge(bench);
	struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
	cleanup_free char *sentence = bench_sentence(&result);
	int r = table && sentence ? 0 : -ENOMEM;

	for (int way = 0; r == 0 && way < N_BENCH_WAYS; way++)
		r = add_way(table, &result, (enum bench_way)way);
	if (r == 0) {
		table_print(table, terminal);
		putchar('\n');
		print_stayed(bench, terminal);
		if (!bench->evicts_names)
			text_print_field("names",
					 "stay in memory: only root can evict directory entries and inodes.",
					 terminal);
		print_load(bench, terminal);
		text_print_field("result", sentence, terminal);
	}
	table_free(table);
	return r;
}

static void put_way(struct json_out *json, const struct bench *bench, const struct bench_result *result,
		    enum bench_way way)
{
	static const char *const keys[] = { "cold", "pbrun", "warm", "warm_pbrun" };

	json_out_begin(json, keys[way], '{');
	json_out_real(json, "median_ms", result->ways[way].median * 1e3);
	json_out_real(json, "spread_ms", result->ways[way].spread * 1e3);
	json_out_begin(json, "times_ms", '[');
	for (size_t i = 0; i < bench->n_runs; i++)
		json_out_real(json, NULL, (double)bench->times_ns[way][i] / 1e6);
	json_out_end(json, ']');
	json_out_end(json, '}');
}

void bench_print_json(const struct bench *bench, FILE *stream)
{
	static const char *const verdicts[] = { "no wait", "nothing", "gain", "loss" };
	struct json_out json = { .stream = stream };
	struct bench_result result = bench_judge(bench);
	cleanup_free char *sentence = bench_sentence(&result);

	json_out_begin(&json, NULL, '{');
	json_out_number(&json, "format", 1);
	json_out_text(&json, "program", bench->program);
	json_out_begin(&json, "command", '[');
	for (char *const *word = bench->command; *word; word++)
		json_out_text(&json, NULL, *word);
	json_out_end(&json, ']');
	json_out_number(&json, "runs", bench->n_runs);
	json_out_begin(&json, "starts", '{');
	for (int way = 0; way < N_BENCH_WAYS; way++)
		put_way(&json, bench, &result, (enum bench_way)way);
	json_out_end(&json, '}');
	json_out_real(&json, "saving_ms", result.saving * 1e3);
	json_out_real(&json, "share", result.share);
	json_out_text(&json, "verdict", verdicts[result.verdict]);
	json_out_text(&json, "meaning", sentence);
	json_out_number(&json, "files", bench->n_files);
	json_out_number(&json, "needed_bytes", bench->needed_bytes);
	json_out_number(&json, "stayed_bytes", bench->stayed_bytes);
	json_out_begin(&json, "stayed", '[');
	for (size_t i = 0; i < bench->n_stayed; i++) {
		json_out_begin(&json, NULL, '{');
		json_out_text(&json, "path", bench->stayed[i].path);
		json_out_number(&json, "bytes", bench->stayed[i].bytes);
		json_out_end(&json, '}');
	}
	json_out_end(&json, ']');
	json_out_real(&json, "load", bench->load);
	json_out_truth(&json, "names_evicted", bench->evicts_names ? JSON_TRUE : JSON_FALSE);
	json_out_end(&json, '}');
	json_out_finish(&json);
}

#define WIDTH 760
#define LEFT 170.0
#define RIGHT 640.0
#define TOP 84.0
#define ROW_HEIGHT 38.0

static void draw_way(const struct bench *bench, const struct bench_result *result, enum bench_way way,
		     double scale, FILE *stream)
{
	static const char *const classes[] = { "c", "a", "c", "a" };
	double y = TOP + ROW_HEIGHT * (double)way;
	char text[TEXT_NUMBER_SIZE];
	double width = result->ways[way].median * scale;

	svg_text(stream, LEFT - 10, y + 18, "end", bench_way_titles[way]);
	fprintf(stream, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"20\"/>\n",
		classes[way], LEFT, y + 4, width);
	/* Each single start. */
	for (size_t i = 0; i < bench->n_runs; i++) {
		double x = LEFT + (double)bench->times_ns[way][i] / 1e9 * scale;

		fprintf(stream,
			"<circle class=\"strong\" cx=\"%.1f\" cy=\"%.1f\" "
			"r=\"2.2\"><title>%s</title></circle>\n",
			x, y + 28, format_ms((double)bench->times_ns[way][i] / 1e9, text));
	}
	svg_text(stream, LEFT + width + 8, y + 18, "label", format_ms(result->ways[way].median, text));
}

void bench_draw(const struct bench *bench, FILE *stream)
{
	struct bench_result result = bench_judge(bench);
	cleanup_free char *sentence = bench_sentence(&result);
	cleanup_free char *title = NULL;
	uint64_t longest_ns = 1;
	char runs[TEXT_NUMBER_SIZE];

	for (int way = 0; way < N_BENCH_WAYS; way++)
		for (size_t i = 0; i < bench->n_runs; i++)
			if (bench->times_ns[way][i] > longest_ns)
				longest_ns = bench->times_ns[way][i];
	if (asprintf(&title, "%s: starts cold and warm, median of %s", bench->program,
		     text_number(bench->n_runs, runs)) < 0)
		title = NULL;
	svg_open(stream, WIDTH, (unsigned int)(TOP + ROW_HEIGHT * N_BENCH_WAYS) + 16, title ? title : "");
	svg_text(stream, 16, 30, "title", title ? title : "");
	svg_text(stream, 16, 54, "small", sentence ? sentence : "");
	for (int way = 0; way < N_BENCH_WAYS; way++)
		draw_way(bench, &result, (enum bench_way)way, (RIGHT - LEFT) / ((double)longest_ns / 1e9),
			 stream);
	svg_close(stream);
}
