/* operand_use.c - gives this start's operands the pages that the program will use of them */
#include "operand_use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/bounds.h"
#include "sys/page.h"

enum {
	/* Extents of the head, or of the end, with no larger gap between them are one. */
	MAX_GAP_PAGES = 8,
	/* What is foretold beyond the example's length is cut into so many extents, at most. */
	MAX_PIECES = 256,
	MIN_PIECE_PAGES = 64,
};

bool operand_use_is_known(const struct pageset *remembered)
{
	for (size_t i = 0; i < remembered->n_files; i++)
		if (remembered->files[i]->operand != PAGESET_NO_OPERAND &&
		    remembered->files[i]->n_extents > 0)
			return true;
	return false;
}

/* Not of what was only named on the way to others. */
bool operand_use_has_other_directory(const struct operand_targets *targets, const struct pageset *remembered)
{
	bool has_any = false;

	for (size_t i = 0; i < remembered->n_files; i++) {
		const struct pageset_file *file = remembered->files[i];

		if (file->operand != PAGESET_OPERAND_BELOW || file->n_extents == 0)
			continue;
		if (operand_targets_code(targets, file->path) != PAGESET_NO_OPERAND)
			return false;
		has_any = true;
	}
	return has_any;
}

/* The remembered files that tell how others are used. */
struct examples {
	const struct pageset_file *files[OPERAND_MAX_EXAMPLES];
	size_t n;
};

/* What was looked up in vain, or is a directory, tells nothing of files. */
static bool is_example(const struct pageset_file *file)
{
	return file->operand > PAGESET_OPERAND_BELOW && !(file->access & PAGESET_LISTED) &&
	       (file->access & (uint8_t)~PAGESET_MISSING);
}

static void list_examples(const struct pageset *remembered, struct examples *ret_examples)
{
	/* The latest first: those who are left out are the oldest. */
	for (unsigned int age = 0; age < 8; age++)
		for (size_t i = 0; i < remembered->n_files; i++) {
			const struct pageset_file *file = remembered->files[i];

			if (is_example(file) && file->age == age && ret_examples->n < OPERAND_MAX_EXAMPLES)
				ret_examples->files[ret_examples->n++] = file;
		}
}

static const char *suffix_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(path, '.');

	return dot && (!slash || dot > slash + 1) ? dot : "";
}

/* NULL: there is nothing to go by. */
static const struct pageset_file *best_example(const struct examples *examples,
					       const struct operand_target *target)
{
	const struct pageset_file *best = NULL;
	int best_likeness = -1;

	for (size_t i = 0; i < examples->n; i++) {
		const struct pageset_file *file = examples->files[i];
		int likeness = 4 * (strcmp(file->path, target->path) == 0) +
			       2 * (file->operand == target->code) +
			       (strcmp(suffix_of(file->path), suffix_of(target->path)) == 0);

		if (likeness > best_likeness ||
		    (likeness == best_likeness && file->id.size_bytes > best->id.size_bytes)) {
			best = file;
			best_likeness = likeness;
		}
	}
	return best;
}

/* How a file was used. Its extents are sorted by page. */
struct manner {
	const struct pageset_file *example;
	uint64_t n_file_pages;
	uint64_t n_head; /* pages from the first on */
	uint64_t n_tail; /* pages up to the last */
	bool is_whole;
};

static uint64_t end_of(const struct extent *extent)
{
	return extent->first_page + extent->n_pages;
}

static struct manner manner_of(const struct pageset_file *example)
{
	struct manner manner = { .example = example, .n_file_pages = page_count(example->id.size_bytes) };
	uint64_t n_used = pageset_file_pages(example), tail_page = manner.n_file_pages;

	for (size_t i = 0; i < example->n_extents; i++)
		if (example->extents[i].first_page <= manner.n_head + (i > 0 ? MAX_GAP_PAGES : 0))
			manner.n_head = end_of(&example->extents[i]);
	for (size_t i = example->n_extents; i-- > 0;)
		if (end_of(&example->extents[i]) + (i + 1 < example->n_extents ? MAX_GAP_PAGES : 0) >=
		    tail_page)
			tail_page = example->extents[i].first_page;
	manner.n_tail = tail_page < manner.n_file_pages ? manner.n_file_pages - tail_page : 0;
	manner.is_whole =
		10 * n_used >= 9 * manner.n_file_pages ||
		(2 * n_used > manner.n_file_pages && 2 * n_used > 3 * (manner.n_head + manner.n_tail));
	return manner;
}

/* The extents of the example between two pages, as pages from to_page on, up to end_page. */
static int copy_pages(struct pageset_file *file, const struct pageset_file *example, uint64_t from_page,
		      uint64_t to_page, uint64_t end_page)
{
	int r = 0;

	for (size_t i = 0; i < example->n_extents && r == 0; i++) {
		const struct extent *extent = &example->extents[i];
		uint64_t first = max_u64(extent->first_page, from_page);

		if (end_of(extent) > from_page)
			r = pageset_file_add_up_to(file, min_u64(first - from_page + to_page, end_page),
						   min_u64(end_of(extent) - from_page + to_page, end_page),
						   extent->first_use_us);
	}
	return r;
}

/* All of the file, up to end_page: as fast as the example was gone through. */
static int take_whole(struct pageset_file *file, const struct manner *manner, uint64_t end_page)
{
	uint64_t n_known = min_u64(manner->n_file_pages, end_page);
	uint64_t piece_pages = max_u64((end_page - n_known) / MAX_PIECES + 1, MIN_PIECE_PAGES);
	uint32_t first_us = UINT32_MAX, last_us = 0;
	int r = copy_pages(file, manner->example, 0, 0, end_page);

	for (size_t i = 0; i < manner->example->n_extents; i++) {
		uint32_t time_us = manner->example->extents[i].first_use_us;

		first_us = time_us < first_us ? time_us : first_us;
		last_us = time_us > last_us ? time_us : last_us;
	}
	/* Gaps in what was used nearly whole. */
	if (r == 0)
		r = pageset_file_add_up_to(file, 0, n_known, last_us);
	for (uint64_t page = n_known; page < end_page && r == 0; page += piece_pages) {
		uint64_t us = last_us + (uint64_t)((double)(last_us - first_us) * (double)(page - n_known) /
						   (double)manner->n_file_pages);

		r = pageset_file_add_up_to(file, page, min_u64(page + piece_pages, end_page),
					   (uint32_t)min_u64(us, UINT32_MAX));
	}
	return r;
}

static int take_ends(struct pageset_file *file, const struct manner *manner, uint64_t n_pages)
{
	uint64_t n_tail = min_u64(manner->n_tail, n_pages);
	int r = copy_pages(file, manner->example, 0, 0, min_u64(manner->n_head, n_pages));

	return r < 0 ? r
		     : copy_pages(file, manner->example, manner->n_file_pages - manner->n_tail,
				  n_pages - n_tail, n_pages);
}

/* Adds a file that is not remembered, or was another then. */
static int follow_example(struct pageset *wanted, const struct operand_target *target,
			  const struct pageset_file *example)
{
	struct manner manner = manner_of(example);
	uint64_t n_pages = min_u64(page_count(target->id.size_bytes), BITMAP_MAX_PAGES);
	struct pageset_file *file = NULL;
	int r = pageset_add(wanted, target->path, example->first_use_us, &file);

	if (r < 0)
		return r;
	file->id = target->id;
	file->access = example->access;
	if (example->n_extents == 0 || manner.n_file_pages == 0)
		return 0;
	if (!manner.is_whole)
		return take_ends(file, &manner, n_pages);
	return take_whole(
		file, &manner,
		min_u64(n_pages, max_u64(manner.n_file_pages * OPERAND_MAX_GROWTH, OPERAND_MIN_PAGES)));
}

static int copy_file(struct pageset *wanted, const struct pageset_file *remembered)
{
	struct pageset_file *file = NULL;
	int r = pageset_add(wanted, remembered->path, remembered->first_use_us, &file);

	if (r < 0)
		return r;
	file->id = remembered->id;
	file->access = remembered->access;
	file->is_unanswered = remembered->is_unanswered;
	file->exact = remembered->exact;
	file->age = remembered->age;
	for (size_t i = 0; i < remembered->n_extents && r == 0; i++)
		r = pageset_file_append(file, remembered->extents[i]);
	return r;
}

static bool is_same_file(const struct pageset_file *remembered, const struct operand_target *target)
{
	return remembered->id.size_bytes == target->id.size_bytes &&
	       remembered->id.mtime_ns == target->id.mtime_ns;
}

/* Those that are remembered. What is below a directory is looked at when it is opened. */
static int take_remembered(const struct operand_targets *targets, const struct pageset *remembered,
			   struct pageset *wanted)
{
	int r = 0;

	for (size_t i = 0; i < remembered->n_files && r == 0; i++) {
		const struct pageset_file *file = remembered->files[i];
		const struct operand_target *target;

		if (file->operand == PAGESET_NO_OPERAND ||
		    operand_targets_code(targets, file->path) == PAGESET_NO_OPERAND)
			continue;
		target = operand_targets_find(targets, file->path);
		if (!target || target->kind != OPERAND_FILE || is_same_file(file, target))
			r = copy_file(wanted, file);
	}
	return r;
}

/* A file that is the program's, and is prefetched as such. */
static bool is_of_program(const struct pageset *remembered, const char *path)
{
	const struct pageset_file *file = pageset_find(remembered, path);

	return file && file->operand == PAGESET_NO_OPERAND && file->n_extents > 0;
}

int operand_use_select(const struct operand_targets *targets, const struct pageset *remembered,
		       const struct exclusions *excluded, struct pageset *ret_wanted)
{
	cleanup_free struct examples *examples = calloc(1, sizeof(*examples));
	size_t n_followers = 0;
	int r = examples ? take_remembered(targets, remembered, ret_wanted) : -ENOMEM;

	if (r < 0)
		return r;
	list_examples(remembered, examples);
	for (size_t i = 0; i < targets->n && r == 0 && n_followers < OPERAND_MAX_FOLLOWERS; i++) {
		const struct operand_target *target = &targets->items[i];
		const struct pageset_file *example;

		if (target->kind != OPERAND_FILE || target->code == PAGESET_NO_OPERAND ||
		    target->id.size_bytes == 0 || pageset_find(ret_wanted, target->path) ||
		    is_of_program(remembered, target->path) || exclusions_match(excluded, target->path))
			continue;
		example = best_example(examples, target);
		if (example) {
			r = follow_example(ret_wanted, target, example);
			n_followers++;
		}
	}
	return r;
}
