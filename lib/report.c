/* report.c - writes launches, shadows and listings as JSON through jansson. */
#include "report.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>

/*
 * Objects and arrays are built by put() and append(). Whatever fails frees the whole and makes it NULL,
 * on which the calls that follow do nothing: each builder is looked at once, at its end.
 */
static void put(json_t **object, const char *key, json_t *value)
{
	if (json_object_set_new(*object, key, value) < 0) {
		json_decref(*object);
		*object = NULL;
	}
}

static void append(json_t **array, json_t *value)
{
	if (json_array_append_new(*array, value) < 0) {
		json_decref(*array);
		*array = NULL;
	}
}

/* JSON's numbers end at 2^63 - 1 in jansson; a shadow file may claim more. */
static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* To the microsecond: what is finer only makes the text longer. */
static json_t *milliseconds(uint64_t ns)
{
	uint64_t us = ns / 1000;

	return json_real((double)us / 1000.0);
}

/* The length of the character that text begins with, or 0 if it is not UTF-8. */
static size_t character_size(const char *text, size_t size)
{
	for (size_t n = 1; n <= 4 && n <= size; n++) {
		json_t *character = json_stringn(text, n);

		json_decref(character);
		if (character)
			return n;
	}
	return 0;
}

static json_t *repaired_string(const char *text)
{
	static const char replacement[3] = { '\xef', '\xbf', '\xbd' };
	size_t size = strlen(text);
	cleanup_free char *repaired = malloc(size * sizeof(replacement) + 1);
	char *end = repaired;

	if (!repaired)
		return NULL;
	for (size_t i = 0; i < size;) {
		size_t n = character_size(text + i, size - i);

		end = n ? mempcpy(end, text + i, n) : mempcpy(end, replacement, sizeof(replacement));
		i += n ? n : 1;
	}
	return json_stringn(repaired, (size_t)(end - repaired));
}

static json_t *hex_string(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = strlen(text);
	cleanup_free char *hex = malloc(2 * size + 1);

	if (!hex)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		hex[2 * i] = digits[(unsigned char)text[i] >> 4];
		hex[2 * i + 1] = digits[(unsigned char)text[i] & 0xf];
	}
	return json_stringn(hex, 2 * size);
}

/* text under key; if it is not UTF-8, its bytes under key_hex too. */
static void put_text(json_t **object, const char *key, const char *key_hex, const char *text)
{
	json_t *valid = json_string(text);
	json_t *repaired = valid ? NULL : repaired_string(text);

	if (valid) {
		put(object, key, valid);
		return;
	}
	/* Nothing needed repair: there was no memory. */
	if (repaired && strcmp(json_string_value(repaired), text) == 0) {
		json_decref(repaired);
		repaired = NULL;
	}
	put(object, key, repaired);
	put(object, key_hex, hex_string(text));
}

/* Takes value over. */
static int format(json_t *value, char **ret_json)
{
	/* 15 digits: every decimal number of so many survives the way through a double. */
	const size_t flags = JSON_REAL_PRECISION(15);
	/* Not json_dumps(): it leaves out keys for which it has no memory, and tells nobody. */
	size_t size = json_dumpb(value, NULL, 0, flags);
	char *line = size > 0 ? malloc(size + 2) : NULL;

	if (!line || json_dumpb(value, line, size, flags) != size) {
		free(line);
		json_decref(value);
		return -ENOMEM;
	}
	json_decref(value);
	strcpy(line + size, "\n");
	*ret_json = line;
	return 0;
}

static json_t *prefetch_object(const struct account *account)
{
	const struct readahead_stats *stats = &account->prefetch.stats;
	json_t *object = json_object();

	put(&object, "files", number(stats->files));
	put(&object, "extents", number(stats->extents));
	put(&object, "bytes", number(stats->bytes));
	put(&object, "resident_bytes", number(stats->resident_bytes));
	if (account->prefetch.knows_waste) {
		put(&object, "used_bytes", number(stats->bytes - account->prefetch.wasted_bytes));
		put(&object, "wasted_bytes", number(account->prefetch.wasted_bytes));
	}
	put(&object, "skipped_files", number(stats->skipped_files));
	put(&object, "unanswered_files", number(stats->unanswered_files));
	put(&object, "stale_files", number(stats->stale_files));
	put(&object, "elapsed_ms", milliseconds(stats->elapsed_ns));
	put(&object, "head_start_ms", milliseconds(account->prefetch.head_start_ns));
	put(&object, "operand_files", number(account->operands.files));
	put(&object, "operand_bytes", number(account->operands.bytes));
	put(&object, "operand_resident_bytes", number(account->operands.resident_bytes));
	put(&object, "predicted_files", number(account->predicted.files));
	put(&object, "predicted_bytes", number(account->predicted.bytes));
	put(&object, "predicted_resident_bytes", number(account->predicted.resident_bytes));
	return object;
}

static json_t *unreached_array(const struct account *account)
{
	json_t *array = json_array();

	for (size_t i = 0; i < account->record.n_unreached_mounts; i++)
		append(&array, repaired_string(account->record.unreached[i]));
	return array;
}

static json_t *record_object(const struct account *account)
{
	static const char *const way_names[] = {
		[ACCOUNT_TRACED] = "tracing", [ACCOUNT_OUTSIDE] = "looking", [ACCOUNT_AGENT] = "agent"
	};
	json_t *object = json_object();

	put(&object, "mode", json_string(policy_mode_name(account->record.choice.mode)));
	if (account->record.choice.reason)
		put(&object, "reason", json_string(account->record.choice.reason));
	if (account->record.choice.mode != POLICY_NONE)
		put(&object, "recorded_by", json_string(way_names[account->record.way]));
	put(&object, "exact", json_boolean(account->record.is_exact));
	if (*account_cut_name(account)) {
		put(&object, "cut", json_string(account_cut_name(account)));
		put(&object, "cut_ms", milliseconds(account->record.cut_us * UINT64_C(1000)));
	}
	put(&object, "files", number(account->record.n_files));
	put(&object, "pages", number(account->record.n_pages));
	put(&object, "unreached_files", number(account->record.n_unreached));
	put(&object, "unreached", unreached_array(account));
	return object;
}

static json_t *launch_object(const struct account *account)
{
	int status = account->launch.wait_status;
	json_t *object = json_object();

	put(&object, "elapsed_ms", milliseconds(account->launch.elapsed_ns));
	put(&object, "major_faults", number(account->launch.cost.major_faults));
	if (account->launch.first_faults > 0)
		put(&object, "first_major_faults", number(account->launch.first_faults));
	put(&object, "read_bytes", number(account->launch.cost.read_bytes));
	if (account->progress != ACCOUNT_ENDED || status == ACCOUNT_STATUS_UNKNOWN)
		return object;
	if (WIFSIGNALED(status))
		put(&object, "exit_signal", json_integer(WTERMSIG(status)));
	else
		put(&object, "exit_status", json_integer(WEXITSTATUS(status)));
	return object;
}

static json_t *warning_array(const struct report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->n_warnings; i++)
		append(&array, repaired_string(report->warnings[i]));
	return array;
}

int report_format_launch(const struct report *report, char **ret_json)
{
	static const char *const shadow_names[] = {
		[ACCOUNT_SHADOW_NONE] = "none",
		[ACCOUNT_SHADOW_FRESH] = "fresh",
		[ACCOUNT_SHADOW_STALE] = "stale",
	};
	json_t *object = json_object();

	put_text(&object, "program", "program_hex", report->program);
	put_text(&object, "profile", "profile_hex", report->profile);
	put(&object, "shadow", json_string(shadow_names[report->account->shadow]));
	put(&object, "prefetch", prefetch_object(report->account));
	put(&object, "record", record_object(report->account));
	put(&object, "launch", launch_object(report->account));
	put(&object, "warnings", warning_array(report));
	return format(object, ret_json);
}

static json_t *access_array(const struct pageset_file *file)
{
	static const char *const names[] = { "mapped", "read", "opened", "stated", "listed", "missing" };
	json_t *array = json_array();

	static_assert(PAGESET_MAPPED == 1 && PAGESET_MISSING == 1 << 5, "names are in the order of the bits");
	for (size_t bit = 0; bit < sizeof(names) / sizeof(*names); bit++)
		if (file->access & (1u << bit))
			append(&array, json_string(names[bit]));
	return array;
}

static json_t *extent_array(const struct pageset_file *file)
{
	json_t *array = json_array();

	for (size_t i = 0; i < file->n_extents; i++) {
		json_t *pair = json_array();

		append(&pair, number(file->extents[i].first_page));
		append(&pair, number(file->extents[i].n_pages));
		append(&array, pair);
	}
	return array;
}

/* Of each extent, in the order of extent_array(). */
static json_t *first_use_array(const struct pageset_file *file)
{
	json_t *array = json_array();

	for (size_t i = 0; i < file->n_extents; i++)
		append(&array, milliseconds(UINT64_C(1000) * file->extents[i].first_use_us));
	return array;
}

static json_t *file_object(const struct pageset_file *file)
{
	json_t *object = json_object();

	put_text(&object, "path", "path_hex", file->path);
	put(&object, "size", number(file->id.size_bytes));
	put(&object, "kind", json_string(pageset_file_kind(file)));
	put(&object, "access", access_array(file));
	put(&object, "exact", json_boolean(file->exact));
	put(&object, "operand", json_boolean(file->operand != PAGESET_NO_OPERAND));
	put(&object, "age", number(file->age));
	put(&object, "first_use_ms", milliseconds(UINT64_C(1000) * file->first_use_us));
	put(&object, "extents", extent_array(file));
	put(&object, "extents_first_use_ms", first_use_array(file));
	return object;
}

static json_t *file_array(const struct pageset *files)
{
	json_t *array = json_array();

	for (size_t i = 0; i < files->n_files; i++)
		append(&array, file_object(files->files[i]));
	return array;
}

static json_t *start_object(const struct history_start *start)
{
	json_t *object = json_object();

	put(&object, "recorded", json_integer(start->time_s));
	put(&object, "replayed", json_boolean(start->flags & HISTORY_REPLAYED));
	put(&object, "prefetched_bytes", number(start->prefetched_bytes));
	if (start->flags & HISTORY_KNOWS_WASTE)
		put(&object, "wasted_bytes", number(start->wasted_bytes));
	if (start->flags & HISTORY_KNOWS_MISSED)
		put(&object, "missed_bytes", number(start->missed_bytes));
	put(&object, "major_faults", number(start->faults));
	return object;
}

static void put_history(json_t **object, const struct history *history)
{
	struct history_sum sum = history_sum(history);
	json_t *starts = json_array();

	for (size_t i = 0; i < history->n_starts; i++)
		append(&starts, start_object(&history->starts[i]));
	if (history->first_faults > 0)
		put(object, "first_major_faults", number(history->first_faults));
	if (sum.used_bytes > 0 || sum.missed_bytes > 0)
		put(object, "saved_share",
		    json_real((double)sum.used_bytes / ((double)sum.used_bytes + (double)sum.missed_bytes)));
	put(object, "starts", starts);
}

/* What the head of a shadow file says. */
static void put_head(json_t **object, const struct shadow *head)
{
	const struct shadow_stats *stats = &head->stats;

	put_text(object, "program", "program_hex", head->program);
	put_text(object, "profile", "profile_hex", head->profile);
	put(object, "page_size", number(head->page_size));
	put(object, "runs", number(stats->runs));
	put(object, "trained_runs", number(stats->trained_runs));
	put(object, "stable_runs", number(stats->stable_runs));
	put(object, "updated", json_integer(stats->updated_s));
	put(object, "needs_training", json_boolean(head->flags & SHADOW_NEEDS_TRAINING));
	put(object, "training_was_cut", json_boolean(head->flags & SHADOW_TRAINING_WAS_CUT));
	put(object, "do_not_trace", json_boolean(head->flags & SHADOW_DO_NOT_TRACE));
	put(object, "prefetched_bytes", number(stats->prefetched_bytes));
	put(object, "wasted_bytes", number(stats->wasted_bytes));
	put(object, "missed_bytes", number(stats->missed_bytes));
	put_history(object, &head->history);
}

int report_format_shadow(const struct shadow *shadow, const char *shadow_path, char **ret_json)
{
	json_t *object = json_object();

	put(&object, "format", number(SHADOW_FORMAT));
	put_head(&object, shadow);
	if (shadow_path)
		put_text(&object, "shadow_file", "shadow_file_hex", shadow_path);
	put(&object, "exact", json_boolean(shadow_is_exact(shadow)));
	put(&object, "files", file_array(&shadow->files));
	return format(object, ret_json);
}

struct report_list {
	json_t *shadows; /* arrays; NULL: out of memory */
	json_t *notices;
};

struct report_list *report_list_new(void)
{
	struct report_list *self = malloc(sizeof(*self));

	if (self)
		*self = (struct report_list){ .shadows = json_array(), .notices = json_array() };
	return self;
}

void report_list_free(struct report_list *self)
{
	if (self) {
		json_decref(self->shadows);
		json_decref(self->notices);
	}
	free(self);
}

int report_list_add(struct report_list *self, const struct shadowdb_entry *entry, const char *state,
		    const char *state_text)
{
	json_t *object = json_object();
	char *path;

	if (entry->error) {
		put(&object, "error", json_string(strerrorname_np(-entry->error)));
	} else {
		put_head(&object, entry->head);
		put(&object, "files", number(entry->n_files));
		put(&object, "pages", number(entry->n_pages));
	}
	put(&object, "state", json_string(state));
	put(&object, "state_text", json_string(state_text));
	put(&object, "shadow_bytes", number(entry->size_bytes));
	if (asprintf(&path, "%s/%s", entry->directory, entry->file_name) >= 0) {
		put_text(&object, "shadow_file", "shadow_file_hex", path);
		free(path);
	} else {
		put(&object, "shadow_file", NULL);
	}
	append(&self->shadows, object);
	return self->shadows ? 0 : -ENOMEM;
}

int report_list_add_notice(struct report_list *self, const struct notice *notice)
{
	json_t *object = json_object();

	put_text(&object, "program", "program_hex", notice->program);
	put_text(&object, "text", "text_hex", notice->text);
	append(&self->notices, object);
	return self->notices ? 0 : -ENOMEM;
}

int report_list_format(const struct report_list *self, char **ret_json)
{
	json_t *object = json_object();

	put(&object, "format", number(SHADOW_FORMAT));
	put(&object, "shadows", json_incref(self->shadows));
	put(&object, "notices", json_incref(self->notices));
	return format(object, ret_json);
}
