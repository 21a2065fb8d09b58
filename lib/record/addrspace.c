/* addrspace.c - a sorted list of mappings that is cut and joined, and walked along a page table. */
#include "record/addrspace.h"

#include <limits.h>

#include "sys/page.h"

/* What lies between two mappings and is not larger is looked at, too: the call costs more. */
#define MAX_GAP_BYTES (UINT64_C(64) << 10)

struct addrspace *addrspace_new(uint32_t id)
{
	struct addrspace *self = calloc(1, sizeof(*self));

	if (self)
		self->id = id;
	return self;
}

void addrspace_free(struct addrspace *self)
{
	if (self) {
		free(self->mappings.items);
		free(self->old.items);
	}
	free(self);
}

static int append(struct addrspace_mappings *self, struct addrspace_mapping mapping)
{
	if (self->n_items == self->n_allocated) {
		size_t n = self->n_allocated ? 2 * self->n_allocated : 64;
		struct addrspace_mapping *grown = reallocarray(self->items, n, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		self->items = grown;
		self->n_allocated = n;
	}
	self->items[self->n_items++] = mapping;
	self->is_sorted = false;
	return 0;
}

static int compare_starts(const void *a, const void *b)
{
	const struct addrspace_mapping *x = a;
	const struct addrspace_mapping *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void sort(struct addrspace_mappings *self)
{
	if (!self->is_sorted && self->n_items > 1)
		qsort(self->items, self->n_items, sizeof(self->items[0]), compare_starts);
	self->is_sorted = true;
}

void addrspace_list_begin(struct addrspace *self)
{
	sort(&self->mappings);
	free(self->old.items);
	self->old = self->mappings;
	self->next_old = 0;
	self->mappings = (struct addrspace_mappings){ .is_sorted = true };
	self->state = ADDRSPACE_TAKES_LIST;
}

void addrspace_list_end(struct addrspace *self)
{
	free(self->old.items);
	self->old = (struct addrspace_mappings){ .is_sorted = true };
	self->state = ADDRSPACE_IS_COMPLETE;
}

/* Is mapping part of an exact one of those before the list? */
static bool was_exact(struct addrspace *self, const struct addrspace_mapping *mapping)
{
	const struct addrspace_mappings *old = &self->old;

	while (self->next_old < old->n_items && old->items[self->next_old].end <= mapping->start)
		self->next_old++;
	if (self->next_old == old->n_items)
		return false;
	const struct addrspace_mapping *known = &old->items[self->next_old];

	return known->is_exact && known->file == mapping->file && known->start <= mapping->start &&
	       known->end >= mapping->end;
}

int addrspace_map(struct addrspace *self, struct addrspace_mapping mapping)
{
	if (self->state == ADDRSPACE_TAKES_LIST) {
		mapping.is_exact |= was_exact(self, &mapping);
		return append(&self->mappings, mapping);
	}
	int r = addrspace_unmap(self, mapping.start, mapping.end);

	return r < 0 ? r : append(&self->mappings, mapping);
}

int addrspace_unmap(struct addrspace *self, uint64_t start, uint64_t end)
{
	struct addrspace_mappings *mappings = &self->mappings;

	for (size_t i = 0; i < mappings->n_items;) {
		struct addrspace_mapping *mapping = &mappings->items[i];
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
			mappings->items[i++] = has_head ? head : tail;
		else
			*mapping = mappings->items[--mappings->n_items];
		mappings->is_sorted = false;
		if (has_head && has_tail) {
			int r = append(mappings, tail);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

void addrspace_mark(struct addrspace *self, uint8_t access)
{
	for (size_t i = 0; i < self->mappings.n_items; i++)
		self->mappings.items[i].file->access |= access;
}

static bool has_any_in(const struct addrspace_mappings *self, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < self->n_items; i++)
		if (self->items[i].start < end && self->items[i].end > start)
			return true;
	return false;
}

/* Mappings that lie close together, in order: looked at by one call. */
struct scan {
	const struct addrspace_mapping *next; /* the first that may still have pages */
	const struct addrspace_mapping *end;
	uint32_t now_us;
	uint64_t n_new;
};

/* The pages of one mapping in [start, end), which it has. */
static int add_pages(struct scan *scan, const struct addrspace_mapping *mapping, uint64_t start, uint64_t end,
		     enum pagemap_kind kind)
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
	int n = kind == PAGEMAP_HUGE ? pageset_file_add_whole(file, run)
				     : pageset_file_add(file, run, scan->now_us);

	if (n < 0)
		return n;
	if (!mapping->is_exact)
		file->exact = false;
	scan->n_new += (uint64_t)n;
	return 0;
}

static int add_found(uint64_t run_start, uint64_t run_end, enum pagemap_kind kind, void *context)
{
	struct scan *scan = context;
	int r = 0;

	while (scan->next < scan->end && scan->next->end <= run_start)
		scan->next++;
	for (const struct addrspace_mapping *mapping = scan->next;
	     r == 0 && mapping < scan->end && mapping->start < run_end; mapping++)
		r = add_pages(scan, mapping, mapping->start > run_start ? mapping->start : run_start,
			      mapping->end < run_end ? mapping->end : run_end, kind);
	return r;
}

int addrspace_add(struct addrspace *self, uint64_t start, uint64_t end, enum pagemap_kind kind,
		  uint32_t now_us)
{
	struct scan scan = { .now_us = now_us };

	sort(&self->mappings);
	scan.next = self->mappings.items;
	scan.end = scan.next + self->mappings.n_items;
	int r = add_found(start, end, kind, &scan);

	if (r < 0)
		return r;
	return scan.n_new > INT_MAX ? INT_MAX : (int)scan.n_new;
}

int addrspace_scan(struct addrspace *self, const struct addrspace_pages *pages, pid_t tid, uint64_t start,
		   uint64_t end, uint32_t now_us)
{
	struct scan scan = { .now_us = now_us };

	if (!has_any_in(&self->mappings, start, end))
		return 0;
	cleanup_close int fd = pages->open(tid);

	if (fd < 0)
		return fd;
	sort(&self->mappings);
	const struct addrspace_mapping *mapping = self->mappings.items;
	const struct addrspace_mapping *mappings_end = mapping + self->mappings.n_items;

	while (mapping < mappings_end && mapping->end <= start)
		mapping++;
	while (mapping < mappings_end && mapping->start < end) {
		const struct addrspace_mapping *last = mapping;

		while (last + 1 < mappings_end && last[1].start < end &&
		       last[1].start - last->end <= MAX_GAP_BYTES)
			last++;
		scan.next = mapping;
		scan.end = last + 1;
		int r = pages->scan(fd, mapping->start > start ? mapping->start : start,
				    last->end < end ? last->end : end, add_found, &scan);

		if (r < 0)
			return r;
		mapping = last + 1;
	}
	return scan.n_new > INT_MAX ? INT_MAX : (int)scan.n_new;
}
