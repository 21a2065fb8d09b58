/*
 * residency.h - is all that a program needs in memory already?
 *
 * Looked at before anything is forked: a warm start has no time for more than a few samples.
 */
#ifndef PBRUN_RESIDENCY_H
#define PBRUN_RESIDENCY_H

#include "pageset.h"

/*
 * True if samples of the pages and of the looked up names are in memory, and no more of the files that were
 * looked at has changed than policy_files_changed() lets pass: then there is nothing to prefetch, and nothing
 * that a training run would be due for.
 *
 * The samples are spread evenly over the pages, and over the files of which only metadata is used; all are
 * taken if they are few. The first that is missing ends the look, so a cold start pays for one. For changes
 * as many files are looked at as can be in 0.15 ms, beginning at a random one: every
 * file of a small program, and those of a large one in the course of some starts.
 *
 * Names are asked for by openat2(2) with RESOLVE_CACHED, pages by preadv2(2) with RWF_NOWAIT: neither waits
 * for the disk. A kernel without (before 5.12) gives false.
 */
bool residency_is_complete(const struct pageset *files, uint32_t random);

#endif
