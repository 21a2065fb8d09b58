/* plan.c - a page set as requests in order of first use, cut and joined as the storage likes it */
#include "prefetch/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefetch/windows.h"
#include "sys/bounds.h"
#include "sys/page.h"
#include "sys/pagemap.h"
#include "sys/traps.h"

/*
 * Extents of one file are joined only if they are used within this time of each other. A joined
 * request has to come when the first of its extents is needed, and so reads the later ones ahead of
 * all that is used in between. That is worth it for the whole of a usual launch: a request saved costs a
 * fast disk little and a slow one much (docs/replay.md). What is used long after is another matter.
 */
#define JOIN_MAX_US 1000000u
/* Of the names in one directory that are only looked up, one in so many is looked at: that brings in the
 * blocks that hold the others (ext4 has 16 inodes in a block, and reads 32 blocks ahead). */
#define NAMES_AT_ONCE 16

const struct plan_shape plan_shapes[N_STORAGES] = {
	[STORAGE_SOLID_STATE] = { .bridge_pages = 4, .piece_pages = 64 },
	[STORAGE_ROTATING] = { .bridge_pages = 32, .piece_pages = 256 },
	[STORAGE_PACKED] = { .bridge_pages = 4, .piece_pages = 64 },
	[STORAGE_SLOW] = { .bridge_pages = 15, .piece_pages = 64 },
};

/* One thing to be put in order of first use. Small, because sorting is mostly memory traffic. */
struct timed {
	uint32_t first_use_us;
	uint32_t index;
};

/* Radix sort, because a hundred thousand requests by qsort(3) cost more than the launch can spare.
 * Stable: what is used at the same time stays in the order in which it is. 0 or -ENOMEM. */
static int sort_by_first_use(struct timed *items, size_t n)
{
	cleanup_free struct timed *scratch = reallocarray(NULL, n + 1, sizeof(*scratch));

	if (!scratch)
		return -ENOMEM;

	struct timed *from = items, *to = scratch;

	/* An even number of passes: the result is in items again. */
	for (unsigned int shift = 0; shift < 32; shift += 8) {
		size_t begin[257] = { 0 };

		for (size_t i = 0; i < n; i++)
			begin[((from[i].first_use_us >> shift) & 0xff) + 1]++;
		for (size_t digit = 1; digit < 256; digit++)
			begin[digit] += begin[digit - 1];
		for (size_t i = 0; i < n; i++)
			to[begin[(from[i].first_use_us >> shift) & 0xff]++] = from[i];

		struct timed *swap = from;

		from = to;
		to = swap;
	}
	return 0;
}

static uint32_t earliest_use(const struct pageset_file *file)
{
	uint32_t first_use_us = file->first_use_us;

	for (size_t i = 0; i < file->n_extents; i++)
		if (file->extents[i].first_use_us < first_use_us)
			first_use_us = file->extents[i].first_use_us;
	return first_use_us;
}

/* Nearly all of it, up to the last page that is used. */
static bool is_streamed(const struct pageset_file *file)
{
	uint64_t n_used = pageset_file_pages(file), end = 0;

	if (!(file->access & PAGESET_READ) || (file->access & PAGESET_MAPPED) || n_used < PLAN_STREAM_PAGES)
		return false;
	for (size_t i = 0; i < file->n_extents; i++)
		if (file->extents[i].first_page + file->extents[i].n_pages > end)
			end = file->extents[i].first_page + file->extents[i].n_pages;
	return n_used >= end - end / 10;
}

static size_t directory_size(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* Goes through the names of a pageset, which is sorted as a rule, directory by directory. */
struct directory {
	const char *path;
	size_t size;
	size_t n_names;
};

static bool has_pages(const struct pageset_file *file, void *context)
{
	(void)context;
	return file->n_extents > 0;
}

/* Does this name stand for those around it? */
static bool is_leader(const struct pageset_file *file, struct directory *directory)
{
	if (file->access & PAGESET_LISTED)
		return true;
	size_t size = directory_size(file->path);

	if (!directory->path || size != directory->size || memcmp(directory->path, file->path, size) != 0)
		*directory = (struct directory){ file->path, size, 0 };
	return directory->n_names++ % NAMES_AT_ONCE == 0;
}

static bool is_leading_name(const struct pageset_file *file, void *context)
{
	return file->n_extents == 0 && is_leader(file, context);
}

static bool is_deferred_name(const struct pageset_file *file, void *context)
{
	return file->n_extents == 0 && !is_leader(file, context);
}

static bool is_left_out(const struct pageset_file *file, const struct plan_options *options)
{
	return file->operand == PAGESET_NO_OPERAND && file->is_unanswered &&
	       options->unanswered == PLAN_LEAVE_OUT;
}

/* The files that are wanted, by first use. 0 or -ENOMEM. */
static int order_files(const struct pageset *pageset, const struct plan_options *options,
		       bool (*is_wanted)(const struct pageset_file *, void *), void *context,
		       struct plan_file **ret_files, size_t *ret_n)
{
	cleanup_free struct timed *order = reallocarray(NULL, pageset->n_files + 1, sizeof(*order));
	size_t n = 0, n_kept = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < pageset->n_files; i++)
		if (pageset->files[i]->operand == PAGESET_NO_OPERAND &&
		    is_wanted(pageset->files[i], context) && !is_left_out(pageset->files[i], options))
			order[n++] = (struct timed){ earliest_use(pageset->files[i]), (uint32_t)i };

	struct plan_file *files = reallocarray(NULL, n + 1, sizeof(*files));

	if (!files || sort_by_first_use(order, n) < 0) {
		free(files);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		const struct pageset_file *file = pageset->files[order[i].index];
		struct place place = place_of(options->places, file->path);

		if (place.reach != PLACE_LEFT_OUT && (place.reach != PLACE_MEMORY || file->n_extents > 0))
			files[n_kept++] = (struct plan_file){ .file = file,
							      .first_use_us = order[i].first_use_us,
							      .place = place,
							      .is_streamed = is_streamed(file) };
	}
	*ret_files = files;
	*ret_n = n_kept;
	return 0;
}

static uint64_t end_page(const struct plan_request *request)
{
	return request->first_page + request->n_pages;
}

static int compare_pages(const void *a, const void *b)
{
	const struct plan_request *left = a, *right = b;

	return (left->first_page > right->first_page) - (left->first_page < right->first_page);
}

/* The extents of one file, by page, as far as they lie in the file. Returns their number. */
static size_t take_extents(const struct plan_file *planned, uint32_t file_index,
			   const struct plan_options *options, struct plan_request *requests)
{
	const struct pageset_file *file = planned->file;
	uint64_t n_file_pages = page_count(file->id.size_bytes);
	bool is_sorted = true;
	size_t n = 0;

	for (size_t i = 0; i < file->n_extents; i++) {
		const struct extent *extent = &file->extents[i];

		if (extent->first_page >= n_file_pages || extent->n_pages == 0 ||
		    extent->age > options->max_age)
			continue;

		if (n > 0 && requests[n - 1].first_page > extent->first_page)
			is_sorted = false;
		requests[n++] = (struct plan_request){
			.file_index = file_index,
			.first_use_us = extent->first_use_us,
			.first_page = extent->first_page,
			.n_pages = min_u64(extent->n_pages, n_file_pages - extent->first_page),
		};
	}
	if (!is_sorted)
		qsort(requests, n, sizeof(*requests), compare_pages);
	return n;
}

static uint64_t n_pieces(uint64_t n_pages, uint64_t piece_pages)
{
	return n_pages / piece_pages + (n_pages % piece_pages != 0);
}

/* Worth it only where it saves a request: two pieces that stay two pieces keep their own times, and
 * the gap between them stays unread. */
static bool is_worth_joining(const struct plan_request *a, const struct plan_request *b,
			     const struct plan_shape *shape)
{
	uint64_t gap_pages = b->first_page > end_page(a) ? b->first_page - end_page(a) : 0;
	uint32_t apart_us = a->first_use_us > b->first_use_us ? a->first_use_us - b->first_use_us
							      : b->first_use_us - a->first_use_us;

	return a->how == PLAN_ORDINARY && b->how == PLAN_ORDINARY && gap_pages <= shape->bridge_pages &&
	       apart_us <= JOIN_MAX_US &&
	       n_pieces(end_page(b) - a->first_page, shape->piece_pages) <
		       n_pieces(a->n_pages, shape->piece_pages) + n_pieces(b->n_pages, shape->piece_pages);
}

/* Joins neighbours in requests, which are of one file and sorted by page. Returns how many are left. */
static size_t join_neighbours(struct plan_request *requests, size_t n, const struct plan_shape *shape)
{
	size_t n_joined = 0;

	for (size_t i = 0; i < n; i++) {
		const struct plan_request *next = &requests[i];
		struct plan_request *last = n_joined > 0 ? &requests[n_joined - 1] : NULL;

		if (!last || !is_worth_joining(last, next, shape)) {
			requests[n_joined++] = *next;
			continue;
		}
		if (end_page(next) > end_page(last))
			last->n_pages = end_page(next) - last->first_page;
		if (next->first_use_us < last->first_use_us)
			last->first_use_us = next->first_use_us;
	}
	return n_joined;
}

static const struct plan_shape *shape_of(const struct plan_options *options, const struct plan_file *file)
{
	return &(options->shapes ? options->shapes : plan_shapes)[file->place.storage];
}

static uint64_t huge_pages(void)
{
	return page_huge_bytes() >> page_shift();
}

/* What one request for a part of whole may be long at most. */
static uint64_t max_piece_pages(const struct plan *plan, const struct plan_request *whole,
				const struct plan_options *options)
{
	return whole->how == PLAN_HUGE ? huge_pages()
				       : shape_of(options, &plan->files[whole->file_index])->piece_pages;
}

/* How many pieces there are at most. */
static uint64_t count_pieces(const struct plan *plan, const struct plan_request *whole, size_t n,
			     const struct plan_options *options)
{
	uint64_t n_wanted = 0;

	for (size_t i = 0; i < n && n_wanted < PLAN_MAX_EXTENTS; i++)
		n_wanted += n_pieces(whole[i].n_pages, max_piece_pages(plan, &whole[i], options));
	return min_u64(n_wanted, PLAN_MAX_EXTENTS);
}

/* Fills plan->requests from whole, in the given order, as far as the budget goes. */
static int cut_pieces(const struct plan_request *whole, const struct timed *order, size_t n,
		      const struct plan_options *options, struct plan *plan)
{
	/* 16 TiB is as good as no limit, and keeps the sums from overflowing. */
	uint64_t budget_pages = min_u64(options->budget_pages, BITMAP_MAX_PAGES), left_pages = budget_pages;
	uint64_t max_pieces = count_pieces(plan, whole, n, options);

	plan->requests = reallocarray(NULL, max_pieces + 1, sizeof(*plan->requests));
	if (!plan->requests)
		return -ENOMEM;

	for (size_t i = 0; i < n && left_pages > 0; i++) {
		struct plan_request rest = whole[order[i].index];

		rest.n_pages = min_u64(rest.n_pages, left_pages);
		while (rest.n_pages > 0 && plan->n_requests < max_pieces) {
			if (rest.n_pages < huge_pages())
				rest.how = PLAN_ORDINARY;

			struct plan_request piece = rest;

			piece.n_pages = min_u64(piece.n_pages, max_piece_pages(plan, &rest, options));
			plan->requests[plan->n_requests++] = piece;
			rest.first_page += piece.n_pages;
			rest.n_pages -= piece.n_pages;
			left_pages -= piece.n_pages;
		}
		if (plan->n_requests == max_pieces)
			break;
	}
	plan->n_pages = budget_pages - left_pages;
	return 0;
}

static bool may_have_huge_folios(const struct plan_file *file, const struct plan_options *options)
{
	return options->folios == PLAN_HUGE_FOLIOS && file->place.folios == PLACE_LARGE_FOLIOS &&
	       file->place.storage == STORAGE_SOLID_STATE && pageset_file_is_code(file->file);
}

/* The requests for one file, joined but not cut. Returns their number; scratch has room for all its extents.
 */
static size_t collect_of_file(const struct plan_file *file, uint32_t file_index,
			      const struct plan_options *options, struct plan_request *scratch,
			      struct plan_request *ret_requests)
{
	bool is_huge = may_have_huge_folios(file, options);
	size_t n = take_extents(file, file_index, options, is_huge ? scratch : ret_requests);

	if (is_huge)
		n = windows_form(scratch, n, page_count(file->file->id.size_bytes), ret_requests);
	return join_neighbours(ret_requests, n, shape_of(options, file));
}

/* The requests for the first files of plan, joined but not cut, and not in order yet: three for each of
 * n_extents at most, which scratch has room for. Returns their number. */
static size_t collect_requests(struct plan *plan, const struct plan_options *options, size_t n_extents,
			       struct plan_request *scratch, struct plan_request *whole)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_files; i++) {
		const struct plan_file *file = &plan->files[i];

		if (file->place.reach == PLACE_MEMORY) {
			plan->n_memory_pages += pageset_file_pages(file->file);
			continue;
		}
		if (file->file->n_extents > n_extents)
			break;
		n_extents -= file->file->n_extents;
		n += collect_of_file(file, (uint32_t)i, options, scratch, whole + n);
	}
	return n;
}

static int order_requests(const struct pageset *pageset, const struct plan_options *options,
			  struct plan *plan)
{
	size_t n_extents = (size_t)min_u64(pageset_count_extents(pageset), PLAN_MAX_EXTENTS);
	size_t room = options->folios == PLAN_HUGE_FOLIOS ? 3 * n_extents : n_extents;
	cleanup_free struct plan_request *scratch = reallocarray(NULL, n_extents + 1, sizeof(*scratch));
	cleanup_free struct plan_request *whole = reallocarray(NULL, room + 1, sizeof(*whole));
	cleanup_free struct timed *order = reallocarray(NULL, room + 1, sizeof(*order));

	if (!scratch || !whole || !order)
		return -ENOMEM;

	size_t n = collect_requests(plan, options, n_extents, scratch, whole);

	for (size_t i = 0; i < n; i++)
		order[i] = (struct timed){ whole[i].first_use_us, (uint32_t)i };

	int r = sort_by_first_use(order, n);

	/* Cut only now: the budget bounds the number of pieces, however long an extent claims to be. */
	return r < 0 ? r : cut_pieces(whole, order, n, options, plan);
}

/* What the kernel keeps of a name takes about a kilobyte, if there is a file of it. */
static int order_names(const struct pageset *pageset, const struct plan_options *options, struct plan *plan)
{
	uint64_t left_pages = options->budget_pages - min_u64(plan->n_pages, options->budget_pages);
	struct directory directory = { 0 };
	struct directory again = { 0 };
	int r = order_files(pageset, options, is_leading_name, &directory, &plan->names, &plan->n_names);

	if (r == 0)
		r = order_files(pageset, options, is_deferred_name, &again, &plan->deferred_names,
				&plan->n_deferred_names);
	if (plan->n_deferred_names / 4 > left_pages)
		plan->n_deferred_names = 0;
	return r;
}

int plan_build(const struct pageset *pageset, const struct plan_options *options, struct plan *ret_plan)
{
	cleanup_with(plan_release) struct plan plan = { 0 };
	int r;

	r = order_files(pageset, options, has_pages, NULL, &plan.files, &plan.n_files);
	if (r == 0)
		r = order_requests(pageset, options, &plan);
	if (r == 0)
		r = order_names(pageset, options, &plan);
	if (r < 0)
		return r;
	for (size_t i = 0; i < pageset->n_files; i++)
		plan.n_left_out += is_left_out(pageset->files[i], options);
	plan.has_traps = options->places && traps_exist(&options->places->mounts);
	*ret_plan = plan;
	plan = (struct plan){ 0 };
	return 0;
}

void plan_release(struct plan *self)
{
	free(self->files);
	free(self->names);
	free(self->deferred_names);
	free(self->requests);
	*self = (struct plan){ 0 };
}

static bool can_be_judged(const struct pageset_file *file, enum plan_sight sight)
{
	return sight == PLAN_SEES_ALL ||
	       (file->access & (PAGESET_MAPPED | PAGESET_READ | PAGESET_BEFORE_EXEC)) == PAGESET_MAPPED;
}

/* Which pages of an image were used is found out later (record/in_image.h). */
static bool is_unseen_image(const struct pageset_file *used)
{
	return used && !used->exact && used->n_extents == 0;
}

struct plan_use plan_compare(const struct plan *self, struct pageset *seen, enum plan_sight sight)
{
	struct plan_use use = { 0 };

	for (size_t i = 0; i < self->n_requests; i++) {
		const struct plan_request *request = &self->requests[i];
		const struct pageset_file *file = self->files[request->file_index].file;

		struct pageset_file *used = pageset_find(seen, file->path);

		if (!request->was_read || !can_be_judged(file, sight) || is_unseen_image(used))
			continue;
		use.n_judged += request->n_pages;
		for (uint64_t page = request->first_page; page < end_page(request); page++)
			use.n_unused += !used || !pageset_file_has(used, page);
	}
	return use;
}
