/* verbose.c - the line of --verbose. */
#include "verbose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "sys/memory_stream.h"
#include "sys/page.h"
#include "text.h"

static void tell_prefetch(const struct account *account, FILE *line)
{
	const struct readahead_stats *stats = &account->prefetch.stats;
	char size[TEXT_NUMBER_SIZE];
	char pieces[TEXT_NUMBER_SIZE];
	char share[TEXT_NUMBER_SIZE];

	if (stats->bytes > 0)
		fprintf(line, "%s in %s pieces asked for in %.*f ms", text_bytes(stats->bytes, size),
			text_number(stats->extents, pieces), stats->elapsed_ns < 10000000 ? 1 : 0,
			(double)stats->elapsed_ns / 1e6);
	else if (stats->resident_bytes > 0)
		fprintf(line, "all %s that it needs were in memory", text_bytes(stats->resident_bytes, size));
	else if (account->shadow == ACCOUNT_SHADOW_NONE)
		fputs("nothing is remembered of it yet", line);
	else
		fputs("nothing was prefetched", line);
	if (stats->bytes > 0 && account->prefetch.knows_waste)
		fprintf(line, ", %s used",
			text_share(stats->bytes - account->prefetch.wasted_bytes, stats->bytes, share));
	if (account->operands.bytes > 0)
		fprintf(line, ", %s of it of what it was given", text_bytes(account->operands.bytes, size));
	if (stats->unanswered_files > 0)
		fprintf(line, ", %s files did not answer", text_number(stats->unanswered_files, pieces));
	if (stats->stale_files > 0)
		fprintf(line, ", %s files have changed", text_number(stats->stale_files, pieces));
}

static void tell_launch(const struct account *account, FILE *line)
{
	uint64_t n_faults = account->launch.cost.major_faults;
	uint64_t n_first = account->launch.first_faults;
	char number[TEXT_NUMBER_SIZE];

	if (account->progress == ACCOUNT_UNSEEN)
		return;
	fprintf(line, "; %s %s waited for the disk", n_faults ? text_number(n_faults, number) : "no",
		n_faults == 1 ? "fault" : "faults");
	/* Of a first start that was warm there is nothing to tell. */
	if (n_first > n_faults)
		fprintf(line, " (%s at the first start)", text_number(n_first, number));
}

static void tell_record(const struct account *account, FILE *line)
{
	char size[TEXT_NUMBER_SIZE];
	char files[TEXT_NUMBER_SIZE];

	if (account->record.attach_error < 0 || account->record.choice.mode == POLICY_NONE)
		return;
	fprintf(line, "; recorded in %s: %s in %s files",
		account->record.choice.mode == POLICY_TRAIN ? "training" : "passing",
		text_bytes(account->record.n_pages * page_bytes(), size),
		text_number(account->record.n_files, files));
	if (*account_cut_name(account))
		fprintf(line, ", cut short after %.0f ms (%s)", account->record.cut_us / 1e3,
			account_cut_name(account));
}

static void tell_unreached(const struct account *account, FILE *line)
{
	char files[TEXT_NUMBER_SIZE];

	if (account->record.n_unreached == 0)
		return;
	fprintf(line, "; %s files were out of reach", text_number(account->record.n_unreached, files));
	for (size_t i = 0; i < account->record.n_unreached_mounts; i++) {
		cleanup_free char *mount = text_printable(account->record.unreached[i]);

		fprintf(line, "%s%s", i == 0 ? ": " : ", ", mount ? mount : "");
	}
}

char *verbose_line(const struct account *account, const char *program)
{
	cleanup_free char *name = text_printable(basename(program));
	char *text = NULL;
	size_t size = 0;
	FILE *line = open_memstream(&text, &size);

	if (!line)
		return NULL;
	fprintf(line, "pbrun: %s: ", name ? name : "");
	tell_prefetch(account, line);
	tell_launch(account, line);
	tell_record(account, line);
	tell_unreached(account, line);
	putc('\n', line);
	return memory_stream_close(line, &text) < 0 ? NULL : text;
}
