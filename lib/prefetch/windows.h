/*
 * windows.h - which parts of a file are worth being brought in as huge folios. Pure.
 *
 * A window is as long as a huge page (page_huge_bytes()) and aligned so in the file: what the kernel can hold
 * as one folio and map by one fault.
 */
#ifndef PBRUN_WINDOWS_H
#define PBRUN_WINDOWS_H

#include "prefetch/plan.h"

/*
 * From pages, n requests for a file of n_file_pages, disjoint and by page, makes others: each whole window of
 * which at least WINDOWS_MIN_PERCENT are asked for becomes a request for all of it (PLAN_HUGE), first used
 * when the first of these is; windows in a row with the same time are one request. All else stays as it is.
 * Returns how many requests that are: at most 3 * n, for which ret_requests has room.
 */
size_t windows_form(const struct plan_request *pages, size_t n, uint64_t n_file_pages,
		    struct plan_request *ret_requests);

#define WINDOWS_MIN_PERCENT 67u

#endif
