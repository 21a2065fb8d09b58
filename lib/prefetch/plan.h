/*
 * plan.h - in which order to prefetch what. Pure: pageset in, list of requests out.
 */
#ifndef PBRUN_PLAN_H
#define PBRUN_PLAN_H

#include "pageset.h"

struct plan_file {
	const struct pageset_file *file; /* belongs to the pageset, which outlives the plan */
	uint32_t first_use_us;           /* the earliest of the file and its extents */
};

/* One piece of data to have read: n_pages of files[file_index], beginning with first_page. */
struct plan_request {
	uint32_t file_index; /* into plan.files */
	uint32_t first_use_us;
	uint64_t first_page;
	uint64_t n_pages;
	bool was_read; /* set by the replay: it was not in memory */
};

struct plan {
	struct plan_file *files; /* of which there are pages, by first use: the order in which to open them */
	size_t n_files;
	/* Those that are only looked up or listed, by first use. Of many in one directory, first some, which
	 * bring in the blocks of the others, and then the others. */
	struct plan_file *names;
	size_t n_names;
	struct plan_file *other_names;
	size_t n_other_names;
	struct plan_request *requests; /* by first use */
	size_t n_requests;
	uint64_t n_pages; /* of all requests */
};

struct plan_options {
	uint64_t bridge_pages; /* read a gap of at most so many pages rather than make two requests */
	uint64_t piece_pages;  /* no request is longer; at least 1 */
	uint64_t budget_pages; /* no more than this in all: what is used last is left out */
	uint8_t most_age;      /* what was last used so many recorded runs ago still counts */
};

/* 0 or -ENOMEM. */
must_check int plan_build(const struct pageset *pageset, const struct plan_options *options,
			  struct plan *ret_plan);
void plan_release(struct plan *self);

/* What a replay was good for, in pages, as far as it can be told. */
struct plan_use {
	uint64_t n_judged; /* pages that were read */
	uint64_t n_unused; /* of these: not used, or read only because a gap was bridged */
};

/*
 * Compares what the replay read with what a run was seen to use. Where only mapped pages are seen (a sampled
 * run), nothing is said of others.
 */
struct plan_use plan_compare(const struct plan *self, struct pageset *seen, bool sees_mapped_only);

#endif
