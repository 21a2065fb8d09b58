/*
 * show.h - what --show and --dry-run print of a recording.
 */
#ifndef PBRUN_SHOW_H
#define PBRUN_SHOW_H

#include "shadow/shadow.h"
#include "terminal.h"

/* The files of which there are pages, with most pages first. To be freed; NULL: out of memory. */
const struct pageset_file **show_sorted_files(const struct pageset *files, size_t *ret_n_files);

/* Their table, with a bar for each that maps the touched pages along the file. 0 or -ENOMEM. */
must_check int show_files(const struct pageset *files, uint64_t page_size, const struct terminal *terminal);

/* What each of the last starts prefetched, used, wasted and waited for, as a table, the latest first. 0 or
 * -ENOMEM. */
must_check int show_starts(const struct history *history, const struct terminal *terminal);

/* The names that are only looked up, one a line. */
void show_names(const struct pageset *files);

/*
 * Draws the launch: time across, files down, when each part is first needed, how much of each file is
 * touched. 0, -ENOMEM; what could not be written ferror(3) of stream tells.
 */
must_check int show_svg(const struct shadow *shadow, FILE *stream);

#endif
