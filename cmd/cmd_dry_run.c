/* cmd_dry_run.c - --dry-run: what a start would prefetch and record, and why; nothing is started. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "common_part.h"
#include "directory.h"
#include "disk.h"
#include "embed.h"
#include "forecast.h"
#include "json_out.h"
#include "launch.h"
#include "operand_use.h"
#include "output.h"
#include "page_cache.h"
#include "readahead.h"
#include "settings.h"
#include "store.h"
#include "sys/loaded.h"
#include "sys/page.h"
#include "sys/traps.h"
#include "target.h"
#include "text.h"

struct dry_run {
	struct launch_options options;
	char *program;
	char *profile;
	struct shadow shadow;
	char *shadow_path;
	int error;             /* 0, or why there is no shadow that can be used */
	bool is_common;        /* shadow is what other profiles have in common */
	bool is_loaded;        /* the program is in memory: nothing is foretold of it */
	struct pageset wanted; /* of what the arguments name */
	struct state_account account;
	const struct mounts *mounts; /* while it looks; none if they cannot be read */
	enum storage storage;
	uint64_t n_pages;
	uint64_t n_files; /* with pages */
	uint64_t n_resident;
	uint64_t n_budget;
};

static void count_pages(struct dry_run *self, const struct pageset *files)
{
	for (size_t i = 0; i < files->n_files; i++) {
		if (files->files[i]->operand != PAGESET_NO_OPERAND)
			continue;
		self->n_pages += pageset_file_pages(files->files[i]);
		self->n_files += files->files[i]->n_extents > 0;
		if (!traps_on_way(self->mounts, files->files[i]->path))
			self->n_resident += page_cache_count(files->files[i]);
	}
}

/* As a start does it (observer_operands.c), but for as long as it takes. */
static void find_operands(struct dry_run *self, char *const argv[], const struct config *config)
{
	cleanup_free char *directory = getcwd(NULL, 0);
	cleanup_with(operands_release) struct operands operands = { 0 };
	cleanup_with(operand_targets_release) struct operand_targets targets = { 0 };
	int r = operands_list(argv, directory, self->profile, &operands);

	if (r == 0)
		r = operands_add_input(&operands);
	for (size_t i = 0; i < operands.n && r == 0; i++) {
		char path[PATH_MAX];

		if (operands_path(&operands, &operands.items[i], path))
			r = operand_targets_add(&targets, path, operands.items[i].code,
						traps_on_way(self->mounts, path) ? OPERAND_LOOK_AT_NOTHING
										 : OPERAND_LOOK_AND_WAIT);
	}
	operand_targets_sort(&targets);
	if (r == 0)
		r = operand_use_select(&targets, &self->shadow.files, &config->excluded, &self->wanted);
	if (r < 0)
		(void)complain_error("dry-run", self->program, r);
}

static struct forecast forecast(const struct dry_run *self)
{
	return forecast_of(self->options.mode, self->error ? NULL : &self->shadow, self->account.state);
}

static uint64_t pages_to_read(const struct dry_run *self)
{
	uint64_t n_missing = self->n_pages - self->n_resident;

	if (!self->options.prefetches || self->options.is_disabled)
		return 0;
	return n_missing < self->n_budget ? n_missing : self->n_budget;
}

/* To be freed. */
static char *prefetch_text(const struct dry_run *self)
{
	static const char *const orders[] = {
		[STORAGE_SOLID_STATE] = "in the order of use",
		[STORAGE_ROTATING] = "in the order of the disk",
		[STORAGE_PACKED] = "in the order in which they are packed",
		[STORAGE_SLOW] = "in few requests, as the storage is slow",
	};
	const char *whose = self->is_common ? " that other profiles have in common" : "";
	uint64_t n_missing = self->n_pages - self->n_resident;
	char missing[TEXT_NUMBER_SIZE];
	char all[TEXT_NUMBER_SIZE];
	char files[TEXT_NUMBER_SIZE];
	char *text = NULL;
	int r;

	if (self->options.is_disabled)
		return strdup("nothing: PBRUN_DISABLE is set");
	if (!self->options.prefetches)
		return strdup("nothing: --no-prefetch");
	if (self->error && !self->is_common)
		return strdup(self->is_loaded
				      ? "nothing: it is in memory, and nothing is remembered that can be used"
				      : "what its own file and the records of other programs foretell");
	text_bytes(self->n_pages * page_bytes(), all);
	if (n_missing == 0)
		r = asprintf(&text, "nothing: all %s%s are in memory", all,
			     self->is_common ? whose : " that are remembered");
	else if (n_missing > self->n_budget)
		r = asprintf(&text, "%s of %s%s, %s, what is used first; there is no memory for more",
			     text_bytes(self->n_budget * page_bytes(), missing), all, whose,
			     orders[self->storage]);
	else
		r = asprintf(&text, "%s of %s%s in %s files, %s; the rest is in memory",
			     text_bytes(n_missing * page_bytes(), missing), all, whose,
			     text_number(self->n_files, files), orders[self->storage]);
	return r < 0 ? NULL : text;
}

static void print_field(const char *label, char *words, const struct terminal *terminal)
{
	text_print_field(label, words, terminal);
	free(words);
}

static void print_as_text(const struct dry_run *self)
{
	struct terminal terminal = terminal_look();
	struct forecast recording = forecast(self);
	char *record = NULL;

	print_name(stdout, self->program);
	putchar('\n');
	if (*self->profile)
		print_field("profile", text_printable(self->profile), &terminal);
	if (self->shadow_path)
		print_field("shadow", text_printable(self->shadow_path), &terminal);
	else if (!self->error)
		text_print_field("shadow", "embedded in the program", &terminal);
	if (self->error)
		text_print_field("state",
				 self->error == -ENOENT ? "nothing is remembered yet"
							: shadow_error_text(self->error),
				 &terminal);
	else
		print_field("state", state_text(&self->account), &terminal);
	print_field("prefetch", prefetch_text(self), &terminal);
	if (self->options.is_disabled)
		record = strdup("nothing: PBRUN_DISABLE is set");
	else if (!self->options.dir)
		record = strdup("nothing: there is no directory for it");
	else
		record = forecast_text(&recording);
	print_field("the start", record, &terminal);
}

static void print_as_json(const struct dry_run *self)
{
	struct json_out json = { .stream = stdout };
	struct forecast recording = forecast(self);
	bool is_recorded = self->options.dir && !self->options.is_disabled;
	cleanup_free char *why = prefetch_text(self);

	json_out_begin(&json, NULL, '{');
	json_out_number(&json, "format", 1);
	json_out_text(&json, "program", self->program);
	json_out_text(&json, "profile", self->profile);
	json_out_text(&json, "shadow", self->error ? "none" : state_name(self->account.state));
	json_out_text(&json, "shadow_file", self->shadow_path);
	json_out_begin(&json, "prefetch", '{');
	json_out_number(&json, "files", self->n_files);
	json_out_number(&json, "remembered_bytes", self->n_pages * page_bytes());
	json_out_number(&json, "resident_bytes", self->n_resident * page_bytes());
	json_out_number(&json, "bytes", pages_to_read(self) * page_bytes());
	json_out_text(&json, "reason", why);
	json_out_end(&json, '}');
	json_out_begin(&json, "record", '{');
	json_out_number(&json, "train_percent", is_recorded ? recording.train_percent : 0);
	json_out_number(&json, "sample_percent", is_recorded ? recording.sample_percent : 0);
	json_out_text(&json, "reason",
		      is_recorded ? recording.reason : "it is turned off, or has no directory");
	json_out_end(&json, '}');
	json_out_end(&json, '}');
	json_out_finish(&json);
}

static int look(struct dry_run *self, char *const argv[], const struct config *config)
{
	cleanup_with(mounts_release) struct mounts mounts = { 0 };
	struct shadowdb db = { 0 };
	struct warnings warnings = { 0 };
	int r = directory_open(&db, self->options.dir, &warnings);
	bool has_mounts = mounts_read(&mounts) == 0;

	self->mounts = &mounts;
	warnings_finish(&warnings);
	if (r < 0)
		complain_error("dry-run", self->options.dir, r);
	db.excluded = &config->excluded;
	shadowdb_await_announced(&db);
	self->error = shadowdb_load(&db, self->program, self->profile, &self->shadow, &self->shadow_path);
	/* Before anybody reads its headers; not without need, since to ask may begin to read. */
	if (self->error)
		self->is_loaded = loaded_is_resident(self->program);
	if (self->error == -ENOENT)
		self->error = embed_load(self->program, self->profile, &config->excluded, &self->shadow);
	if (self->error)
		self->is_common = common_part_load(&db, self->program, self->profile, &self->shadow) == 0;
	shadowdb_release(&db);
	if (self->error == 0)
		self->account = state_of(&self->shadow);
	find_operands(self, argv, config);
	count_pages(self, &self->shadow.files);
	count_pages(self, &self->wanted);
	if (has_mounts)
		self->storage = disk_of(&mounts, self->program).storage;
	self->n_budget = readahead_budget_pages();
	return r < 0;
}

int cmd_dry_run(const struct arguments *arguments)
{
	cleanup_free char *why_no_dir = NULL;
	cleanup_free char *directory = store_directory(arguments, &why_no_dir);
	struct dry_run self = { .options = launch_options_of(arguments) };
	const char *name = arguments->operands[0];
	cleanup_free char *file = NULL;
	cleanup_with(config_release) struct config config = { 0 };
	cleanup_free char *own_settings = NULL;
	struct warnings warnings = { 0 };
	int r = target_find(name, &file, &self.program);

	if (r == 0 && !directory && !why_no_dir)
		r = -ENOMEM;
	if (r < 0)
		return complain_program("dry-run", name, r);
	self.options.dir = directory;
	self.profile = self.options.profile ? strdup(self.options.profile)
					    : target_profile(arguments->operands, self.program);
	if (!self.profile)
		return complain_error("dry-run", name, -ENOMEM);
	r = settings_given(arguments, &config);
	if (r == 0)
		r = settings_read_system(&config, &warnings);
	if (r == 0)
		r = settings_own_path(&own_settings);
	if (r == 0 && own_settings)
		r = settings_read_own(&config, own_settings, &warnings);
	warnings_finish(&warnings);
	if (r < 0)
		return complain_error("dry-run", name, r);
	int status = look(&self, arguments->operands, &config);

	if (arguments_has(arguments, OPTION_JSON))
		print_as_json(&self);
	else
		print_as_text(&self);
	pageset_release(&self.wanted);
	shadow_release(&self.shadow);
	free(self.shadow_path);
	free(self.profile);
	free(self.program);
	return status | finish_output("dry-run");
}
