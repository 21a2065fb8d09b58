/* merge.c - walks what is remembered and what was seen together, extent by extent. */
#include "shadow/merge.h"

#include <string.h>

/* Pages of one file which are all alike in what is remembered of them and what was seen. */
struct segment {
	uint64_t first_page;
	uint64_t n_pages;
	const struct extent *old;  /* NULL: not remembered */
	const struct extent *seen; /* NULL: not seen */
	bool is_near_old;          /* fault-around of a remembered page may have mapped it */
};

/* Goes through two files together; takes time with the number of extents, however long they are. */
struct sweep {
	struct pageset_cursor old;
	struct pageset_cursor seen;
	struct pageset_cursor near_old;
	uint64_t next_page;
};

static struct sweep sweep_over(const struct pageset_file *old, const struct pageset_file *seen,
			       uint64_t margin_pages)
{
	return (struct sweep){
		.old = pageset_cursor_on(old, 0),
		.seen = pageset_cursor_on(seen, 0),
		.near_old = pageset_cursor_on(old, margin_pages),
	};
}

static bool sweep_next(struct sweep *sweep, struct segment *ret_segment)
{
	uint64_t limit = UINT64_MAX;
	const uint64_t page = sweep->next_page;
	const struct segment segment = {
		.first_page = page,
		.old = pageset_cursor_at(&sweep->old, page, &limit),
		.seen = pageset_cursor_at(&sweep->seen, page, &limit),
		.is_near_old = pageset_cursor_at(&sweep->near_old, page, &limit),
	};

	if (limit == UINT64_MAX)
		return false;
	*ret_segment = segment;
	ret_segment->n_pages = limit - page;
	sweep->next_page = limit;
	return true;
}

/* One merge under way. */
struct merge {
	struct merge_result result;
	uint64_t margin_pages;     /* a page maps others by fault-around that are not farther away */
	uint64_t remembered_pages; /* sample: of the mapped files */
	bool is_sample;
	/* Of a whole run; else nothing grows older: of a part of one, or more of the one that was merged
	 * last. */
	enum { OF_A_RUN, OF_A_PART, AN_ADDITION } kind;
};

static int keep(struct pageset_file *to, const struct segment *segment, uint32_t first_use_us, uint8_t age)
{
	return pageset_file_append(
		to, (struct extent){ segment->first_page, segment->n_pages, first_use_us, age });
}

/* Remembered and not used this time. */
static int grow_older(struct merge *merge, struct pageset_file *to, const struct segment *segment)
{
	if (merge->kind != OF_A_RUN)
		return keep(to, segment, segment->old->first_use_us, segment->old->age);
	if (segment->old->age >= MERGE_MAX_AGE) {
		merge->result.dropped_pages += segment->n_pages;
		return 0;
	}
	merge->result.aged_pages += segment->n_pages;
	return keep(to, segment, segment->old->first_use_us, segment->old->age + 1);
}

/* What becomes of a file's pages after a training run; they are gathered in to. */
static int train_pages(struct merge *merge, struct pageset_file *old, const struct pageset_file *seen,
		       struct pageset_file *to)
{
	const bool has_exact_record = old->exact && old->n_extents > 0;
	/* An exact run tells fault-around from use; a run without a page in this file tells nothing. */
	const bool replaces = !old->exact && seen->exact && seen->n_extents > 0;
	bool is_exact = old->exact || replaces;
	struct sweep sweep = sweep_over(old, seen, merge->margin_pages);
	struct segment segment;

	while (sweep_next(&sweep, &segment)) {
		int r = 0;

		if (segment.seen && segment.old) {
			r = keep(to, &segment, segment.seen->first_use_us, 0);
		} else if (segment.seen && (seen->exact || !has_exact_record || !segment.is_near_old)) {
			r = keep(to, &segment, segment.seen->first_use_us, 0);
			merge->result.new_pages += segment.n_pages;
			is_exact &= seen->exact;
		} else if (segment.old && replaces) {
			merge->result.dropped_pages += segment.n_pages;
		} else if (segment.old) {
			r = grow_older(merge, to, &segment);
		}
		if (r < 0)
			return r;
	}
	old->exact = is_exact;
	return 0;
}

/*
 * The same after a sampled run. A page that was touched is present, so what is not present was not used. What
 * is present near a remembered page may be there by fault-around.
 */
static int sample_pages(struct merge *merge, struct pageset_file *old, const struct pageset_file *seen,
			struct pageset_file *to)
{
	const bool has_exact_record = old->exact && old->n_extents > 0;
	/* What a process used before it executed another program, a sampled run does not see. */
	const bool is_hidden = old->access & PAGESET_BEFORE_EXEC;
	struct sweep sweep = sweep_over(old, seen, merge->margin_pages);
	struct segment segment;

	while (sweep_next(&sweep, &segment)) {
		int r = 0;

		if (segment.old)
			merge->remembered_pages += segment.n_pages;
		else if (segment.seen && !segment.is_near_old)
			merge->result.new_pages += segment.n_pages;

		if (segment.old && segment.seen) {
			r = keep(to, &segment, segment.old->first_use_us, 0);
		} else if (segment.old && is_hidden) {
			r = keep(to, &segment, segment.old->first_use_us, segment.old->age);
		} else if (segment.old) {
			r = grow_older(merge, to, &segment);
		} else if (segment.seen && !has_exact_record) {
			r = keep(to, &segment, segment.seen->first_use_us, 0);
			old->exact = false;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int merge_pages(struct merge *merge, struct pageset_file *old, const struct pageset_file *seen)
{
	cleanup_with(pageset_file_clear) struct pageset_file merged = { 0 };
	int r = merge->is_sample ? sample_pages(merge, old, seen, &merged)
				 : train_pages(merge, old, seen, &merged);

	if (r < 0)
		return r;
	pageset_file_take_pages(old, &merged);
	return 0;
}

/* What was only read or looked up does not show in a pagemap: it is not known to be unused. */
static bool is_sampled(const struct pageset_file *file)
{
	return file->operand == PAGESET_NO_OPERAND && file->access & PAGESET_MAPPED &&
	       !(file->access & PAGESET_BEFORE_EXEC);
}

static int merge_unseen_file(struct merge *merge, struct pageset_file *old)
{
	static const struct pageset_file nothing = { .exact = true };

	if (merge->kind == OF_A_RUN && old->age <= MERGE_MAX_AGE)
		old->age++;
	return merge_pages(merge, old, &nothing);
}

/* A file that was ever used without being named is the program's, whatever names it at other times. */
static uint8_t merge_operand(const struct shadow *self, const struct pageset_file *old,
			     const struct pageset_file *seen)
{
	bool is_known = old && self->flags & SHADOW_TELLS_OPERANDS;

	return is_known && old->operand == PAGESET_NO_OPERAND ? PAGESET_NO_OPERAND : seen->operand;
}

static int merge_seen_file(struct merge *merge, struct shadow *self, const struct pageset_file *seen)
{
	struct pageset_file *old = pageset_find(&self->files, seen->path);
	const uint64_t n_new = merge->result.new_pages;
	const uint8_t operand = merge_operand(self, old, seen);

	/* Only training tells how an operand is used. */
	if (!old && operand != PAGESET_NO_OPERAND && merge->is_sample)
		return 0;
	if (!old && pageset_add(&self->files, seen->path, seen->first_use_us, &old) < 0)
		return -ENOMEM;
	old->operand = operand;

	/* A name that was only looked up is identified by nothing. */
	const bool is_name = merge->kind != OF_A_RUN && seen->n_extents == 0 && seen->id.size_bytes == 0 &&
			     seen->id.mtime_ns == 0;
	const bool is_same = is_name || fileid_equal(&old->id, &seen->id);

	if (!is_same) {
		merge->result.dropped_pages += pageset_file_pages(old);
		pageset_file_clear(old);
		old->exact = true;
		old->access = 0;
	}
	if (!is_same || seen->id.build_id_size > 0)
		old->id = seen->id;
	old->access = merge->is_sample || merge->kind != OF_A_RUN ? old->access | seen->access : seen->access;
	old->age = 0;
	old->is_unanswered = false;
	if (!is_same || !(merge->is_sample || merge->kind != OF_A_RUN))
		old->first_use_us = seen->first_use_us;

	int r = merge_pages(merge, old, seen);

	/* The next start is given other ones: that makes it no other program. */
	if (operand != PAGESET_NO_OPERAND)
		merge->result.new_pages = n_new;
	return r;
}

/* In a record that does not tell operands, what was only read may be one. */
static bool may_be_operand(const struct pageset_file *file, void *context)
{
	const struct pageset *seen = context;

	return !(file->access & PAGESET_MAPPED) && file->n_extents > 0 && !pageset_find(seen, file->path);
}

static bool is_older_than(const struct pageset_file *file, void *context)
{
	const int *max_age = context;

	return file->age > *max_age;
}

/* A shadow that became too large could not be written, now or ever again. */
static void drop_oldest(struct pageset *files)
{
	int max_age = MERGE_MAX_AGE;

	pageset_remove_if(files, is_older_than, &max_age);
	while (max_age > 0 &&
	       (files->n_files > SHADOW_MAX_FILES || pageset_count_extents(files) > SHADOW_MAX_EXTENTS)) {
		max_age--;
		pageset_remove_if(files, is_older_than, &max_age);
	}
}

static void count_up(uint32_t *counter)
{
	if (*counter < UINT32_MAX)
		(*counter)++;
}

int merge_settle(const struct pageset *remembered, struct pageset *seen)
{
	for (size_t i = 0; i < seen->n_files; i++) {
		struct pageset_file *file = seen->files[i];
		const struct pageset_file *old = pageset_find(remembered, file->path);

		if (pageset_file_settle(file, old && fileid_equal(&old->id, &file->id) ? old : NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int merge_run(struct merge *merge, struct shadow *self, struct pageset *seen)
{
	const size_t n_old = self->files.n_files;

	merge->margin_pages =
		self->page_size < MERGE_WINDOW_BYTES ? MERGE_WINDOW_BYTES / self->page_size - 1 : 0;
	pageset_sort(&self->files);
	if (merge_settle(&self->files, seen) < 0)
		return -ENOMEM;
	pageset_sort(seen);
	for (size_t i = 0; i < n_old; i++) {
		struct pageset_file *old = self->files.files[i];

		if (merge->is_sample && !is_sampled(old))
			continue;
		if (!pageset_find(seen, old->path) && merge_unseen_file(merge, old) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < seen->n_files; i++) {
		if (merge_seen_file(merge, self, seen->files[i]) < 0)
			return -ENOMEM;
	}
	drop_oldest(&self->files);
	if (merge->kind != AN_ADDITION)
		count_up(&self->stats.runs);
	if (merge->result.new_pages > 0)
		self->stats.stable_runs = 0;
	else if (merge->kind != AN_ADDITION)
		count_up(&self->stats.stable_runs);
	return 0;
}

static int merge_trained(struct merge *merge, struct shadow *self, struct pageset *seen,
			 struct merge_result *ret_result)
{
	if (merge_run(merge, self, seen) < 0)
		return -ENOMEM;
	count_up(&self->stats.trained_runs);
	self->flags &= ~(uint32_t)(SHADOW_NEEDS_TRAINING | SHADOW_TRAINING_WAS_CUT | SHADOW_TRAINING_GOES_ON);
	self->flags |= SHADOW_TELLS_OPERANDS;
	*ret_result = merge->result;
	return 0;
}

int merge_train(struct shadow *self, struct pageset *seen, struct merge_result *ret_result)
{
	struct merge merge = { .kind = OF_A_RUN };

	pageset_sort(seen);
	if (!(self->flags & SHADOW_TELLS_OPERANDS))
		pageset_remove_if(&self->files, may_be_operand, seen);
	return merge_trained(&merge, self, seen, ret_result);
}

int merge_train_part(struct shadow *self, struct pageset *seen, struct merge_result *ret_result)
{
	struct merge merge = { .kind = OF_A_PART };

	return merge_trained(&merge, self, seen, ret_result);
}

int merge_train_more(struct shadow *self, struct pageset *seen, struct merge_result *ret_result)
{
	struct merge merge = { .kind = AN_ADDITION };

	if (merge_run(&merge, self, seen) < 0)
		return -ENOMEM;
	*ret_result = merge.result;
	return 0;
}

static int merge_sampled(struct merge *merge, struct shadow *self, struct pageset *seen,
			 struct merge_result *ret_result)
{
	if (merge_run(merge, self, seen) < 0)
		return -ENOMEM;

	const uint64_t n_new = merge->result.new_pages;

	if (n_new > MERGE_DRIFT_WINDOWS * (merge->margin_pages + 1) && n_new > merge->remembered_pages / 20)
		self->flags |= SHADOW_NEEDS_TRAINING;
	*ret_result = merge->result;
	return 0;
}

int merge_sample(struct shadow *self, struct pageset *seen, struct merge_result *ret_result)
{
	struct merge merge = { .is_sample = true };

	return merge_sampled(&merge, self, seen, ret_result);
}

int merge_sample_more(struct shadow *self, struct pageset *seen, struct merge_result *ret_result)
{
	struct merge merge = { .is_sample = true, .kind = AN_ADDITION };

	return merge_sampled(&merge, self, seen, ret_result);
}

int merge_sample_part(struct shadow *self, struct pageset *seen, struct merge_result *ret_result)
{
	struct merge merge = { .is_sample = true, .kind = OF_A_PART };

	return merge_sampled(&merge, self, seen, ret_result);
}
