/*
 * bitmap.h - the set of pages of one file.
 *
 * A page is named by its index in the file: byte offset / page size. The map is sparse: it costs
 * memory where pages are set, not for the length of the file. Pure: no system calls, no globals.
 */
#ifndef PBRUN_BITMAP_H
#define PBRUN_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/cleanup.h"

/* Page indices lie below this: 16 TiB of file at 4 KiB a page, the limit of ext4. */
#define BITMAP_MAX_PAGES (UINT64_C(1) << 32)

/* n_pages consecutive pages, beginning with first_page. */
struct page_run {
	uint64_t first_page;
	uint64_t n_pages;
};

/* Private to bitmap.c. All zeros: the empty set. */
struct bitmap {
	uint64_t **leaves; /* each leaf, where not NULL, holds LEAF_PAGES bits */
	size_t n_leaves;
};

/* Leaves it empty. */
void bitmap_release(struct bitmap *self);

/*
 * Adds the pages of run. Returns 0, -ERANGE if the run does not lie below BITMAP_MAX_PAGES (the map
 * is unchanged), or -ENOMEM (a part of the run may have been added).
 */
must_check int bitmap_set_run(struct bitmap *self, struct page_run run);

bool bitmap_has(const struct bitmap *self, uint64_t page_index);

/*
 * The first maximal run of pages that are not set, at or after from_page and below end_page. Returns false,
 * ret_run untouched, if there is none.
 */
bool bitmap_next_gap(const struct bitmap *self, uint64_t from_page, uint64_t end_page,
		     struct page_run *ret_run);

/* The first maximal run of pages that are set, at or after from_page. Returns false, ret_run untouched, if
 * there is none. */
bool bitmap_next_run(const struct bitmap *self, uint64_t from_page, struct page_run *ret_run);

#endif
