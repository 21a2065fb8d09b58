/* observer_identify.c - what the files of a launch are now, asked without waiting for those that do not
 * answer */
#include <string.h>

#include "observer_private.h"
#include "sys/analyzer.h"
#include "sys/clock.h"
#include "sys/mounts.h"
#include "sys/survey.h"
#include "sys/traps.h"

/* Copies of paths are kept in arrays. */
ANALYZER_IGNORES("-Wanalyzer-malloc-leak")

/* So long all files together may take, while the program may be held at its end. */
#define IDENTIFY_MS 500

enum look_kind {
	LOOK_IDENTIFY,   /* the whole identity, with the build-id, of a file that was used */
	LOOK_REMEMBERED, /* is a remembered file that was not used still the same? */
};

/* One file. The thread that looks may outlive all else, so it has a copy of all it needs. */
struct look {
	char *path;
	const struct mounts *mounts;
	enum look_kind kind;
	struct fileid known; /* size 0: nothing is */
	struct fileid id;    /* what was found; size 0: it is not to be had */
};

struct looks {
	size_t n;
	struct look *items;
	struct mounts *mounts; /* none if they cannot be read */
};

static void looks_release(struct looks *self)
{
	for (size_t i = 0; i < self->n; i++)
		free(self->items[i].path);
	free(take_pointer(self->items));
	if (self->mounts)
		mounts_release(self->mounts);
	free(take_pointer(self->mounts));
	self->n = 0;
}

static bool has_same_stat(const struct fileid *a, const struct fileid *b)
{
	return a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns;
}

static void look(size_t i, void *context)
{
	struct look *item = &((struct look *)context)[i];
	struct fileid id = { 0 };
	struct stat st;

	if (traps_on_way(item->mounts, item->path)) {
		item->id = item->known; /* what is not mounted now may be there again */
		return;
	}
	if (stat(item->path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	id = fileid_from_stat(&st);
	/* What is remembered already need not be read from an ELF file once more. */
	if (item->known.size_bytes > 0 && has_same_stat(&id, &item->known))
		id = item->known;
	else if (item->kind == LOOK_IDENTIFY) {
		cleanup_close int fd = fileid_open(item->path, &st);

		if (fd < 0 || fileid_from_fd(fd, &id) < 0)
			return;
	}
	item->id = id;
}

static int add_look(struct looks *looks, const struct pageset_file *file, enum look_kind kind,
		    const struct pageset_file *known)
{
	struct look *item = &looks->items[looks->n];

	*item = (struct look){ .path = strdup(file->path), .mounts = looks->mounts, .kind = kind };
	if (known)
		item->known = known->id;
	looks->n += item->path != NULL;
	return item->path ? 0 : -ENOMEM;
}

/* First the files of seen that have pages, in their order; then what is remembered and was not seen. */
static int list_looks(const struct launch *self, const struct pageset *seen, struct looks *ret_looks)
{
	const struct shadow *shadow = self->options->shadow;
	size_t n_remembered =
		shadow && self->account.record.choice.mode == POLICY_TRAIN ? shadow->files.n_files : 0;
	cleanup_with(looks_release) struct looks looks = { 0 };
	int r = 0;

	looks.items = calloc(seen->n_files + n_remembered + 1, sizeof(*looks.items));
	looks.mounts = calloc(1, sizeof(*looks.mounts));
	if (!looks.items || !looks.mounts)
		return -ENOMEM;
	(void)!mounts_read(looks.mounts);
	for (size_t i = 0; i < seen->n_files && r == 0; i++)
		if (seen->files[i]->n_extents > 0)
			r = add_look(&looks, seen->files[i], LOOK_IDENTIFY,
				     shadow ? pageset_find(&shadow->files, seen->files[i]->path) : NULL);
	for (size_t i = 0; i < n_remembered && r == 0; i++) {
		const struct pageset_file *file = shadow->files.files[i];

		if (file->n_extents > 0 && !pageset_find(seen, file->path))
			r = add_look(&looks, file, LOOK_REMEMBERED, file);
	}
	if (r < 0)
		return r;
	*ret_looks = looks;
	looks = (struct looks){ 0 };
	return 0;
}

/* What changed while it was used, is not there any more, or does not answer, is not remembered. */
static bool is_unidentified(const struct pageset_file *file, void *context)
{
	(void)context;
	return file->n_extents > 0 && file->id.size_bytes == 0;
}

/* The looks at seen are in the order of its files. */
static void take_identities(struct pageset *seen, const struct looks *looks, const bool *is_answered)
{
	size_t n_taken = 0;

	for (size_t i = 0; i < seen->n_files; i++) {
		struct pageset_file *file = seen->files[i];

		if (file->n_extents == 0)
			continue;
		struct fileid id = { 0 };

		if (is_answered[n_taken] && looks->items[n_taken].id.size_bytes == file->id.size_bytes)
			id = looks->items[n_taken].id;
		file->id = id;
		n_taken++;
	}
	pageset_remove_if(seen, is_unidentified, NULL);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The remembered files that are there no more, or are others now. What does not answer may come back. */
static int take_gone(const struct looks *looks, const bool *is_answered, struct gone_files *ret_gone)
{
	struct gone_files gone = { .paths = calloc(looks->n + 1, sizeof(*gone.paths)) };

	if (!gone.paths)
		return -ENOMEM;
	for (size_t i = 0; i < looks->n; i++) {
		const struct look *item = &looks->items[i];

		if (item->kind != LOOK_REMEMBERED || !is_answered[i] ||
		    has_same_stat(&item->id, &item->known))
			continue;
		gone.paths[gone.n] = strdup(item->path);
		gone.n += gone.paths[gone.n] != NULL;
	}
	qsort(gone.paths, gone.n, sizeof(*gone.paths), compare_paths);
	*ret_gone = gone;
	return 0;
}

void gone_files_release(struct gone_files *self)
{
	for (size_t i = 0; i < self->n; i++)
		free(self->paths[i]);
	free(take_pointer(self->paths));
	self->n = 0;
}

bool gone_files_have(const struct gone_files *self, const char *path)
{
	return bsearch(&path, self->paths, self->n, sizeof(*self->paths), compare_paths);
}

int launch_identify(const struct launch *self, struct pageset *seen, struct gone_files *ret_gone)
{
	struct looks looks = { 0 };
	int r = list_looks(self, seen, &looks);

	if (r < 0)
		return r;
	cleanup_free bool *is_answered = calloc(looks.n + 1, sizeof(*is_answered));
	bool is_complete = true;

	r = is_answered ? 0 : -ENOMEM;
	if (r == 0) {
		is_complete = survey_run(looks.n, look, looks.items,
					 clock_now_ns() + IDENTIFY_MS * UINT64_C(1000000), is_answered);
		r = take_gone(&looks, is_answered, ret_gone);
	}
	if (r == 0)
		take_identities(seen, &looks, is_answered);
	if (is_complete)
		looks_release(&looks);
	return r;
}
