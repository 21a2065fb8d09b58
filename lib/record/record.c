/* record.c - one function for each kind of event. */
#include "record/record.h"

#include <string.h>

#include "record/in_image.h"
#include "sys/page.h"
#include "sys/pagemap.h"

void record_init(struct record *self, const struct addrspace_pages *pages)
{
	static const struct addrspace_pages pagemap = { .open = pagemap_open, .scan = pagemap_scan };

	*self = (struct record){ .n_files_left = RECORD_MAX_FILES,
				 .n_lookups_left = RECORD_MAX_LOOKUPS,
				 .pages = pages ? *pages : pagemap };
	pageset_init(&self->seen);
	pageset_init(&self->unreached.files);
}

static struct addrspace **find_addrspace(struct record *self, uint32_t id)
{
	struct addrspace **link = &self->addrspaces;

	while (*link && (*link)->id != id)
		link = &(*link)->next;
	return link;
}

static void forget_addrspace(struct record *self, uint32_t id)
{
	struct addrspace **link = find_addrspace(self, id);
	struct addrspace *gone = *link;

	if (gone) {
		*link = gone->next;
		addrspace_free(gone);
	}
}

void record_release(struct record *self)
{
	while (self->addrspaces)
		forget_addrspace(self, self->addrspaces->id);
	pageset_release(&self->seen);
	pageset_release(&self->unreached.files);
	for (size_t i = 0; i < self->unreached.n_mounts; i++)
		free(take_pointer(self->unreached.mounts[i]));
	self->unreached.n_mounts = 0;
}

/* What is only looked up leaves room for what is opened. */
static bool may_add(struct record *self, enum event_kind kind)
{
	bool is_lookup = kind == EVENT_LOOKED_UP;

	if (self->n_files_left == 0 || (is_lookup && self->n_lookups_left == 0))
		return false;
	self->n_files_left--;
	self->n_lookups_left -= is_lookup;
	return true;
}

/* Notes that the file of the event was used in a way. NULL in ret_file: it is one too many. 0 or -ENOMEM. */
static int note_file(struct record *self, const struct event *event, uint8_t access,
		     struct pageset_file **ret_file)
{
	struct pageset_file *file = pageset_find(&self->seen, event->path);

	*ret_file = NULL;
	if (!file) {
		if (!may_add(self, event->kind))
			return 0;
		int r = in_image_note(&self->seen, event->path, event->time_us);

		if (r == 0)
			r = pageset_add(&self->seen, event->path, event->time_us, &file);
		if (r != 0)
			return r;
	}
	if ((file->access | access) != file->access) {
		file->access |= access;
		self->n_new++;
	}
	if (event->id)
		file->id = *event->id;
	*ret_file = file;
	return 0;
}

static int on_new_addrspace(struct record *self, const struct event *event)
{
	struct addrspace *addrspace = addrspace_new(event->space);

	if (!addrspace)
		return -ENOMEM;
	if (event->kind == EVENT_EXECED && self->main_pid == 0)
		self->main_pid = event->pid;
	addrspace->next = self->addrspaces;
	self->addrspaces = addrspace;
	return 0;
}

static int on_mapped(struct record *self, struct addrspace *addrspace, const struct event *event)
{
	struct addrspace_mapping mapping = { .start = event->start,
					     .end = event->end,
					     .first_page = event->first_page,
					     .is_exact = event->flags & EVENT_IS_EXACT };
	int r = note_file(self, event, PAGESET_MAPPED, &mapping.file);

	if (r < 0)
		return r;
	return mapping.file ? addrspace_map(addrspace, mapping)
			    : addrspace_unmap(addrspace, event->start, event->end);
}

/* The pages of [start, end) that are there now were used. */
static int look(struct record *self, struct addrspace *addrspace, const struct event *event, uint64_t start,
		uint64_t end)
{
	int n = addrspace_scan(addrspace, &self->pages, event->tid, start, end, event->time_us);

	if (n > 0)
		self->n_new += (uint64_t)n;
	return n == -ENOMEM ? n : 0; /* else it is gone, or hidden: nothing to be had */
}

static int add(struct record *self, struct addrspace *addrspace, const struct event *event)
{
	enum pagemap_kind kind = event->flags & EVENT_IS_HUGE ? PAGEMAP_HUGE : PAGEMAP_PAGES;
	int n = addrspace_add(addrspace, event->start, event->end, kind, event->time_us);

	if (n > 0)
		self->n_new += (uint64_t)n;
	return n < 0 ? n : 0;
}

static int look_at_all(struct record *self, struct addrspace *addrspace, const struct event *event)
{
	if (event->kind == EVENT_EXECING || event->pid != self->main_pid)
		addrspace_mark(addrspace, PAGESET_BEFORE_EXEC);
	return look(self, addrspace, event, 0, UINT64_MAX);
}

/* An event of an address space that was told of. */
static int take_mapping(struct record *self, struct addrspace *addrspace, const struct event *event)
{
	switch (event->kind) {
	case EVENT_MAPS_BEGIN:
		addrspace_list_begin(addrspace);
		return 0;
	case EVENT_MAPS_END:
		addrspace_list_end(addrspace);
		return 0;
	case EVENT_MAPPED:
		return on_mapped(self, addrspace, event);
	case EVENT_UNMAPPED:
		return addrspace_unmap(addrspace, event->start, event->end);
	case EVENT_TOUCHED:
		return add(self, addrspace, event);
	case EVENT_UNMAPPING:
		return look(self, addrspace, event, event->start, event->end);
	case EVENT_TICK:
	case EVENT_EXECING:
	case EVENT_EXITING:
		return look_at_all(self, addrspace, event);
	default:
		return 0;
	}
}

static int on_read(struct record *self, const struct event *event)
{
	struct pageset_file *file;
	int r = note_file(self, event, PAGESET_READ, &file);

	if (r < 0 || !file || event->n_bytes <= 0 || event->offset_bytes < 0)
		return r;
	unsigned int shift = page_shift();
	uint64_t first_page = (uint64_t)event->offset_bytes >> shift;
	uint64_t end_bytes = (uint64_t)event->offset_bytes + (uint64_t)event->n_bytes;
	uint64_t end_page = (end_bytes + page_bytes() - 1) >> shift;

	r = pageset_file_add(file, (struct page_run){ first_page, end_page - first_page }, event->time_us);
	if (r > 0)
		self->n_new += (uint64_t)r;
	return r == -ENOMEM ? r : 0;
}

static int take_file(struct record *self, const struct event *event)
{
	struct pageset_file *file;

	switch (event->kind) {
	case EVENT_READ:
		return on_read(self, event);
	case EVENT_OPENED:
		return note_file(self, event,
				 event->flags & EVENT_FOR_WRITING ? PAGESET_OPENED | PAGESET_WRITTEN
								  : PAGESET_OPENED,
				 &file);
	case EVENT_LOOKED_UP:
		return note_file(self, event,
				 event->flags & EVENT_IS_MISSING ? PAGESET_MISSING : PAGESET_STATED, &file);
	case EVENT_LISTED:
		return note_file(self, event, PAGESET_LISTED, &file);
	default:
		return 0;
	}
}

static int note_mount(struct record_unreached *self, const char *mount)
{
	for (size_t i = 0; i < self->n_mounts; i++)
		if (strcmp(self->mounts[i], mount) == 0)
			return 0;
	if (self->n_mounts == RECORD_MAX_MOUNTS)
		return 0;
	char *copy = strdup(mount);

	if (!copy)
		return -ENOMEM;
	self->mounts[self->n_mounts++] = copy;
	return 0;
}

static int on_out_of_reach(struct record_unreached *self, const struct event *event)
{
	struct pageset_file *file;

	if (self->files.n_files == RECORD_MAX_FILES)
		return 0;
	int r = pageset_add(&self->files, event->path, event->time_us, &file);

	return r < 0 ? r : note_mount(self, event->mount);
}

static int take(struct record *self, const struct event *event)
{
	struct addrspace *addrspace;

	switch (event->kind) {
	case EVENT_EXECED:
	case EVENT_FORKED:
		return on_new_addrspace(self, event);
	case EVENT_LEFT:
		forget_addrspace(self, event->space);
		return 0;
	case EVENT_OPENED:
	case EVENT_READ:
	case EVENT_LOOKED_UP:
	case EVENT_LISTED:
		return take_file(self, event);
	case EVENT_OUT_OF_REACH:
		return on_out_of_reach(&self->unreached, event);
	default:
		addrspace = *find_addrspace(self, event->space);
		return addrspace ? take_mapping(self, addrspace, event) : 0;
	}
}

int record_take(struct record *self, const struct event *event)
{
	uint64_t n_before = self->n_new;
	int r = take(self, event);

	return r < 0 ? r : self->n_new > n_before;
}
