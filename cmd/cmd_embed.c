/* cmd_embed.c - --embed, --embedded, --unembed: a record inside the program's own ELF file. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "embed.h"
#include "output.h"
#include "record_file.h"
#include "replace.h"
#include "report.h"
#include "store.h"

static const char *obstacle_text(enum embed_obstacle obstacle)
{
	switch (obstacle) {
	case EMBED_NOT_REGULAR:
		return "not a regular file";
	case EMBED_PRIVILEGED:
		return "it runs with privileges (set-user-ID, set-group-ID or file capabilities), and is not "
		       "rewritten; export its record instead";
	case EMBED_SIGNED:
		return "it is signed (security.ima or security.evm), and the signature would not hold any "
		       "more; export its record instead";
	case EMBED_HARD_LINKED:
		return "it has other names (hard links), which would stay as they are; write a new file with "
		       "--output";
	case EMBED_NO_OBSTACLE:
		break;
	}
	return "";
}

/* NULL: not an error of embed.h alone. */
static const char *embed_error_text(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "not an ELF file, or a malformed one; name a program or library";
	case -ENOTSUP:
		return "it has no section headers (sstrip), or too many: there is no place for one more; "
		       "export its record instead";
	case -EFBIG:
		return "it carries data behind its ELF part, which a longer file would hide from it; "
		       "export its record instead";
	case -ENOENT:
		return "no record is embedded in it; pbrun --embed embeds one";
	case -ESTALE:
		return "it was laid out anew since the record was embedded; objcopy "
		       "--remove-section " EMBED_SECTION " removes that";
	case -EBADE:
		return "the copy is not the same byte for byte; nothing was changed; "
		       "this is a fault of pbrun, please report it";
	case -EBADMSG:
		return "the record in it is damaged; objcopy --remove-section " EMBED_SECTION " removes it";
	case -EPROTONOSUPPORT:
		return "the record in it was written by a newer pbrun; use that one";
	default:
		return NULL;
	}
}

static int complain_embed(const char *what, const char *path, int error)
{
	const char *why = embed_error_text(error);

	return why ? complain(what, path, why) : complain_file(what, path, error);
}

/* The file of the program, to be closed. After a complaint -1. */
static int open_program(const char *what, const char *path, const char *output)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		complain_file(what, path, -errno);
		return -1;
	}
	enum embed_obstacle obstacle = embed_find_obstacle(fd);

	if (obstacle == EMBED_NO_OBSTACLE || (obstacle == EMBED_HARD_LINKED && output))
		return take_fd(fd);
	complain(what, path, obstacle_text(obstacle));
	return -1;
}

/* Writes the program at fd, with portable or, if that is NULL, without a record, over itself or to output. */
static int rewrite(const char *what, const struct arguments *arguments, int fd, const char *program,
		   struct portable *portable)
{
	cleanup_with(replacement_release) struct replacement file = { .fd = -1 };
	const char *output = arguments_value(arguments, OPTION_OUTPUT);
	enum replacement_times times =
		arguments_has(arguments, OPTION_KEEP_TIMES) ? REPLACEMENT_KEEP_TIMES : REPLACEMENT_NEW_TIMES;
	const char *path = output ? output : program;
	int r = replacement_begin(&file, path);

	if (r < 0)
		return complain_file(what, path, r);
	r = portable ? embed_write(fd, file.fd, portable) : embed_remove(fd, file.fd);
	if (r < 0)
		return complain_embed(what, program, r);
	r = replacement_take_after(&file, fd, times);
	if (r == 0)
		r = replacement_commit(&file);
	return r < 0 ? complain_file(what, path, r) : 0;
}

/* The path of the program that is the first operand, and a descriptor of its file. 0, or the exit status
 * after a complaint. */
static int find_program(const char *what, const struct arguments *arguments, char **ret_path, int *ret_fd)
{
	cleanup_free char *path = NULL;
	const char *profile = NULL;

	if (resolve_or_complain(what, arguments->operands[0], &path, &profile) < 0)
		return 1;
	*ret_fd = open_program(what, path, arguments_value(arguments, OPTION_OUTPUT));
	if (*ret_fd < 0)
		return 1;
	*ret_path = take_pointer(path);
	return 0;
}

static int embed(struct shadowdb *db, const struct arguments *arguments)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_free char *program = NULL;
	cleanup_close int fd = -1;
	struct exchange_count count;

	if (find_program("embed", arguments, &program, &fd) != 0 ||
	    load_or_complain("embed", db, arguments, &shadow) != 0)
		return 1;
	int r = exchange_pack(&shadow, &tell_left_out, &portable, &count);

	if (r < 0)
		return complain_file("embed", program, r);
	if (rewrite("embed", arguments, fd, program, &portable) != 0)
		return 1;
	tell_count(&count);
	return 0;
}

int cmd_embed(const struct arguments *arguments)
{
	return with_store(arguments, embed);
}

int cmd_unembed(const struct arguments *arguments)
{
	cleanup_free char *program = NULL;
	cleanup_close int fd = -1;

	if (find_program("unembed", arguments, &program, &fd) != 0)
		return 1;
	return rewrite("unembed", arguments, fd, program, NULL);
}

static void print_record(const struct shadow *shadow)
{
	uint64_t n_pages = pageset_count_pages(&shadow->files);

	printf("%.1f MiB, %" PRIu64 " pages in %zu files, %" PRIu32 " runs\n",
	       mebibytes(n_pages * shadow->page_size), n_pages, shadow->files.n_files, shadow->stats.runs);
	for (size_t i = 0; i < shadow->files.n_files; i++) {
		const struct pageset_file *file = shadow->files.files[i];

		printf("%8" PRIu64 "  ", pageset_file_pages(file));
		print_name(stdout, file->path);
		putchar('\n');
	}
}

int cmd_embedded(const struct arguments *arguments)
{
	const char *path = arguments->operands[0];
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return complain_file("embedded", path, -errno);
	cleanup_free char *program = realpath(path, NULL);

	if (!program)
		return complain_file("embedded", path, -errno);
	cleanup_free char *text = NULL;
	int r = embed_read(fd, program, &portable);

	if (r < 0)
		return complain_embed("embedded", path, r);
	if (!arguments_has(arguments, OPTION_JSON))
		print_record(&portable.shadow);
	else if ((r = report_format_shadow(&portable.shadow, program, &text)) < 0)
		return complain_file("embedded", path, r);
	else
		fputs(text, stdout);
	return finish_output("embedded");
}
