/* onlooker_agent.c - what the agent in a program tells becomes events. */
#include <limits.h>
#include <string.h>

#include "trace/onlooker_private.h"

/* Of a file that is opened and not mapped, so much is taken for read from its beginning on. */
#define MAX_READ_BYTES (INT64_C(1) << 20)

/* Of no address space, and of the program, whoever it was. */
static struct seen_process nobody(const struct onlooker *self)
{
	return (struct seen_process){ .pid = self->state->pid };
}

static void hear_opened(struct onlooker *self, const struct agent_entry *entry)
{
	const struct seen_process process = nobody(self);
	char path[PATH_MAX];
	struct stat st;

	if (entry->size == 0 || entry->size >= sizeof(path) || *(const char *)entry->data != '/' ||
	    memchr(entry->data, '\0', entry->size))
		return;
	memcpy(path, entry->data, entry->size);
	path[entry->size] = '\0';
	if (!mapped_files_may_have(self->state->options.excluded, path) || stat(path, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	struct fileid id = fileid_from_stat(&st);
	struct event event = { .kind = EVENT_OPENED, .path = path, .id = &id };

	onlooker_emit(self, &process, entry->time_ns, event);
	event.kind = EVENT_READ;
	event.n_bytes = st.st_size;
	if (st.st_size > 0 && st.st_size <= MAX_READ_BYTES)
		onlooker_emit(self, &process, entry->time_ns, event);
}

/* An address space of its own: what looks say of the process's later ones is not mixed up with it. */
static void hear_maps(struct onlooker *self, const struct agent_entry *entry)
{
	struct onlooker_state *state = self->state;

	if (mapped_files_take(&state->maps, entry->data, entry->size) < 0)
		return;
	state->told = (struct seen_process){ .pid = entry->pid, .space = ++state->n_spaces };
	onlooker_emit(self, &state->told, entry->time_ns, (struct event){ .kind = EVENT_EXECED });
	onlooker_emit_maps(self, &state->told, entry->time_ns);
	state->told_before_exec = entry->kind == AGENT_EXEC_MAPS;
}

static void hear_pages(struct onlooker *self, const struct agent_entry *entry)
{
	struct onlooker_state *state = self->state;
	bool is_program = entry->pid == state->pid && !state->told_before_exec;

	if (state->told.space == 0 || state->told.pid != entry->pid)
		return;
	for (size_t i = 0; i + sizeof(struct agent_pages) <= entry->size; i += sizeof(struct agent_pages)) {
		struct agent_pages pages;

		memcpy(&pages, (const char *)entry->data + i, sizeof(pages));
		if (pages.start < pages.end)
			onlooker_emit(self, &state->told, entry->time_ns,
				      (struct event){ .kind = EVENT_TOUCHED,
						      .flags = pages.categories & AGENT_PAGES_ARE_HUGE
								       ? EVENT_IS_HUGE
								       : 0,
						      .start = pages.start,
						      .end = pages.end });
	}
	if (is_program)
		onlooker_emit(self, &state->told, entry->time_ns, (struct event){ .kind = EVENT_LEFT });
	else
		onlooker_leave_space(self, &state->told, entry->time_ns);
	state->told.space = 0;
	self->flags |= is_program ? ONLOOKER_SAW_END : 0;
}

void onlooker_listen(struct onlooker *self, enum agent_log_end end)
{
	struct onlooker_state *state = self->state;
	struct agent_entry entry;

	while (state->error == 0 && agent_log_next(&state->agent, end, &entry)) {
		self->flags |= ONLOOKER_HEARD_AGENT;
		if (state->options.mode == FOLLOW_TO_EXIT)
			continue;
		if (entry.kind == AGENT_OPENED)
			hear_opened(self, &entry);
		else if (entry.kind == AGENT_PAGES)
			hear_pages(self, &entry);
		else
			hear_maps(self, &entry);
	}
}
