/*
 * residency.h - is all that a program needs in memory already?
 *
 * Looked at before anything is forked: a warm start has no time for more than a few samples.
 */
#ifndef PBRUN_RESIDENCY_H
#define PBRUN_RESIDENCY_H

#include "prefetch/plan.h"

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
 * The program cannot start before the look is over, so no call in it may wait for a file system: paths are
 * looked up by openat2(2) with RESOLVE_CACHED (Linux 5.12; without it false), files by statx(2) with
 * AT_STATX_DONT_SYNC, pages by resident_look(). To open a file for reading may be a question to a
 * server all the same. So that is done only on the mount of the root or of program (a canonical path), and on
 * those whose type is that of a disk (mounts.h). Where nothing tells without waiting (overlayfs, squashfs,
 * for whoever does not own the files) a page on the program's own mount is read, after all names were found
 * in memory: the exec reads from there, too; and if it has to wait it is the last. What cannot be told in
 * this way counts as missing: the threads of a replay find it out, and nobody waits for them.
 */
bool residency_is_complete(const struct pageset *files, const char *program, enum plan_unanswered unanswered,
			   uint32_t random);

#endif
