/* history.c - a short list of starts, and their sum. */
#include "shadow/history.h"

#include <string.h>

void history_add(struct history *self, const struct history_start *start)
{
	if (self->n_starts < HISTORY_MAX_STARTS)
		self->n_starts++;
	memmove(self->starts + 1, self->starts, (self->n_starts - 1) * sizeof(*start));
	self->starts[0] = *start;
}

uint64_t history_used_bytes(const struct history_start *start)
{
	if (!(start->flags & HISTORY_KNOWS_WASTE) || start->wasted_bytes > start->prefetched_bytes)
		return 0;
	return start->prefetched_bytes - start->wasted_bytes;
}

static void add(uint64_t *sum, uint64_t bytes)
{
	if (__builtin_add_overflow(*sum, bytes, sum))
		*sum = UINT64_MAX;
}

struct history_sum history_sum(const struct history *self)
{
	const uint32_t needed = HISTORY_REPLAYED | HISTORY_KNOWS_WASTE | HISTORY_KNOWS_MISSED;
	struct history_sum sum = { 0 };

	for (size_t i = 0; i < self->n_starts; i++) {
		const struct history_start *start = &self->starts[i];

		if ((start->flags & needed) != needed)
			continue;
		sum.n_starts++;
		add(&sum.used_bytes, history_used_bytes(start));
		add(&sum.wasted_bytes, start->wasted_bytes);
		add(&sum.missed_bytes, start->missed_bytes);
	}
	return sum;
}
