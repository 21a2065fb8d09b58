/* cmd_list.c - --list: what is remembered. */
#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "notices.h"
#include "output.h"
#include "report.h"
#include "state.h"
#include "store.h"
#include "table.h"
#include "text.h"

static const struct table_column columns[] = {
	{ "PROGRAM", TABLE_CUT, 0 },  { "PROFILE", TABLE_LEFT, 2 }, { "SIZE", TABLE_RIGHT, 3 },
	{ "STARTS", TABLE_RIGHT, 5 }, { "SAVED", TABLE_RIGHT, 1 },  { "LAST USED", TABLE_LEFT, 4 },
	{ "STATE", TABLE_LEFT, 0 },
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct listing {
	const struct shadowdb *db;
	struct report_list *json; /* NULL: as a table */
	struct table *table;
	size_t n_entries;
};

/* What the last starts with this record did not have to wait for, of all that they needed from the disk. */
static const char *format_saved(const struct history *history, char buffer[static TEXT_NUMBER_SIZE])
{
	struct history_sum sum = history_sum(history);
	uint64_t whole;

	if (__builtin_add_overflow(sum.used_bytes, sum.missed_bytes, &whole))
		whole = UINT64_MAX;
	return text_share(sum.used_bytes, whole, buffer);
}

static int add_row(struct listing *listing, const struct shadowdb_entry *entry, const char *state)
{
	const struct shadow *head = entry->head;
	char size[TEXT_NUMBER_SIZE];
	char starts[TEXT_NUMBER_SIZE];
	char saved[TEXT_NUMBER_SIZE];
	char date[DATE_SIZE];
	const char *const cells[N_COLUMNS] = {
		head->program,
		head->profile,
		text_bytes(entry->n_pages * head->page_size, size),
		text_number(head->stats.runs, starts),
		format_saved(&head->history, saved),
		format_date(head->stats.updated_s, date),
		state,
	};

	return table_add(listing->table, cells);
}

/* A shadow that cannot be used is known by its file only. */
static int add_ignored(struct listing *listing, const struct shadowdb_entry *entry)
{
	const char *why = shadow_error_text(entry->error);
	cleanup_free char *state = NULL;

	if (listing->json)
		return report_list_add(listing->json, entry, "ignored", why);
	if (asprintf(&state, "ignored: %s", why) < 0)
		return -ENOMEM;

	const char *const cells[N_COLUMNS] = { entry->file_name, "", "-", "-", "-", "-", state };

	return table_add(listing->table, cells);
}

/* Where it comes from, if it is none of the user's own. Takes state over. */
static char *state_with_place(const struct shadowdb *db, const struct shadowdb_entry *entry, char *state)
{
	cleanup_free char *own = state;
	char *text;

	if (!own || entry->directory == db->path)
		return take_pointer(own);
	return asprintf(&text, "%s; from %s", own, entry->directory) < 0 ? NULL : text;
}

static int add_entry(const struct shadowdb_entry *entry, void *context)
{
	struct listing *listing = context;
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	struct shadowdb_entry failed = *entry;

	listing->n_entries++;
	if (entry->error == -ENOMEM)
		return -ENOMEM;
	if (entry->error)
		return add_ignored(listing, entry);
	/* The head may be right, and the rest damaged. */
	failed.error = shadowdb_load(listing->db, entry->head->program, entry->head->profile, &shadow, NULL);
	if (failed.error)
		return failed.error == -ENOMEM ? -ENOMEM : add_ignored(listing, &failed);

	struct state_account account = state_of(&shadow);
	cleanup_free char *state = state_with_place(listing->db, entry, state_text(&account));

	if (!state)
		return -ENOMEM;
	return listing->json ? report_list_add(listing->json, entry, state_name(account.state), state)
			     : add_row(listing, entry, state);
}

static int add_notice(const struct notice *notice, void *context)
{
	struct listing *listing = context;

	return report_list_add_notice(listing->json, notice);
}

static int print_as_json(struct listing *listing)
{
	char *text = NULL;

	listing->json = report_list_new();
	int r = listing->json ? shadowdb_list(listing->db, add_entry, listing) : -ENOMEM;

	if (r == 0)
		r = notice_list(listing->db, add_notice, listing);
	if (r == 0)
		r = report_list_format(listing->json, &text);
	if (r == 0 && text)
		fputs(text, stdout);
	free(text);
	report_list_free(listing->json);
	return r;
}

static int print_as_table(struct listing *listing)
{
	listing->table = table_new(columns, N_COLUMNS);
	int r = listing->table ? shadowdb_list(listing->db, add_entry, listing) : -ENOMEM;
	struct terminal terminal = terminal_look();

	terminal_start_pager(&terminal);
	if (r == 0 && listing->n_entries == 0)
		puts("Nothing is recorded yet.");
	else if (r == 0)
		table_print(listing->table, &terminal);
	table_free(listing->table);
	return r < 0 ? r : notices_print(listing->db);
}

static int list(struct shadowdb *db, const struct arguments *arguments)
{
	struct listing listing = { .db = db };
	int r = arguments_has(arguments, OPTION_JSON) ? print_as_json(&listing) : print_as_table(&listing);

	if (r < 0)
		return complain_error("list", db->path, r);
	return finish_output("list");
}

int cmd_list(const struct arguments *arguments)
{
	return with_store(arguments, list);
}
