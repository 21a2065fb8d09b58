/* script.c - reads the first line of a script. */
#include "sys/script.h"

#include <string.h>
#include <sys/stat.h>

#include "sys/fileid.h"

bool script_read_interpreter(const char *path, char ret_interpreter[static SCRIPT_INTERPRETER_BYTES])
{
	struct stat st;
	cleanup_close int fd = fileid_open(path, &st);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret_interpreter, SCRIPT_INTERPRETER_BYTES - 1, 0);

	if (n < 3 || memcmp(ret_interpreter, "#!", 2) != 0)
		return false;
	ret_interpreter[n] = '\0';
	size_t skipped = 2 + strspn(ret_interpreter + 2, " \t");
	size_t length = strcspn(ret_interpreter + skipped, " \t\n");

	memmove(ret_interpreter, ret_interpreter + skipped, length);
	ret_interpreter[length] = '\0';
	return ret_interpreter[0] == '/';
}
