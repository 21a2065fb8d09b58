/*
 * head_start.h - would a replay stay ahead of a program that starts now? Pure.
 *
 * A program that overtakes the prefetch reads by itself: the kernel reads more around each of its faults, and
 * these requests stand in line behind what is under way. To start it a little later costs nothing as long as
 * it would only have waited for the same pages; how much later depends on the disk, and shows while it works.
 */
#ifndef PBRUN_HEAD_START_H
#define PBRUN_HEAD_START_H

#include "prefetch/plan.h"

/*
 * True if each request of plan, in its order and at the rate so far, will be over before a program that
 * starts now needs it; what lies far away (place.h) keeps nobody waiting. done_pages, without those, is how
 * many pages' requests are over, elapsed_ns how long that took.
 *
 * Recorded times are about those of an untraced start, or longer: the program is taken to be
 * HEAD_START_SLOWER times as fast. A page may have been used up to HEAD_START_EARLIER_US before it was seen
 * (the time between two looks).
 */
bool head_start_is_ahead(const struct plan *plan, uint64_t done_pages, uint64_t elapsed_ns);

#define HEAD_START_SLOWER 1.2
#define HEAD_START_EARLIER_US 5000u

/* Has a program that was started cold elapsed_ns ago probably got beyond what it uses at first_use_us? Cold,
 * it is up to half as slow again. */
bool head_start_is_past(uint32_t first_use_us, uint64_t elapsed_ns);

#endif
