/* Any bytes as /proc/PID/maps: nothing is read beyond them, and what is parsed is plausible. */
#include <limits.h>
#include <string.h>

#include "sys/procmaps.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just this size. */
	struct procmaps_text text = { .data = size > 0 ? malloc(size) : NULL, .size = size };
	struct procmaps_entry entry;

	if (size > 0 && !text.data)
		return 0;
	if (size > 0)
		memcpy(text.data, data, size);
	for (size_t offset = 0; procmaps_next(&text, &offset, &entry);) {
		char path[PATH_MAX], short_path[16] = "";

		MUST(offset <= size && entry.start < entry.end);
		MUST(entry.name >= text.data && entry.name + entry.name_size <= text.data + size);
		if (procmaps_name_to_path(&entry, path, sizeof(path)))
			MUST(path[0] == '/' && strlen(path) <= entry.name_size);
		if (procmaps_name_to_path(&entry, short_path, sizeof(short_path)))
			MUST(strcmp(path, short_path) == 0);
	}
	procmaps_text_release(&text);
	return 0;
}
