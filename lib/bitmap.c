/* bitmap.c - keeps the pages of one file in leaves of bits. */
#include "bitmap.h"

#include <stdlib.h>
#include <string.h>

#include "sys/analyzer.h"

/* To the analyzer of gcc 12 a leaf leaks as soon as it stands in the array of leaves. */
ANALYZER_IGNORES("-Wanalyzer-malloc-leak")

#define WORD_BITS UINT64_C(64)
#define LEAF_PAGES UINT64_C(4096)
#define LEAF_WORDS (LEAF_PAGES / WORD_BITS)
#define MAX_LEAVES (BITMAP_MAX_PAGES / LEAF_PAGES)

void bitmap_release(struct bitmap *self)
{
	for (size_t i = 0; i < self->n_leaves; i++)
		free(self->leaves[i]);
	free(self->leaves);
	*self = (struct bitmap){ 0 };
}

static int reserve_leaves(struct bitmap *self, size_t n_leaves)
{
	if (n_leaves <= self->n_leaves)
		return 0;
	if (n_leaves < 2 * self->n_leaves)
		n_leaves = 2 * self->n_leaves < MAX_LEAVES ? 2 * self->n_leaves : MAX_LEAVES;

	/* Not realloc(): what calloc() gets from the kernel costs memory only once it is written to. */
	uint64_t **leaves = calloc(n_leaves, sizeof(*leaves));

	if (!leaves)
		return -ENOMEM;
	if (self->n_leaves)
		memcpy(leaves, self->leaves, self->n_leaves * sizeof(*leaves));
	free(self->leaves);
	self->leaves = leaves;
	self->n_leaves = n_leaves;
	return 0;
}

static uint64_t *make_leaf(struct bitmap *self, size_t leaf_index)
{
	if (!self->leaves[leaf_index])
		self->leaves[leaf_index] = calloc(LEAF_WORDS, sizeof(uint64_t));
	return self->leaves[leaf_index];
}

int bitmap_set_run(struct bitmap *self, struct page_run run)
{
	if (run.n_pages > BITMAP_MAX_PAGES || run.first_page > BITMAP_MAX_PAGES - run.n_pages)
		return -ERANGE;
	if (run.n_pages == 0)
		return 0;

	const uint64_t end = run.first_page + run.n_pages;

	if (reserve_leaves(self, (end - 1) / LEAF_PAGES + 1) < 0)
		return -ENOMEM;
	for (uint64_t page = run.first_page; page < end;) {
		uint64_t *leaf = make_leaf(self, page / LEAF_PAGES);

		if (!leaf)
			return -ENOMEM;

		uint64_t *word = &leaf[page % LEAF_PAGES / WORD_BITS];
		const uint64_t bit = page % WORD_BITS;
		const uint64_t n_bits = end - page < WORD_BITS - bit ? end - page : WORD_BITS - bit;
		const uint64_t mask = ~UINT64_C(0) >> (WORD_BITS - n_bits) << bit;

		*word |= mask;
		page += n_bits;
	}
	return 0;
}

/*
 * The first page at or after from_page that is set, or with flip = ~0 that is not. Whatever lies at
 * or after end_of(self) is not set, so a result there means for flip = 0 that there is none.
 */
static uint64_t find_next(const struct bitmap *self, uint64_t from_page, uint64_t flip)
{
	uint64_t page = from_page;

	while (page / LEAF_PAGES < self->n_leaves) {
		const uint64_t *leaf = self->leaves[page / LEAF_PAGES];

		if (!leaf && flip)
			return page;
		if (!leaf) {
			page = (page | (LEAF_PAGES - 1)) + 1;
			continue;
		}

		const uint64_t word = (leaf[page % LEAF_PAGES / WORD_BITS] ^ flip) >> page % WORD_BITS;

		if (word)
			return page + (uint64_t)__builtin_ctzll(word);
		page = (page | (WORD_BITS - 1)) + 1;
	}
	return page;
}

static uint64_t end_of(const struct bitmap *self)
{
	return self->n_leaves * LEAF_PAGES;
}

bool bitmap_has(const struct bitmap *self, uint64_t page_index)
{
	return page_index < end_of(self) && find_next(self, page_index, 0) == page_index;
}

bool bitmap_next_gap(const struct bitmap *self, uint64_t from_page, uint64_t end_page,
		     struct page_run *ret_run)
{
	const uint64_t first = find_next(self, from_page, ~UINT64_C(0));

	if (first >= end_page)
		return false;

	uint64_t end = find_next(self, first, 0);

	if (end >= end_of(self) || end > end_page)
		end = end_page;
	*ret_run = (struct page_run){ first, end - first };
	return true;
}

bool bitmap_next_run(const struct bitmap *self, uint64_t from_page, struct page_run *ret_run)
{
	const uint64_t first = find_next(self, from_page, 0);

	if (first >= end_of(self))
		return false;
	*ret_run = (struct page_run){ first, find_next(self, first, ~UINT64_C(0)) - first };
	return true;
}
