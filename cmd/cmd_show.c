/* --show: what is remembered of one program. */
#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "report.h"
#include "store.h"

static void print_head(const struct shadow *shadow, const char *shadow_path)
{
	const struct shadow_stats *stats = &shadow->stats;
	uint64_t n_pages = pageset_count_pages(&shadow->files);
	char date[DATE_SIZE];

	fputs("program     ", stdout);
	print_name(stdout, shadow->program);
	if (*shadow->profile) {
		fputs("\nprofile     ", stdout);
		print_name(stdout, shadow->profile);
	}
	fputs("\nshadow      ", stdout);
	print_name(stdout, shadow_path);
	printf("\nrecorded    %s; runs: %" PRIu32 ", of these in training: %" PRIu32 "%s\n",
	       format_date(stats->updated_s, date), stats->runs, stats->trained_runs,
	       shadow->flags & SHADOW_NEEDS_TRAINING ? "; the next one trains" : "");
	printf("remembered  %.1f MiB, %" PRIu64 " pages in %zu files, %s\n",
	       mebibytes(n_pages * shadow->page_size), n_pages, shadow->files.n_files,
	       shadow_is_exact(shadow) ? "exact" : "not exact: with pages that the kernel mapped unasked");
	if (stats->prefetched_bytes > 0)
		printf("prefetched  %.1f MiB at the last launch, %.1f MiB of it not used, %.1f MiB missed\n",
		       mebibytes(stats->prefetched_bytes), mebibytes(stats->wasted_bytes),
		       mebibytes(stats->missed_bytes));
}

static void print_files(const struct pageset *files)
{
	printf("\n%-8s  %-5s  %8s  %7s  %s\n", "KIND", "EXACT", "PAGES", "EXTENTS", "FILE");
	for (size_t i = 0; i < files->n_files; i++) {
		const struct pageset_file *file = files->files[i];

		printf("%-8s  %-5s  %8" PRIu64 "  %7zu  ", pageset_file_kind(file),
		       file->exact ? "yes" : "no", pageset_file_pages(file), file->n_extents);
		print_name(stdout, file->path);
		putchar('\n');
	}
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
		return complain("show", program, strerror(errno));

	int r = shadowdb_list(db, note_profile, &search);

	if (fclose(search.found) != 0 || r < 0)
		search.n_found = 0;
	if (search.n_found == 0)
		complain("show", program, "nothing is recorded; a launch with pbrun records it");
	else if (asprintf(&why, "nothing is recorded for the profile '%s', but there is %s", profile,
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
		return complain("show", shadow->program, strerror(-r));
	fputs(text, stdout);
	return 0;
}

static int show(struct shadowdb *db, const struct arguments *arguments)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;
	cleanup_free char *shadow_path = NULL;
	const char *own_profile = "";
	const char *profile = arguments_value(arguments, OPTION_PROFILE);

	if (resolve_or_complain("show", arguments->operands[0], &path, &own_profile) < 0)
		return 1;
	if (!profile)
		profile = own_profile;

	int r = shadowdb_load(db, path, profile, &shadow, &shadow_path);

	if (r == -ENOENT)
		return complain_not_recorded(db, path, profile);
	if (r < 0)
		return complain("show", shadow_path ? shadow_path : path, shadow_error_text(r));
	if (arguments_has(arguments, OPTION_JSON)) {
		if (print_json(&shadow, shadow_path) != 0)
			return 1;
	} else {
		print_head(&shadow, shadow_path);
		print_files(&shadow.files);
	}
	return finish_output("show");
}

int cmd_show(const struct arguments *arguments)
{
	return with_store(arguments, show);
}
