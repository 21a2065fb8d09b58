/* predict_index.c - what the records of many programs say of the libraries that they share. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "predict.h"
#include "predict_links.h"

/* One file of one shadow. */
struct use {
	const struct pageset_file *file;
};

struct gathering {
	struct shadow shadows[PREDICT_MAX_SHADOWS];
	size_t n_shadows;
	uint64_t n_bytes;
	const struct shadowdb *db;
};

static bool is_no_library(const struct pageset_file *file, void *context)
{
	(void)context;
	return !pageset_file_is_code(file) || file->n_extents == 0 || file->operand != PAGESET_NO_OPERAND;
}

static int gather(const struct shadowdb_entry *entry, void *context)
{
	struct gathering *self = context;
	struct shadow *shadow = &self->shadows[self->n_shadows];

	if (entry->error || self->n_shadows == PREDICT_MAX_SHADOWS ||
	    self->n_bytes + entry->size_bytes > PREDICT_MAX_BYTES)
		return 0;
	int r = shadowdb_load(self->db, entry->head->program, entry->head->profile, shadow, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	self->n_bytes += entry->size_bytes;
	self->n_shadows++;
	pageset_remove_if(&shadow->files, is_no_library, NULL);
	return 0;
}

static void gathering_free(struct gathering **self)
{
	for (size_t i = 0; *self && i < (*self)->n_shadows; i++)
		shadow_release(&(*self)->shadows[i]);
	free(*self);
}

static int compare_uses(const void *a, const void *b)
{
	const struct pageset_file *x = ((const struct use *)a)->file;
	const struct pageset_file *y = ((const struct use *)b)->file;
	int order = strcmp(x->path, y->path);

	/* The newest version of a file first. */
	return order ? order : (x->id.mtime_ns < y->id.mtime_ns) - (x->id.mtime_ns > y->id.mtime_ns);
}

static uint64_t end_page(const struct pageset_file *file)
{
	uint64_t end = 0;

	for (size_t i = 0; i < file->n_extents; i++) {
		uint64_t extent_end = file->extents[i].first_page + file->extents[i].n_pages;

		end = extent_end > end ? extent_end : end;
	}
	return end;
}

/* A page of a library, as the programs use it. */
struct page_use {
	uint32_t n_programs;
	uint32_t first_use_us;
};

static void count(const struct pageset_file *file, struct page_use *pages)
{
	for (size_t i = 0; i < file->n_extents; i++) {
		const struct extent *extent = &file->extents[i];

		for (uint64_t page = extent->first_page; page < extent->first_page + extent->n_pages;
		     page++) {
			struct page_use *use = &pages[page];

			if (use->n_programs++ == 0 || extent->first_use_us < use->first_use_us)
				use->first_use_us = extent->first_use_us;
		}
	}
}

static int add_common_pages(struct pageset_file *file, const struct page_use *pages, uint64_t n_pages,
			    size_t n_programs)
{
	for (uint64_t page = 0; page < n_pages; page++) {
		struct extent extent = { page, 1, pages[page].first_use_us, 0 };

		if (2 * (size_t)pages[page].n_programs < n_programs)
			continue;
		/* Neighbours of the same time are joined. */
		if (pageset_file_append(file, extent) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The uses of one version of a library. 0 or -ENOMEM. */
static int add_library(struct shadow *index, const struct use *uses, size_t n_uses)
{
	/* A larger file is none that programs share. */
	enum { MAX_PAGES = 1 << 20 };
	const struct pageset_file *first = uses[0].file;
	struct pageset_file *file;
	uint64_t n_pages = 0;

	for (size_t i = 0; i < n_uses; i++) {
		uint64_t end = end_page(uses[i].file);

		n_pages = end > n_pages ? end : n_pages;
	}
	if (n_pages == 0 || n_pages > MAX_PAGES)
		return 0;
	cleanup_free struct page_use *pages = calloc(n_pages, sizeof(*pages));

	if (!pages || pageset_add(&index->files, first->path, first->first_use_us, &file) < 0)
		return -ENOMEM;
	file->id = first->id;
	file->access = first->access;
	for (size_t i = 0; i < n_uses; i++)
		count(uses[i].file, pages);
	return add_common_pages(file, pages, n_pages, n_uses);
}

static int add_libraries(struct shadow *index, const struct use *uses, size_t n_uses)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_uses;) {
		const struct pageset_file *first = uses[i].file;
		size_t n_same = 1;
		size_t n_of_path = 1;

		while (i + n_of_path < n_uses && strcmp(uses[i + n_of_path].file->path, first->path) == 0) {
			n_same += n_same == n_of_path &&
				  fileid_equal(&uses[i + n_of_path].file->id, &first->id);
			n_of_path++;
		}
		r = add_library(index, uses + i, n_same);
		i += n_of_path;
	}
	return r;
}

int predict_build_index(const struct shadowdb *db, const struct shadow *before, struct shadow *ret_index)
{
	__attribute__((cleanup(gathering_free))) struct gathering *all = calloc(1, sizeof(*all));
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_free struct use *uses = NULL;
	size_t n_uses = 0;

	if (!all || shadow_init(&index, SHADOWDB_INDEX, "") < 0)
		return -ENOMEM;
	all->db = db;
	int r = shadowdb_list(db, gather, all);

	if (r < 0)
		return r;
	for (size_t i = 0; i < all->n_shadows; i++)
		n_uses += all->shadows[i].files.n_files;
	uses = calloc(n_uses + 1, sizeof(*uses));
	if (!uses)
		return -ENOMEM;
	n_uses = 0;
	for (size_t i = 0; i < all->n_shadows; i++)
		for (size_t j = 0; j < all->shadows[i].files.n_files; j++)
			uses[n_uses++].file = all->shadows[i].files.files[j];
	if (n_uses > 0)
		qsort(uses, n_uses, sizeof(*uses), compare_uses);
	index.stats.runs = (uint32_t)all->n_shadows;
	r = add_libraries(&index, uses, n_uses);
	if (r == 0)
		r = predict_note_links(&index, before);
	if (r < 0)
		return r;
	*ret_index = index;
	index = (struct shadow){ 0 };
	return 0;
}

/* Puts the pages of the new index in place of the old ones; what was learnt before stays if there is nothing
 * newer. */
static int replace_index(struct shadow *shadow, void *context)
{
	struct shadow *index = context;

	if (index->stats.prefetched_bytes > 0)
		shadow->stats = index->stats;
	shadow->stats.updated_s = time(NULL);
	pageset_release(&shadow->files);
	shadow->files = index->files;
	pageset_init(&index->files);
	return 0;
}

int predict_update_index(struct shadowdb *db, const struct prediction_use *use)
{
	enum { LOCK_TIMEOUT_MS = 1000 };
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(shadow_release) struct shadow before = { 0 };
	bool has_before = shadowdb_load(db, SHADOWDB_INDEX, "", &before, NULL) == 0;
	int r = predict_build_index(db, has_before ? &before : NULL, &index);

	if (r == 0 && index.stats.runs < PREDICT_MIN_SHADOWS)
		return 0;
	index.stats.prefetched_bytes = use->predicted;
	index.stats.wasted_bytes = use->wasted;
	return r < 0 ? r
		     : shadowdb_update(db, SHADOWDB_INDEX, "", LOCK_TIMEOUT_MS, NULL, replace_index, &index);
}
