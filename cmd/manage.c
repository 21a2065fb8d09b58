#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "manage.h"
#include "report.h"
#include "sys/lookup.h"

/* A name may be anything; a terminal obeys control characters, among them U+0080 to U+009F. */
static void print_name(FILE *stream, const char *name)
{
	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		if (*c < ' ' || *c == 0x7f)
			fprintf(stream, "\\x%02x", *c);
		else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			fprintf(stream, "\\xc2\\x%02x", *++c);
		else
			putc(*c, stream);
	}
}

static const char *error_text(int error)
{
	switch (error) {
	case -EBADMSG:
		return "damaged; the next launch replaces it";
	case -EPROTONOSUPPORT:
		return "written by a newer pbrun";
	case -ESTALE:
		return "made for another page size";
	default:
		return strerror(-error);
	}
}

/* "pbrun: what: where: why". Returns the exit status of a failure. */
static int complain(const char *what, const char *where, const char *why)
{
	fprintf(stderr, "pbrun: %s: ", what);
	if (where) {
		print_name(stderr, where);
		fputs(": ", stderr);
	}
	print_name(stderr, why);
	putc('\n', stderr);
	return 1;
}

/* What was printed is lost on a full disk, and only the last flush knows. */
static int finish_output(const char *what)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return complain(what, "standard output", strerror(errno));
}

static double mebibytes(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024.0);
}

#define DATE_SIZE sizeof("2000-01-01 00:00")

static const char *format_date(int64_t seconds, char buffer[static DATE_SIZE])
{
	time_t time = (time_t)seconds;
	struct tm date;

	if (seconds <= 0 || !localtime_r(&time, &date) ||
	    !strftime(buffer, DATE_SIZE, "%Y-%m-%d %H:%M", &date))
		return "never";
	return buffer;
}

int manage_resolve(const char *name, char **ret_path, const char **ret_profile)
{
	char *path = NULL;
	int r = lookup_program(name, getenv("PATH"), &path);

	if (r < 0 && r != -ENOMEM && name[0] == '/') {
		path = strdup(name);
		r = path ? 0 : -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret_path = path;
	*ret_profile = lookup_profile(name, path);
	return 0;
}

static int resolve_or_complain(const char *what, const char *name, char **ret_path, const char **ret_profile)
{
	int r = manage_resolve(name, ret_path, ret_profile);

	if (r == -ENOENT)
		complain(what, name, "no such program; what is gone has to be named as --list does");
	else if (r < 0)
		complain(what, name, strerror(-r));
	return r;
}

/* --list */

static int list_entry_as_json(const struct shadowdb_entry *entry, void *context)
{
	return report_list_add(context, entry);
}

static int list_as_json(const struct shadowdb *db)
{
	struct report_list *list = report_list_new();
	cleanup_free char *text = NULL;
	int r = list ? shadowdb_list(db, list_entry_as_json, list) : -ENOMEM;

	if (r == 0)
		r = report_list_format(list, &text);
	if (r == 0)
		fputs(text, stdout);
	report_list_free(list);
	return r;
}

static int list_entry(const struct shadowdb_entry *entry, void *context)
{
	bool *is_first = context;
	char date[DATE_SIZE];

	if (entry->error) {
		complain("list", entry->file_name, error_text(entry->error));
		return 0;
	}
	if (*is_first)
		printf("%8s  %6s  %5s  %7s  %-16s  %s\n", "MIB", "FILES", "RUNS", "TRAINED", "LAST RECORDED",
		       "PROGRAM");
	*is_first = false;
	printf("%8.1f  %6" PRIu64 "  %5" PRIu32 "  %7" PRIu32 "  %-16s  ",
	       mebibytes(entry->n_pages * entry->head->page_size), entry->n_files, entry->head->stats.runs,
	       entry->head->stats.trained_runs, format_date(entry->head->stats.updated_s, date));
	print_name(stdout, entry->head->program);
	if (*entry->head->profile) {
		fputs(" --profile ", stdout);
		print_name(stdout, entry->head->profile);
	}
	putchar('\n');
	return 0;
}

int manage_list(const struct shadowdb *db, bool json)
{
	bool is_empty = true;
	int r = json ? list_as_json(db) : shadowdb_list(db, list_entry, &is_empty);

	if (r < 0)
		return complain("list", db->path, strerror(-r));
	if (!json && is_empty)
		puts("Nothing is recorded yet.");
	return finish_output("list");
}

/* --show */

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
	cleanup_free char *why = NULL;

	if (!search.found)
		return complain("show", program, strerror(errno));

	int r = shadowdb_list(db, note_profile, &search);

	if (fclose(search.found) != 0 || r < 0)
		search.n_found = 0;
	if (search.n_found == 0)
		complain("show", program, "nothing is recorded; a launch with pbrun records it");
	else if (asprintf(&why, "nothing is recorded for the profile '%s', but there is %s", profile,
			  options) >= 0)
		complain("show", program, why);
	free(options);
	return 1;
}

int manage_show(const struct shadowdb *db, const char *program, const char *profile, bool json)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;
	cleanup_free char *shadow_path = NULL;
	cleanup_free char *text = NULL;
	const char *own_profile = "";

	if (resolve_or_complain("show", program, &path, &own_profile) < 0)
		return 1;
	if (!profile)
		profile = own_profile;

	int r = shadowdb_load(db, path, profile, &shadow, &shadow_path);

	if (r == -ENOENT)
		return complain_not_recorded(db, path, profile);
	if (r < 0)
		return complain("show", shadow_path ? shadow_path : path, error_text(r));
	if (json) {
		r = report_format_shadow(&shadow, shadow_path, &text);
		if (r < 0)
			return complain("show", path, strerror(-r));
		fputs(text, stdout);
	} else {
		print_head(&shadow, shadow_path);
		print_files(&shadow.files);
	}
	return finish_output("show");
}

/* --forget */

static int forget(struct shadowdb *db, const char *program, const char *profile)
{
	cleanup_free char *path = NULL;
	const char *own_profile = "";

	if (resolve_or_complain("forget", program, &path, &own_profile) < 0)
		return 1;

	int n_removed = shadowdb_forget(db, path, profile);

	if (n_removed < 0)
		return complain("forget", path, strerror(-n_removed));
	if (n_removed == 0)
		return complain("forget", path, "nothing is recorded");
	fputs("forgot ", stdout);
	print_name(stdout, path);
	putchar('\n');
	return 0;
}

int manage_forget(struct shadowdb *db, char *const programs[], const char *profile)
{
	int status = 0;

	for (; *programs; programs++)
		status |= forget(db, *programs, profile);
	return status | finish_output("forget");
}
