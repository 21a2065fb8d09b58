/* windows.c - finds the windows of a file that are used densely, in one walk along its pages. */
#include "prefetch/windows.h"

#include "sys/bounds.h"
#include "sys/page.h"

struct walk {
	const struct plan_request *pages;
	size_t n;
	size_t at;     /* of pages: the first that is not over */
	uint64_t page; /* what lies before is over */
	uint64_t n_window_pages;
	uint64_t n_file_pages;
	struct plan_request *requests;
	size_t n_requests;
};

static uint64_t end_page(const struct plan_request *request)
{
	return request->first_page + request->n_pages;
}

static uint64_t first_left(const struct walk *self, const struct plan_request *pages)
{
	return pages->first_page > self->page ? pages->first_page : self->page;
}

/* Does request go on where the last one ends, in the same way and at the same time? */
static bool joins_last(const struct walk *self, const struct plan_request *request)
{
	if (self->n_requests == 0)
		return false;
	const struct plan_request *last = &self->requests[self->n_requests - 1];

	return last->how == request->how && end_page(last) == request->first_page &&
	       last->first_use_us == request->first_use_us;
}

/* A part of what from asks for, or a window that it begins. */
static void add(struct walk *self, const struct plan_request *from, struct page_run run, enum plan_how how)
{
	struct plan_request request = *from;

	request.first_page = run.first_page;
	request.n_pages = run.n_pages;
	request.how = how;
	if (joins_last(self, &request))
		self->requests[self->n_requests - 1].n_pages += run.n_pages;
	else
		self->requests[self->n_requests++] = request;
}

static void go_to(struct walk *self, uint64_t page)
{
	self->page = page;
	while (self->at < self->n && end_page(&self->pages[self->at]) <= page)
		self->at++;
}

/* Windows that one request asks for as a whole, however many. False: it begins with none. */
static bool take_full_windows(struct walk *self)
{
	const struct plan_request *pages = &self->pages[self->at];
	uint64_t first_page = first_left(self, pages), n_left = end_page(pages) - first_page;
	struct page_run run = { first_page, n_left - n_left % self->n_window_pages };

	if (first_page % self->n_window_pages != 0 || run.n_pages == 0)
		return false;
	add(self, pages, run, PLAN_HUGE);
	go_to(self, first_page + run.n_pages);
	return true;
}

/* One that several requests ask for, or one in part. */
static void take_window(struct walk *self)
{
	uint64_t first_page = first_left(self, &self->pages[self->at]);
	struct page_run window = { first_page - first_page % self->n_window_pages, self->n_window_pages };
	uint64_t window_end = window.first_page + window.n_pages, n_used = 0;
	struct plan_request earliest = self->pages[self->at];

	for (size_t i = self->at; i < self->n && self->pages[i].first_page < window_end; i++) {
		n_used += min_u64(end_page(&self->pages[i]), window_end) - first_left(self, &self->pages[i]);
		if (self->pages[i].first_use_us < earliest.first_use_us)
			earliest = self->pages[i];
	}
	if (window_end <= self->n_file_pages && n_used * 100 >= window.n_pages * WINDOWS_MIN_PERCENT) {
		add(self, &earliest, window, PLAN_HUGE);
	} else {
		for (size_t i = self->at; i < self->n && self->pages[i].first_page < window_end; i++) {
			uint64_t first = first_left(self, &self->pages[i]);
			uint64_t end = min_u64(end_page(&self->pages[i]), window_end);

			add(self, &self->pages[i], (struct page_run){ first, end - first }, PLAN_ORDINARY);
		}
	}
	go_to(self, window_end);
}

size_t windows_form(const struct plan_request *pages, size_t n, uint64_t n_file_pages,
		    struct plan_request *ret_requests)
{
	struct walk self = { .pages = pages,
			     .n = n,
			     .n_window_pages = page_huge_bytes() >> page_shift(),
			     .n_file_pages = n_file_pages,
			     .requests = ret_requests };

	while (self.at < n)
		if (!take_full_windows(&self))
			take_window(&self);
	return self.n_requests;
}
