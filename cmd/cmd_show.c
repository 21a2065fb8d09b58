/* cmd_show.c - --show: what is remembered of one program. */
#include <stdarg.h>
#include <string.h>

#include "command.h"
#include "forecast.h"
#include "output.h"
#include "picture.h"
#include "report.h"
#include "show.h"
#include "state.h"
#include "store.h"
#include "sys/memory_stream.h"
#include "target.h"
#include "text.h"

/* Prints a field whose words come as in printf(3). */
__attribute__((format(printf, 3, 4))) static void field(const struct terminal *terminal, const char *label,
							const char *format, ...)
{
	cleanup_free char *words = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&words, format, args) < 0)
		words = NULL;
	va_end(args);
	text_print_field(label, words, terminal);
}

static void print_remembered(const struct shadow *shadow, const struct terminal *terminal)
{
	uint64_t n_pages = pageset_count_pages(&shadow->files);
	uint64_t n_exact = 0;
	uint64_t n_with_pages = 0;
	uint64_t n_operands = 0;
	char size[TEXT_NUMBER_SIZE];
	char pages[TEXT_NUMBER_SIZE];
	char files[TEXT_NUMBER_SIZE];
	char names[TEXT_NUMBER_SIZE];

	for (size_t i = 0; i < shadow->files.n_files; i++) {
		n_with_pages += shadow->files.files[i]->n_extents > 0;
		n_exact += shadow->files.files[i]->exact ? pageset_file_pages(shadow->files.files[i]) : 0;
		n_operands += shadow->files.files[i]->operand != PAGESET_NO_OPERAND &&
			      shadow->files.files[i]->n_extents > 0;
	}
	field(terminal, "remembered", "%s: %s pages of %s files, and %s names that are looked up",
	      text_bytes(n_pages * shadow->page_size, size), text_number(n_pages, pages),
	      text_number(n_with_pages, files), text_number(shadow->files.n_files - n_with_pages, names));
	if (n_operands > 0)
		field(terminal, "operands",
		      "%s of these files: named by arguments, and prefetched when they are named again",
		      text_number(n_operands, files));
	if (n_exact == n_pages)
		field(terminal, "exact", "all pages: each was seen to be touched");
	else
		field(terminal, "exact",
		      "%s of %s pages; of the files marked ~ the kernel may have mapped more than was "
		      "touched",
		      text_number(n_exact, size), pages);
}

/* The last starts together; of each tells show_starts(). */
static void print_last_starts(const struct history *history, const struct terminal *terminal)
{
	const struct history_sum sum = history_sum(history);
	const uint32_t last_faults = history->starts[0].faults;
	char number[TEXT_NUMBER_SIZE];
	char starts[TEXT_NUMBER_SIZE + sizeof(" starts")];
	char used[TEXT_NUMBER_SIZE];
	char wasted[TEXT_NUMBER_SIZE];
	char missed[TEXT_NUMBER_SIZE];
	char first[TEXT_NUMBER_SIZE];

	snprintf(starts, sizeof(starts), "%s starts", text_number(sum.n_starts, number));
	if (sum.n_starts == 0)
		field(terminal, "gained", "nothing yet: no start with this record was watched");
	else if (sum.used_bytes == 0 && sum.missed_bytes == 0)
		field(terminal, "gained", "nothing: all was in memory already");
	else
		field(terminal, "gained",
		      "%s were there before the last %s asked for them; %s were read later, and %s in vain",
		      text_bytes(sum.used_bytes, used), sum.n_starts == 1 ? "start" : starts,
		      text_bytes(sum.missed_bytes, missed), text_bytes(sum.wasted_bytes, wasted));
	if (history->first_faults > last_faults)
		field(terminal, "waited",
		      "%s page faults waited for the disk at the last start, %s at the first",
		      last_faults ? text_number(last_faults, number) : "no",
		      text_number(history->first_faults, first));
}

/* Of a record of an older version. */
static void print_last_start(const struct shadow_stats *stats, const struct terminal *terminal)
{
	uint64_t used_bytes = stats->prefetched_bytes > stats->wasted_bytes
				      ? stats->prefetched_bytes - stats->wasted_bytes
				      : 0;
	char prefetched[TEXT_NUMBER_SIZE];
	char share[TEXT_NUMBER_SIZE];
	char wasted[TEXT_NUMBER_SIZE];
	char missed[TEXT_NUMBER_SIZE];

	if (stats->prefetched_bytes == 0)
		field(terminal, "last start", "nothing was prefetched");
	else
		field(terminal, "last start",
		      "%s prefetched, %s of it used, %s wasted; the program read %s itself",
		      text_bytes(stats->prefetched_bytes, prefetched),
		      text_share(used_bytes, stats->prefetched_bytes, share),
		      text_bytes(stats->wasted_bytes, wasted), text_bytes(stats->missed_bytes, missed));
}

static void print_summary(const struct shadow *shadow, const char *shadow_path,
			  const struct terminal *terminal)
{
	struct state_account account = state_of(shadow);
	struct forecast forecast = forecast_of(POLICY_AUTO, shadow, account.state);
	cleanup_free char *state = state_text(&account);
	cleanup_free char *next = forecast_text(&forecast);
	cleanup_free char *path = text_printable(shadow_path);
	cleanup_free char *profile = text_printable(shadow->profile);
	char date[DATE_SIZE];
	char runs[TEXT_NUMBER_SIZE];
	char trained[TEXT_NUMBER_SIZE];

	fputs(terminal->has_colour ? "\033[1m" : "", stdout);
	print_name(stdout, shadow->program);
	puts(terminal->has_colour ? "\033[0m" : "");
	if (*shadow->profile)
		text_print_field("profile", profile, terminal);
	field(terminal, "starts", "%s recorded, %s of them in training, the last on %s",
	      text_number(shadow->stats.runs, runs), text_number(shadow->stats.trained_runs, trained),
	      format_date(shadow->stats.updated_s, date));
	if (shadow->flags & SHADOW_TRAINING_WAS_CUT)
		field(terminal, "training", "was cut short: it would have slowed the program down too much");
	text_print_field("state", state, terminal);
	print_remembered(shadow, terminal);
	if (shadow->history.n_starts > 0)
		print_last_starts(&shadow->history, terminal);
	else
		print_last_start(&shadow->stats, terminal);
	text_print_field("next start", next, terminal);
	text_print_field("shadow", path, terminal);
	putchar('\n');
}

static int print_text(const struct shadow *shadow, const char *shadow_path, const struct arguments *arguments)
{
	struct terminal terminal = terminal_look();

	terminal_start_pager(&terminal);
	print_summary(shadow, shadow_path, &terminal);
	int r = show_starts(&shadow->history, &terminal);

	if (r == 0)
		r = show_files(&shadow->files, shadow->page_size, &terminal);
	if (r < 0)
		return complain_error("show", shadow->program, r);
	if (arguments_has(arguments, OPTION_VERBOSE)) {
		putchar('\n');
		show_names(&shadow->files);
	}
	return 0;
}

static int draw(const struct shadow *shadow, const char *path)
{
	cleanup_with(picture_release) struct picture picture = { 0 };

	if (picture_open(&picture, "show", path) != 0)
		return 1;
	int r = show_svg(shadow, picture.stream);

	return r < 0 ? complain_error("show", shadow->program, r) : picture_close(&picture);
}

struct profile_search {
	const char *program;
	FILE *found; /* gets the options that name the profiles */
	size_t n_found;
};

static int note_profile(const struct shadowdb_entry *entry, void *context)
{
	struct profile_search *search = context;

	if (entry->error || strcmp(entry->head->program, search->program) != 0)
		return 0;
	fprintf(search->found, "%s--profile '%s'", search->n_found++ ? ", " : "", entry->head->profile);
	return 0;
}

/* There is nothing under profile: which ones are there? */
static int complain_not_recorded(const struct shadowdb *db, const char *program, const char *profile)
{
	char *options = NULL;
	size_t size = 0;
	struct profile_search search = { .program = program, .found = open_memstream(&options, &size) };
	char *why = NULL;

	if (!search.found)
		return complain_error("show", program, -errno);

	int r = shadowdb_list(db, note_profile, &search);

	if (memory_stream_close(search.found, &options) < 0 || r == -ENOMEM)
		return complain_error("show", program, -ENOMEM);
	if (r < 0)
		search.n_found = 0;
	if (search.n_found == 0)
		complain_nothing_recorded("show", program);
	else if (asprintf(&why, "nothing is recorded for the profile '%s', but there is %s (add it)", profile,
			  options) < 0)
		why = NULL; /* undefined (asprintf(3)) */
	if (why)
		complain("show", program, why);
	free(why);
	free(options);
	return 1;
}

static int print_json(const struct shadow *shadow, const char *shadow_path)
{
	cleanup_free char *text = NULL;
	int r = report_format_shadow(shadow, shadow_path, &text);

	if (r < 0)
		return complain_error("show", shadow->program, r);
	fputs(text, stdout);
	return 0;
}

static int show(struct shadowdb *db, const struct arguments *arguments)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;
	cleanup_free char *shadow_path = NULL;
	const char *profile_of_name = "";
	cleanup_free char *own_profile = NULL;
	const char *profile = arguments_value(arguments, OPTION_PROFILE);

	if (resolve_or_complain("show", arguments->operands[0], &path, &profile_of_name) < 0)
		return 1;
	if (!profile) {
		own_profile = target_profile(arguments->operands, path);
		profile = own_profile;
	}
	if (!profile)
		return complain("show", path, strerror(ENOMEM));

	int r = shadowdb_load(db, path, profile, &shadow, &shadow_path);

	if (r == -ENOENT)
		return complain_not_recorded(db, path, profile);
	if (r < 0)
		return complain_error("show", shadow_path ? shadow_path : path, r);
	int status = 0;
	const char *picture = arguments_value(arguments, OPTION_SVG);

	if (picture)
		status = draw(&shadow, picture);
	if (arguments_has(arguments, OPTION_JSON))
		status |= print_json(&shadow, shadow_path);
	else if (!picture)
		status |= print_text(&shadow, shadow_path, arguments);
	return status | finish_output("show");
}

int cmd_show(const struct arguments *arguments)
{
	return with_store(arguments, show);
}
