/* fuzz_agent_log.c - any bytes as what an agent wrote: records are within them, and come to an end. */
#include <string.h>

#include "trace/agent_log.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just this size. */
	struct agent_log log = { .area = malloc(size > 0 ? size : 1),
				 .size = size,
				 .offset = sizeof(struct agent_head),
				 .copy = malloc(AGENT_LOG_MAX_DATA) };
	struct agent_entry entry;

	MUST(log.area && log.copy);
	memcpy(log.area, data, size);
	for (size_t offset = 0;
	     size >= sizeof(struct agent_head) &&
	     agent_log_next(&log, data[4] % 2 ? AGENT_LOG_GOES_ON : AGENT_LOG_IS_OVER, &entry);) {
		MUST(log.offset > offset && log.offset <= size);
		MUST(entry.size <= size && entry.data == log.copy);
		MUST(entry.kind > AGENT_UNFINISHED && entry.kind <= AGENT_PAGES);
		offset = log.offset;
	}
	free(log.area);
	free(log.copy);
	return 0;
}
