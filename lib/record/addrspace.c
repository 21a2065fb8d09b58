#include "record/addrspace.h"

#include <limits.h>
#include <string.h>

#include "sys/page.h"
#include "sys/pagemap.h"
#include "trace/uffd.h"

/* What lies between two mappings and is not larger is looked at, too: the call costs more. */
#define MOST_GAP_BYTES (UINT64_C(64) << 10)

struct addrspace *addrspace_new(void)
{
	struct addrspace *self = calloc(1, sizeof(*self));

	if (self) {
		self->n_users = 1;
		self->uffd = -1;
	}
	return self;
}

struct addrspace *addrspace_ref(struct addrspace *self)
{
	self->n_users++;
	return self;
}

struct addrspace *addrspace_unref(struct addrspace *self)
{
	if (self && --self->n_users == 0) {
		if (self->uffd >= 0)
			close(self->uffd);
		free(self->mappings);
		free(self);
	}
	return NULL;
}

int addrspace_arm(struct addrspace *self, struct tracee_stop *stop)
{
	int uffd = uffd_create_in(stop);

	if (uffd < 0)
		return uffd;
	self->uffd = uffd;
	return 0;
}

static int append(struct addrspace *self, struct addrspace_mapping mapping)
{
	if (self->n_mappings == self->n_allocated) {
		size_t n = self->n_allocated ? 2 * self->n_allocated : 64;
		struct addrspace_mapping *grown = reallocarray(self->mappings, n, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		self->mappings = grown;
		self->n_allocated = n;
	}
	self->mappings[self->n_mappings++] = mapping;
	self->is_sorted = false;
	return 0;
}

/* From now on the kernel maps page by page here. Read-only shared mappings are refused. */
static bool register_range(const struct addrspace *self, uint64_t start, uint64_t end, bool is_shared)
{
	if (self->uffd < 0 || is_shared)
		return false;
	int r = uffd_register(self->uffd, start, end);

	return r == 0 || r == -EBUSY; /* busy: armed through a process that shares the address space */
}

int addrspace_map(struct addrspace *self, struct addrspace_mapping mapping, bool is_shared)
{
	int r = addrspace_unmap(self, mapping.start, mapping.end);

	if (r < 0)
		return r;
	mapping.is_exact = register_range(self, mapping.start, mapping.end, is_shared);
	return append(self, mapping);
}

int addrspace_unmap(struct addrspace *self, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < self->n_mappings;) {
		struct addrspace_mapping *mapping = &self->mappings[i];
		struct addrspace_mapping head = *mapping;
		struct addrspace_mapping tail = *mapping;
		bool has_head = mapping->start < start;
		bool has_tail = mapping->end > end;

		if (mapping->end <= start || mapping->start >= end) {
			i++;
			continue;
		}
		head.end = start;
		tail.start = end;
		tail.first_page += (end - mapping->start) >> page_shift();
		if (has_head || has_tail)
			self->mappings[i++] = has_head ? head : tail;
		else
			*mapping = self->mappings[--self->n_mappings];
		self->is_sorted = false;
		if (has_head && has_tail) {
			int r = append(self, tail);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

void addrspace_mark(struct addrspace *self, uint8_t access)
{
	for (size_t i = 0; i < self->n_mappings; i++)
		self->mappings[i].file->access |= access;
}

bool addrspace_has_files_in(const struct addrspace *self, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < self->n_mappings; i++)
		if (self->mappings[i].start < end && self->mappings[i].end > start)
			return true;
	return false;
}

/* The file of entry in the page set, or NULL if it maps none that can be found again. 0 or -ENOMEM. */
static int find_file(const struct procmaps_entry *entry, struct pageset *pageset, uint32_t now_us,
		     struct pageset_file **ret_file)
{
	char path[PATH_MAX];
	struct stat st;

	*ret_file = NULL;
	if (!procmaps_name_to_path(entry, path, sizeof(path)) || !procmaps_is_file(entry, path, &st))
		return 0;
	int r = pageset_add(pageset, path, now_us, ret_file);

	if (r < 0)
		return r;
	(*ret_file)->access |= PAGESET_MAPPED;
	(*ret_file)->id = fileid_from_stat(&st);
	return 0;
}

static int compare_starts(const void *a, const void *b)
{
	const struct addrspace_mapping *x = a;
	const struct addrspace_mapping *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void sort_mappings(struct addrspace *self)
{
	if (!self->is_sorted && self->n_mappings > 1)
		qsort(self->mappings, self->n_mappings, sizeof(self->mappings[0]), compare_starts);
	self->is_sorted = true;
}

/* Is mapping part of an exact one of old, which is sorted? To be asked in the order of addresses. */
static bool was_exact(const struct addrspace *old, size_t *next, const struct addrspace_mapping *mapping)
{
	while (*next < old->n_mappings && old->mappings[*next].end <= mapping->start)
		++*next;
	if (*next == old->n_mappings)
		return false;
	const struct addrspace_mapping *known = &old->mappings[*next];

	return known->is_exact && known->file == mapping->file && known->start <= mapping->start &&
	       known->end >= mapping->end;
}

int addrspace_reload(struct addrspace *self, pid_t tid, bool is_late, struct pageset *pageset,
		     uint32_t now_us, struct procmaps_text *text)
{
	struct procmaps_entry entry;
	struct procmaps_entry last = { 0 };
	struct pageset_file *file = NULL;
	struct addrspace old = *self;
	size_t offset = 0;
	size_t next = 0;
	int r = procmaps_read(tid, text);

	if (r < 0)
		return r;
	sort_mappings(&old);
	self->mappings = NULL;
	self->n_mappings = 0;
	self->n_allocated = 0;
	while (r == 0 && procmaps_next(text, &offset, &entry)) {
		if (entry.inode == 0)
			continue;
		/* The segments of one file stand together: look it up once. */
		if (entry.inode != last.inode || entry.name_size != last.name_size ||
		    memcmp(entry.name, last.name, entry.name_size) != 0)
			r = find_file(&entry, pageset, now_us, &file);
		last = entry;
		if (r < 0 || !file)
			continue;
		struct addrspace_mapping mapping = { .start = entry.start,
						     .end = entry.end,
						     .first_page = entry.offset_bytes >> page_shift(),
						     .file = file };

		mapping.is_exact = is_late && was_exact(&old, &next, &mapping);
		if (!mapping.is_exact)
			mapping.is_exact =
				register_range(self, entry.start, entry.end, entry.is_shared) && !is_late;
		r = append(self, mapping);
	}
	free(old.mappings);
	return r;
}

/* Mappings that lie close together, in order: looked at by one call. */
struct scan {
	const struct addrspace_mapping *next; /* the first that may still have pages */
	const struct addrspace_mapping *end;
	uint32_t now_us;
	uint64_t n_new;
};

/* The pages of one mapping in [start, end), which it has. */
static int add_pages(struct scan *scan, const struct addrspace_mapping *mapping, uint64_t start, uint64_t end)
{
	struct pageset_file *file = mapping->file;
	unsigned int shift = page_shift();
	uint64_t n_file_pages = (file->id.size_bytes + page_bytes() - 1) >> shift;
	struct page_run run = { .first_page = mapping->first_page + ((start - mapping->start) >> shift),
				.n_pages = (end - start) >> shift };

	/* Behind the end of the file there is nothing to read. */
	if (run.first_page >= n_file_pages)
		return 0;
	if (run.n_pages > n_file_pages - run.first_page)
		run.n_pages = n_file_pages - run.first_page;
	int n = pageset_file_add(file, run, scan->now_us);

	if (n < 0)
		return n;
	if (!mapping->is_exact)
		file->exact = false;
	scan->n_new += (uint64_t)n;
	return 0;
}

static int add_found(uint64_t run_start, uint64_t run_end, void *context)
{
	struct scan *scan = context;
	int r = 0;

	while (scan->next < scan->end && scan->next->end <= run_start)
		scan->next++;
	for (const struct addrspace_mapping *mapping = scan->next;
	     r == 0 && mapping < scan->end && mapping->start < run_end; mapping++)
		r = add_pages(scan, mapping, mapping->start > run_start ? mapping->start : run_start,
			      mapping->end < run_end ? mapping->end : run_end);
	return r;
}

int addrspace_scan(struct addrspace *self, pid_t tid, uint64_t start, uint64_t end, uint32_t now_us)
{
	struct scan scan = { .now_us = now_us };
	cleanup_close int fd = pagemap_open(tid);

	if (fd < 0)
		return fd;
	if (self->n_mappings == 0)
		return 0;
	sort_mappings(self);
	const struct addrspace_mapping *mapping = self->mappings;
	const struct addrspace_mapping *mappings_end = mapping + self->n_mappings;

	while (mapping < mappings_end && mapping->end <= start)
		mapping++;
	while (mapping < mappings_end && mapping->start < end) {
		const struct addrspace_mapping *last = mapping;

		while (last + 1 < mappings_end && last[1].start < end &&
		       last[1].start - last->end <= MOST_GAP_BYTES)
			last++;
		scan.next = mapping;
		scan.end = last + 1;
		int r = pagemap_scan(fd, mapping->start > start ? mapping->start : start,
				     last->end < end ? last->end : end, add_found, &scan);

		if (r < 0)
			return r;
		mapping = last + 1;
	}
	return scan.n_new > INT_MAX ? INT_MAX : (int)scan.n_new;
}
