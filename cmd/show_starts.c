/* show_starts.c - what the last starts gained and wasted. */
#include <stdio.h>

#include "output.h"
#include "show.h"
#include "table.h"
#include "text.h"

static const char *bytes_or_dash(const struct history_start *start, uint32_t flag, uint64_t bytes,
				 char buffer[static TEXT_NUMBER_SIZE])
{
	return start->flags & flag ? text_bytes(bytes, buffer) : "-";
}

static int add_start(struct table *table, const struct history_start *start)
{
	char date[DATE_SIZE];
	char prefetched[TEXT_NUMBER_SIZE];
	char used[TEXT_NUMBER_SIZE];
	char wasted[TEXT_NUMBER_SIZE];
	char missed[TEXT_NUMBER_SIZE];
	char faults[TEXT_NUMBER_SIZE];
	const char *const cells[] = {
		format_date(start->time_s, date),
		text_bytes(start->prefetched_bytes, prefetched),
		bytes_or_dash(start, HISTORY_KNOWS_WASTE, history_used_bytes(start), used),
		bytes_or_dash(start, HISTORY_KNOWS_WASTE, start->wasted_bytes, wasted),
		bytes_or_dash(start, HISTORY_KNOWS_MISSED, start->missed_bytes, missed),
		text_number(start->faults, faults),
	};

	return table_add(table, cells);
}

int show_starts(const struct history *history, const struct terminal *terminal)
{
	static const struct table_column columns[] = {
		{ "LAST STARTS", TABLE_CUT, 0 },   { "PREFETCHED", TABLE_RIGHT, 2 },
		{ "USED", TABLE_RIGHT, 0 },        { "WASTED", TABLE_RIGHT, 1 },
		{ "READ ITSELF", TABLE_RIGHT, 3 }, { "FAULTS", TABLE_RIGHT, 0 },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
	int r = table ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < history->n_starts; i++)
		r = add_start(table, &history->starts[i]);
	if (r == 0 && history->n_starts > 0) {
		table_print(table, terminal);
		putchar('\n');
	}
	table_free(table);
	return r;
}
