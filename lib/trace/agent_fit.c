/* agent_fit.c - reads what a program needs to be loaded. */
#include "trace/agent_fit.h"

#include <string.h>
#include <sys/stat.h>

#include "sys/elfinfo_needs.h"
#include "sys/fileid.h"
#include "sys/script.h"

static int read_needs(const char *path, struct elfinfo_needs *needs)
{
	struct stat st;
	cleanup_close int fd = fileid_open(path, &st);

	return fd < 0 ? fd : elfinfo_read_needs(fd, needs);
}

static bool is_sanitizer(const char *name)
{
	static const char *const beginnings[] = { "libasan", "libhwasan", "liblsan",
						  "libtsan", "libubsan",  "libclang_rt" };

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static bool has_plain_libc(const struct elfinfo_needs *needs)
{
	bool has_libc = false;

	for (size_t i = 0; i < needs->n_names; i++) {
		if (is_sanitizer(needs->names[i]))
			return false;
		has_libc |= strcmp(needs->names[i], "libc.so.6") == 0;
	}
	return has_libc;
}

static bool fits(const char *path, const char *own_program)
{
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs own = { 0 };
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs needs = { 0 };

	if (read_needs(own_program, &own) < 0 || read_needs(path, &needs) < 0)
		return false;
	return own.interpreter && needs.interpreter && strcmp(own.interpreter, needs.interpreter) == 0 &&
	       has_plain_libc(&needs);
}

bool agent_fits(const char *path, const char *own_program)
{
	char names[2][SCRIPT_INTERPRETER_BYTES];
	const char *program = path;

	for (int depth = 0; depth < SCRIPT_MAX_INTERPRETERS; depth++) {
		if (!script_read_interpreter(program, names[depth % 2]))
			break;
		program = names[depth % 2];
	}
	return fits(program, own_program);
}
