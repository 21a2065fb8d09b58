/* follow_emit.c - how events leave: one by one, and the list of mappings as a whole. */
#include <limits.h>
#include <string.h>

#include "sys/page.h"
#include "trace/follow_private.h"
#include "trace/mapped_files.h"
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

/* A mapping of a file that can be found again, by path. */
static void emit_mapping(struct follow *self, const struct process *process, pid_t tid,
			 const struct procmaps_entry *entry, const char *path, const struct fileid *id,
			 enum maps_age age)
{
	struct event event = { .kind = EVENT_MAPPED,
			       .tid = tid,
			       .path = path,
			       .id = id,
			       .start = entry->start,
			       .end = entry->end,
			       .first_page = entry->offset_bytes >> page_shift() };
	unsigned int registered = entry->is_shared ? 0 : follow_register(process, entry->start, entry->end);

	if (age == MAPS_ARE_NEW)
		event.flags = registered;
	follow_emit(self, process, event);
}

void follow_emit_maps(struct follow *self, const struct process *process, pid_t tid, enum maps_age age)
{
	struct procmaps_text *text = &self->state->maps_text;
	struct procmaps_entry entry;
	struct procmaps_entry last = { 0 };
	char path[PATH_MAX];
	struct fileid id = { 0 };
	bool is_found = false;
	size_t offset = 0;
	struct stat st;
	int r = procmaps_read(tid, text);

	if (r == -ENOMEM)
		self->state->error = r;
	if (r < 0)
		return;
	follow_emit(self, process, (struct event){ .kind = EVENT_MAPS_BEGIN, .tid = tid });
	while (self->state->error == 0 && procmaps_next(text, &offset, &entry)) {
		if (entry.inode == 0)
			continue;
		/* The segments of one file stand together: look it up once. */
		if (entry.inode != last.inode || entry.name_size != last.name_size ||
		    memcmp(entry.name, last.name, entry.name_size) != 0) {
			is_found = procmaps_name_to_path(&entry, path, sizeof(path)) &&
				   follow_find_mapped(self, process, tid, &entry, path, &st);
			if (is_found)
				id = fileid_from_stat(&st);
		}
		last = entry;
		if (is_found)
			emit_mapping(self, process, tid, &entry, path, &id, age);
	}
	follow_emit(self, process, (struct event){ .kind = EVENT_MAPS_END, .tid = tid });
}
