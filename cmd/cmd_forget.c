/* cmd_forget.c - --forget: removes what is remembered. */
#include <string.h>

#include "command.h"
#include "notice.h"
#include "output.h"
#include "store.h"

/* Of what every user is served nothing is removed by the way. */
static int complain_nothing_of_ones_own(const struct shadowdb *db, const char *program, const char *profile)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free char *path = NULL;

	if (shadowdb_load(db, program, profile, &shadow, &path) == 0)
		return complain("forget", path,
				"it is not in the own directory; name the one that it is in with --dir");
	return complain("forget", program, "nothing is recorded; pbrun --list shows what is");
}

static int forget(struct shadowdb *db, const char *program, const char *profile)
{
	cleanup_free char *path = NULL;
	const char *own_profile = "";

	if (resolve_or_complain("forget", program, &path, &own_profile) < 0)
		return 1;

	int n_removed = shadowdb_forget(db, path, profile);
	int n_notices = notice_remove(db, path, profile);

	if (n_removed < 0)
		return complain_error("forget", path, n_removed);
	if (n_removed == 0 && n_notices <= 0)
		return complain_nothing_of_ones_own(db, path, profile ? profile : own_profile);
	fputs("forgot ", stdout);
	print_name(stdout, path);
	putchar('\n');
	return 0;
}

static int forget_all(struct shadowdb *db, const struct arguments *arguments)
{
	const char *profile = arguments_value(arguments, OPTION_PROFILE);
	int status = 0;

	for (size_t i = 0; i < arguments->n_operands; i++)
		status |= forget(db, arguments->operands[i], profile);
	return status | finish_output("forget");
}

int cmd_forget(const struct arguments *arguments)
{
	return with_store(arguments, forget_all);
}
