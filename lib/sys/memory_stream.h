/* memory_stream.h - the end of a stream of open_memstream(3), which has its text in memory. */
#ifndef PBRUN_MEMORY_STREAM_H
#define PBRUN_MEMORY_STREAM_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/cleanup.h"

/*
 * Closes the stream. 0: all that was written is in *text, to be freed by the caller; -ENOMEM: it is not, and
 * *text is NULL. Of a text that fclose(3) has no memory to end, glibc tells nobody: *text is NULL then.
 */
must_check static inline int memory_stream_close(FILE *stream, char **text)
{
	bool has_failed = ferror(stream);

	if (fclose(stream) == 0 && !has_failed && *text)
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}

#endif
