/* cmd_export.c - --export, --import, --merge: records that travel. */
#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "record_file.h"
#include "store.h"
#include "sys/memory_stream.h"

static int print_ranges(const struct shadow *shadow, const char *path)
{
	cleanup_free struct exchange_range *ranges = NULL;
	cleanup_free char *text = NULL;
	size_t n_ranges = 0;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int r = out ? exchange_ranges(shadow, &ranges, &n_ranges) : -errno;

	/* A name with a newline would be two lines. */
	for (size_t i = 0; r == 0 && i < n_ranges; i++)
		if (!strchr(ranges[i].path, '\n'))
			fprintf(out, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\t%s\n", ranges[i].offset_bytes,
				ranges[i].length_bytes, ranges[i].first_use_us, ranges[i].path);
	if (out && memory_stream_close(out, &text) < 0)
		r = -ENOMEM;
	if (r < 0)
		return complain_error("export", shadow->program, r);
	if (path)
		return write_record_file("export", path, text, size);
	fputs(text, stdout);
	return finish_output("export");
}

static int write_record(struct shadow *shadow, const char *path)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_free void *data = NULL;
	struct exchange_count count;
	size_t size = 0;
	int r = exchange_pack(shadow, &tell_left_out, &portable, &count);

	if (r == 0)
		r = portable_encode(&portable, &data, &size);
	if (r < 0)
		return complain_error("export", NULL, r);
	tell_count(&count);
	return write_record_file("export", path, data, size);
}

static int take_over(struct shadow *shadow, void *context)
{
	struct shadow *from = context;
	struct shadow before = *shadow;

	*shadow = *from;
	*from = before;
	return 0;
}

static int put_into(struct shadow *shadow, const char *directory)
{
	enum { LOCK_TIMEOUT_MS = 10000 };
	cleanup_free char *program = strdup(shadow->program);
	cleanup_free char *profile = strdup(shadow->profile);
	cleanup_with(shadowdb_release) struct shadowdb db;
	/* A system's directory of its own: nothing gets into it that not every user may know. */
	int r = shadowdb_open(&db, directory, directory);

	if (r == 0 && (!program || !profile))
		r = -ENOMEM;
	if (r == 0)
		r = shadowdb_update(&db, program, profile, LOCK_TIMEOUT_MS, NULL, take_over, shadow);
	shadowdb_remove_lock_file(&db);
	return r;
}

/* As a package ships it, in a directory that everybody may read. */
static int write_shadow(struct shadow *shadow, const char *directory)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct exchange_count count;
	char name[NAME_MAX + 1];

	shadowdb_name(shadow->program, shadow->profile, name);
	int r = exchange_pack(shadow, &tell_left_out, &portable, &count);

	if (r == 0)
		r = put_into(&portable.shadow, directory);
	if (r == -EACCES)
		return complain("export", directory,
				"it cannot be written to, or not every user may read the program, which then "
				"cannot be shipped (look at the modes of both)");
	if (r < 0)
		return complain_error("export", directory, r);
	tell_count(&count);
	print_name(stdout, directory);
	printf("/%s\n", name);
	return finish_output("export");
}

static int export(struct shadowdb *db, const struct arguments *arguments)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	const char *format = arguments_value(arguments, OPTION_FORMAT);
	const char *path = arguments->n_operands > 1 ? arguments->operands[1] : NULL;

	bool is_ranges = format && strcmp(format, "ranges") == 0;
	bool is_shadow = format && strcmp(format, "shadow") == 0;

	if (format && !is_ranges && !is_shadow && strcmp(format, "record") != 0)
		wrong_use("--format '%s' is neither record, ranges nor shadow", format);
	if (is_shadow && !path)
		wrong_use("--format shadow needs the directory to write to");
	if (load_or_complain("export", db, arguments, &shadow) != 0)
		return 1;
	if (is_shadow)
		return write_shadow(&shadow, path);
	return is_ranges ? print_ranges(&shadow, path) : write_record(&shadow, path);
}

int cmd_export(const struct arguments *arguments)
{
	return with_store(arguments, export);
}

static int add_record(struct shadow *shadow, void *context)
{
	return exchange_merge(shadow, context);
}

static int import_one(struct shadowdb *db, const char *path)
{
	enum { LOCK_TIMEOUT_MS = 10000 };
	cleanup_with(portable_release) struct portable portable = { 0 };
	const struct shadow *shadow = &portable.shadow;
	struct exchange_count count;

	if (read_record_file("import", path, &portable) != 0)
		return 1;
	int r = exchange_unpack(&portable, &tell_left_out, &count);

	if (r == 0 && count.n_files == 0)
		return complain("import", path,
				"none of its files is here as it was recorded; import it where the same "
				"versions are installed");
	if (r < 0)
		return complain_error("import", path, r);
	r = shadowdb_update(db, shadow->program, shadow->profile, LOCK_TIMEOUT_MS, NULL, add_record,
			    &portable.shadow);
	if (r < 0)
		return complain_error("import", db->path, r);
	fputs("imported ", stdout);
	print_name(stdout, shadow->program);
	putchar('\n');
	tell_count(&count);
	return 0;
}

static int import(struct shadowdb *db, const struct arguments *arguments)
{
	int status = 0;

	if (!db->path)
		return complain("import", NULL,
				"there is no directory for recordings (set PBRUN_DIR or HOME)");
	for (size_t i = 0; i < arguments->n_operands; i++)
		status |= import_one(db, arguments->operands[i]);
	return status | finish_output("import");
}

int cmd_import(const struct arguments *arguments)
{
	return with_store(arguments, import);
}

/* Adds the record at path to that in self. Returns the exit status. */
static int merge_one(struct portable *self, const char *path)
{
	cleanup_with(portable_release) struct portable other = { 0 };

	if (read_record_file("merge", path, &other) != 0)
		return 1;
	if (strcmp(self->shadow.program, other.shadow.program) != 0 ||
	    strcmp(self->shadow.profile, other.shadow.profile) != 0)
		return complain("merge", path,
				"of another program or profile than the first record; merge those of one "
				"program");
	int r = exchange_merge_portable(self, &other);

	return r < 0 ? complain_error("merge", path, r) : 0;
}

int cmd_merge(const struct arguments *arguments)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_free void *data = NULL;
	size_t size = 0;

	if (read_record_file("merge", arguments->operands[0], &portable) != 0)
		return 1;
	for (size_t i = 1; i < arguments->n_operands; i++)
		if (merge_one(&portable, arguments->operands[i]) != 0)
			return 1;
	int r = portable_encode(&portable, &data, &size);

	if (r < 0)
		return complain_error("merge", NULL, r);
	return write_record_file("merge", arguments_value(arguments, OPTION_OUTPUT), data, size);
}
