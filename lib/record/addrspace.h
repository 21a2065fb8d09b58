/*
 * addrspace.h - the file mappings of one address space, and the pages touched in them.
 *
 * The list of mappings is kept up to date one by one (addrspace_map(), addrspace_unmap()), or replaced as a
 * whole (addrspace_list_begin()). Where a mapping is exact, what is found there is so, page by page; else
 * fault-around is in it.
 */
#ifndef PBRUN_ADDRSPACE_H
#define PBRUN_ADDRSPACE_H

#include "pageset.h"
#include "sys/pagemap.h"

struct addrspace_mapping {
	uint64_t start; /* address */
	uint64_t end;
	uint64_t first_page; /* of the file, at start */
	struct pageset_file *file;
	bool is_exact;
};

struct addrspace_mappings {
	struct addrspace_mapping *items; /* disjoint, by address if is_sorted */
	size_t n_items;
	size_t n_allocated;
	bool is_sorted;
};

struct addrspace {
	uint32_t id;
	struct addrspace_mappings mappings;
	/* While a list is being taken in: those before it, and where the next one of it may be among them. */
	struct addrspace_mappings old;
	size_t next_old;
	enum { ADDRSPACE_IS_COMPLETE, ADDRSPACE_TAKES_LIST } state;
	struct addrspace *next; /* the caller's */
};

/* NULL: no memory. */
struct addrspace *addrspace_new(uint32_t id);
/* NULL is allowed. */
void addrspace_free(struct addrspace *self);

/* Notes a mapping. What was mapped there before is forgotten. 0 or -ENOMEM. */
must_check int addrspace_map(struct addrspace *self, struct addrspace_mapping mapping);

/* Notes that nothing of a file is mapped at [start, end) any more. 0 or -ENOMEM. */
must_check int addrspace_unmap(struct addrspace *self, uint64_t start, uint64_t end);

/*
 * Forgets all mappings: those that addrspace_map() notes until addrspace_list_end(), in ascending order, are
 * all. What was part of an exact mapping of the same file is exact, whatever the list says.
 */
void addrspace_list_begin(struct addrspace *self);
void addrspace_list_end(struct addrspace *self);

/* Adds PAGESET_ access bits to every file that is mapped. */
void addrspace_mark(struct addrspace *self, uint8_t access);

/* How the pages of a process are had: as the functions of pagemap.h, or in place of them. */
struct addrspace_pages {
	int (*open)(pid_t tid);
	int (*scan)(int fd, uint64_t start, uint64_t end, pagemap_found *found, void *context);
};

/* Adds the pages in [start, end), all of a kind (pagemap.h), to the files that are mapped there, with first
 * use now_us. Returns the number of new pages (saturated), or -ENOMEM. */
must_check int addrspace_add(struct addrspace *self, uint64_t start, uint64_t end, enum pagemap_kind kind,
			     uint32_t now_us);

/*
 * Adds to their files the pages touched in [start, end), with first use now_us, and windows that are mapped
 * as a whole (pageset_file_add_whole()); tid is a task that has the address space. Returns the number of new
 * pages (saturated), or -errno.
 */
must_check int addrspace_scan(struct addrspace *self, const struct addrspace_pages *pages, pid_t tid,
			      uint64_t start, uint64_t end, uint32_t now_us);

#endif
