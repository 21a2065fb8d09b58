/* predict_index.c - what the records of many programs say of the libraries that they share. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "predict.h"
#include "predict_companions.h"
#include "predict_links.h"

struct gathering {
	struct shadow shadows[PREDICT_MAX_SHADOWS];
	size_t n_shadows;
	size_t n_files;
	uint64_t n_bytes;
	const struct shadowdb *db;
};

/* No more files of all programs are compared; of what comes then, libraries alone. */
#define MAX_FILES 100000u

static bool is_no_library(const struct pageset_file *file, void *context)
{
	(void)context;
	return !pageset_file_is_code(file) || file->n_extents == 0 || file->operand != PAGESET_NO_OPERAND;
}

/* What belongs to one start or one program, or says nothing. */
static bool is_of_no_use(const struct pageset_file *file, void *context)
{
	(void)context;
	return file->operand != PAGESET_NO_OPERAND || file->access & PAGESET_WRITTEN || file->is_unanswered ||
	       (pageset_file_is_code(file) && file->n_extents == 0);
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
	bool is_too_much = self->n_files + shadow->files.n_files > MAX_FILES;

	pageset_remove_if(&shadow->files, is_too_much ? is_no_library : is_of_no_use, NULL);
	self->n_files += shadow->files.n_files;
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
	const struct pageset_file *x = ((const struct predict_use *)a)->file;
	const struct pageset_file *y = ((const struct predict_use *)b)->file;
	int order = strcmp(x->path, y->path);

	/* The newest version of a file first. */
	return order ? order : (x->id.mtime_ns < y->id.mtime_ns) - (x->id.mtime_ns > y->id.mtime_ns);
}

static int add_libraries(struct shadow *index, const struct predict_use *uses, size_t n_uses)
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
		if (!is_no_library(first, NULL))
			r = predict_add_common(index, first->path, uses + i, n_same);
		i += n_of_path;
	}
	return r;
}

int predict_build_index(const struct shadowdb *db, const struct shadow *before, struct shadow *ret_index)
{
	__attribute__((cleanup(gathering_free))) struct gathering *all = calloc(1, sizeof(*all));
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_free struct predict_use *uses = NULL;
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
			uses[n_uses++] = (struct predict_use){ all->shadows[i].files.files[j], i };
	if (n_uses > 0)
		qsort(uses, n_uses, sizeof(*uses), compare_uses);
	index.stats.runs = (uint32_t)all->n_shadows;
	r = add_libraries(&index, uses, n_uses);
	if (r == 0)
		r = predict_note_links(&index, before);
	if (r == 0)
		r = predict_note_companions(&index, uses, n_uses);
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
