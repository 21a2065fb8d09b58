/*
 * plan.h - in which order to prefetch what. Pure, but for a look at /sys (storage.h): pageset in, list of
 * requests out. No file is looked at.
 */
#ifndef PBRUN_PLAN_H
#define PBRUN_PLAN_H

#include "pageset.h"
#include "prefetch/place.h"

struct plan_file {
	const struct pageset_file *file; /* belongs to the pageset, which outlives the plan */
	uint32_t first_use_us;           /* the earliest of the file and its extents */
	struct place place;
	bool is_streamed;   /* it is long and read(2) from its beginning on: the kernel reads ahead as soon as
			       the program has come to it */
	bool is_unanswered; /* set by the replay: its file system did not answer in time */
};

/* A file of which no more pages are used is not called streamed: the whole of it is one or two requests. */
#define PLAN_STREAM_PAGES 256u

/* How a request is to be carried out. */
enum plan_how {
	PLAN_ORDINARY,
	PLAN_HUGE, /* it is one window (windows.h): as a huge folio, if that can be had */
};

/* One piece of data to have read: n_pages of files[file_index], beginning with first_page. */
struct plan_request {
	uint32_t file_index; /* into plan.files */
	uint32_t first_use_us;
	uint64_t first_page;
	uint64_t n_pages;
	enum plan_how how;
	bool was_read; /* set by the replay: it was not in memory */
};

struct plan {
	struct plan_file *files; /* of which there are pages, by first use: the order in which to open them */
	size_t n_files;
	/* Those that are only looked up or listed, by first use. Of many in one directory, first some, which
	 * bring in the blocks of the others, and then the others. */
	struct plan_file *names;
	size_t n_names;
	struct plan_file *deferred_names;
	size_t n_deferred_names;
	struct plan_request *requests; /* by first use */
	size_t n_requests;
	uint64_t n_pages;        /* of all requests */
	size_t n_left_out;       /* files and names: unanswered before */
	uint64_t n_memory_pages; /* of files that lie in memory, for which there is no request */
	bool has_traps;          /* a path may lead where a look would mount something: traps.h */
};

/* How requests are cut. */
struct plan_shape {
	uint64_t bridge_pages; /* read a gap of at most so many pages rather than make two requests */
	uint64_t piece_pages;  /* no request is longer; at least 1 */
};

/*
 * What suits each kind of storage. A gap is bridged if it gives so many pages in the time that one more
 * request takes it. Longer pieces save requests, too, but the program's own faults wait behind them
 * (docs/replay.md).
 */
extern const struct plan_shape plan_shapes[N_STORAGES];

/* What becomes of files that are marked as unanswered (pageset.h). */
enum plan_unanswered { PLAN_ASK_AGAIN, PLAN_LEAVE_OUT };

/* Are windows that are used densely read as a whole, where that makes huge folios (place.h)? Only of programs
 * and libraries, on solid-state disks: data gain nothing by it, and other disks lose more
 * (docs/replay.md). */
enum plan_folios { PLAN_SMALL_FOLIOS, PLAN_HUGE_FOLIOS };

struct plan_options {
	const struct plan_shape *shapes; /* by storage; NULL: plan_shapes */
	struct places *places;           /* NULL: every file is near, on a solid-state disk */
	enum plan_unanswered unanswered;
	enum plan_folios folios;
	uint64_t budget_pages; /* no more than this in all: what is used last is left out */
	uint8_t max_age;       /* what was last used so many recorded runs ago still counts */
};

/* A shadow may claim more extents: those of the files that are used last are left out. */
#define PLAN_MAX_EXTENTS 250000u

/* 0 or -ENOMEM. Files that are marked as operands are left out, as they are not the program's. Nothing below
 * /proc, /sys, /dev or on a file system of that kind is planned. */
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
enum plan_sight { PLAN_SEES_ALL, PLAN_SEES_MAPPED };
struct plan_use plan_compare(const struct plan *self, struct pageset *seen, enum plan_sight sight);

#endif
