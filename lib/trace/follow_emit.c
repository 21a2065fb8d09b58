/* follow_emit.c - how events leave: one by one, and the list of mappings as a whole. */
#include "sys/page.h"
#include "trace/follow_private.h"
#include "trace/uffd.h"

bool follow_is_of_interest(const struct follow *self, const char *path)
{
	return mapped_files_may_have(self->state->options.excluded, path);
}

void follow_emit(struct follow *self, const struct process *process, struct event event)
{
	struct follow_state *state = self->state;
	uint64_t us = state->running_ns / 1000;

	if (state->error < 0)
		return;
	event.pid = process->pid;
	event.time_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	event.space = process->space ? process->space->id : event.space;
	int r = state->options.emit(&event, state->options.context);

	if (r < 0)
		state->error = r;
	else if (r > 0)
		state->n_news = 1;
}

unsigned int follow_register(const struct process *process, uint64_t start, uint64_t end)
{
	int uffd = process->space ? process->space->uffd : -1;
	int r = uffd < 0 ? -EBADF : uffd_register(uffd, start, end);

	/* Busy: armed through a process that shares the address space. */
	return r == 0 || r == -EBUSY ? EVENT_IS_EXACT : 0;
}

/* Whose mappings are told. */
struct mapper {
	struct follow *follow;
	const struct process *process;
	pid_t tid;
};

static bool find_mapped(const struct procmaps_entry *entry, char *path, struct stat *ret_st, void *context)
{
	const struct mapper *mapper = context;

	return follow_find_mapped(mapper->follow, mapper->process, mapper->tid, entry, path, ret_st);
}

void follow_emit_maps(struct follow *self, const struct process *process, pid_t tid, enum maps_age age)
{
	struct mapper mapper = { self, process, tid };
	struct mapped_files *maps = &self->state->maps;
	struct procmaps_entry entry;

	maps->find = find_mapped;
	maps->context = &mapper;
	int r = mapped_files_read(maps, tid);

	if (r == -ENOMEM)
		self->state->error = r;
	if (r < 0)
		return;
	follow_emit(self, process, (struct event){ .kind = EVENT_MAPS_BEGIN, .tid = tid });
	while (self->state->error == 0 && mapped_files_next(maps, &entry)) {
		unsigned int registered =
			entry.is_shared ? 0 : follow_register(process, entry.start, entry.end);

		follow_emit(self, process,
			    (struct event){ .kind = EVENT_MAPPED,
					    .flags = age == MAPS_ARE_NEW ? registered : 0,
					    .tid = tid,
					    .path = maps->path,
					    .id = &maps->id,
					    .start = entry.start,
					    .end = entry.end,
					    .first_page = entry.offset_bytes >> page_shift() });
	}
	follow_emit(self, process, (struct event){ .kind = EVENT_MAPS_END, .tid = tid });
}
