/* pageset_whole.c - windows of a file that were mapped as a whole, and what to make of them. */
#include <limits.h>

#include "pageset.h"
#include "sys/page.h"

static uint64_t window_pages(void)
{
	return page_huge_bytes() >> page_shift();
}

int pageset_file_add_whole(struct pageset_file *file, struct page_run run)
{
	uint64_t n_new = 0;

	if (run.n_pages > BITMAP_MAX_PAGES || run.first_page > BITMAP_MAX_PAGES - run.n_pages)
		return -ERANGE;
	if (run.n_pages == 0)
		return 0;
	uint64_t window = run.first_page / window_pages();
	uint64_t end = (run.first_page + run.n_pages - 1) / window_pages() + 1;

	for (struct page_run gap; bitmap_next_gap(&file->whole, window, end, &gap);) {
		if (bitmap_set_run(&file->whole, gap) < 0)
			return -ENOMEM;
		n_new += gap.n_pages * window_pages();
		window = gap.first_page + gap.n_pages;
	}
	return n_new < INT_MAX ? (int)n_new : INT_MAX;
}

/* The first of the extents, which are sorted, that does not end before page. */
static size_t first_extent(const struct pageset_file *file, uint64_t page)
{
	size_t first = 0, end = file->n_extents;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (file->extents[middle].first_page + file->extents[middle].n_pages > page)
			end = middle;
		else
			first = middle + 1;
	}
	return first;
}

/* Adds what is remembered of a window. Returns how many extents that are, or -ENOMEM. */
static int add_remembered(struct pageset_file *file, const struct pageset_file *remembered,
			  struct page_run window)
{
	uint64_t window_end = window.first_page + window.n_pages;
	int n = 0;

	for (size_t i = first_extent(remembered, window.first_page);
	     i < remembered->n_extents && remembered->extents[i].first_page < window_end; i++, n++) {
		const struct extent *extent = &remembered->extents[i];
		uint64_t end = extent->first_page + extent->n_pages;
		struct page_run run = { .first_page = extent->first_page > window.first_page
							      ? extent->first_page
							      : window.first_page };

		run.n_pages = (end < window_end ? end : window_end) - run.first_page;
		if (pageset_file_add(file, run, extent->first_use_us) < 0)
			return -ENOMEM;
	}
	return n;
}

static int settle_window(struct pageset_file *file, const struct pageset_file *remembered,
			 struct page_run window)
{
	int n = remembered ? add_remembered(file, remembered, window) : 0;

	if (n != 0)
		return n < 0 ? n : 0;
	file->exact = false;
	n = pageset_file_add(file, window, file->first_use_us);
	return n < 0 ? n : 0;
}

int pageset_file_settle(struct pageset_file *file, const struct pageset_file *remembered)
{
	struct page_run run = { 0 };

	while (bitmap_next_run(&file->whole, run.first_page + run.n_pages, &run))
		for (uint64_t i = run.first_page; i < run.first_page + run.n_pages; i++) {
			int r = settle_window(file, remembered,
					      (struct page_run){ i * window_pages(), window_pages() });

			if (r < 0)
				return r;
		}
	return 0;
}
