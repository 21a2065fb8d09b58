/* head_start.c - whether a replay stays ahead of a program that starts now */
#include "prefetch/head_start.h"

/* After the start of the program, without being traced. */
static double needed_after_ns(const struct plan_request *request)
{
	uint32_t first_use_us = request->first_use_us;

	return first_use_us > HEAD_START_EARLIER_US
		       ? (first_use_us - HEAD_START_EARLIER_US) * (1000 / HEAD_START_SLOWER)
		       : 0;
}

bool head_start_is_ahead(const struct plan *plan, uint64_t done_pages, uint64_t elapsed_ns)
{
	/* One page more: before the first is over nothing is known but that it takes longer. */
	double ns_per_page = (double)elapsed_ns / (double)(done_pages + 1);
	uint64_t n_pages = 0;

	for (size_t i = 0; i < plan->n_requests; i++) {
		if (plan->files[plan->requests[i].file_index].place.reach == PLACE_FAR)
			continue;
		n_pages += plan->requests[i].n_pages;
		if (n_pages > done_pages &&
		    (double)(n_pages - done_pages) * ns_per_page > needed_after_ns(&plan->requests[i]))
			return false;
	}
	return true;
}

bool head_start_is_past(uint32_t first_use_us, uint64_t elapsed_ns)
{
	return elapsed_ns > (uint64_t)first_use_us * 1500;
}
