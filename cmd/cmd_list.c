/* --list: what is remembered. */
#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "report.h"
#include "store.h"

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
		complain("list", entry->file_name, shadow_error_text(entry->error));
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

static int list(struct shadowdb *db, const struct arguments *arguments)
{
	bool is_empty = true;
	bool json = arguments_has(arguments, OPTION_JSON);
	int r = json ? list_as_json(db) : shadowdb_list(db, list_entry, &is_empty);

	if (r < 0)
		return complain("list", db->path, strerror(-r));
	if (!json && is_empty)
		puts("Nothing is recorded yet.");
	return finish_output("list");
}

int cmd_list(const struct arguments *arguments)
{
	return with_store(arguments, list);
}
