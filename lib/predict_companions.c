/* predict_companions.c - finds out which files programs use along with a library. */
#include "predict_companions.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "predict_links.h"

#define BRINGS "//brings"

/* Of programs. */
struct set {
	uint64_t words[(PREDICT_MAX_SHADOWS + 63) / 64];
};

struct library {
	const char *path;
	struct set users;
	size_t n_needs;
};

struct libraries {
	struct library *entries;
	size_t n;
};

static struct set users_of(const struct predict_use *uses, size_t n_uses)
{
	struct set set = { 0 };

	for (size_t i = 0; i < n_uses; i++)
		set.words[uses[i].program / 64] |= UINT64_C(1) << uses[i].program % 64;
	return set;
}

static void compare(const struct set *a, const struct set *b, unsigned int *ret_common, unsigned int *ret_all)
{
	*ret_common = *ret_all = 0;
	for (size_t i = 0; i < sizeof(a->words) / sizeof(a->words[0]); i++) {
		*ret_common += (unsigned int)__builtin_popcountll(a->words[i] & b->words[i]);
		*ret_all += (unsigned int)__builtin_popcountll(a->words[i] | b->words[i]);
	}
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

/* A page of a file, as the programs use it. */
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

int predict_add_common(struct shadow *index, const char *name, const struct predict_use *uses, size_t n_uses)
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
	if (n_pages > MAX_PAGES)
		return 0;
	cleanup_free struct page_use *pages = calloc(n_pages + 1, sizeof(*pages));

	if (!pages || pageset_add(&index->files, name, first->first_use_us, &file) < 0)
		return -ENOMEM;
	file->id = first->id;
	for (size_t i = 0; i < n_uses; i++) {
		file->access |= uses[i].file->access;
		if (uses[i].file->first_use_us < file->first_use_us)
			file->first_use_us = uses[i].file->first_use_us;
		count(uses[i].file, pages);
	}
	return add_common_pages(file, pages, n_pages, n_uses);
}

static size_t count_names(const char *links)
{
	size_t n = *links != '\0';

	for (const char *at = links; *at; at++)
		n += *at == ':';
	return n;
}

/* How many uses, from the first on, are of the same path. */
static size_t same_path(const struct predict_use *uses, size_t n_uses)
{
	size_t n = 1;

	while (n < n_uses && strcmp(uses[n].file->path, uses[0].file->path) == 0)
		n++;
	return n;
}

static int list_libraries(const struct shadow *index, const struct predict_use *uses, size_t n_uses,
			  struct libraries *ret_libraries)
{
	cleanup_with(predict_links_release) struct predict_links links = { 0 };
	int r = predict_links_init(&links, index);
	struct library *entries = r == 0 ? calloc(links.n + 1, sizeof(*entries)) : NULL;
	size_t n = 0, n_same;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < n_uses && n < links.n; i += n_same) {
		const char *path = uses[i].file->path;
		const struct predict_link *link =
			pageset_file_is_code(uses[i].file) ? predict_links_of(&links, path) : NULL;

		n_same = same_path(uses + i, n_uses - i);
		if (link)
			entries[n++] = (struct library){ path, users_of(uses + i, n_same),
							 count_names(link->names) };
	}
	*ret_libraries = (struct libraries){ entries, n };
	return 0;
}

/* NULL: with none. */
static const struct library *find_library(const struct libraries *libraries, const struct set *users)
{
	const struct library *best = NULL;
	unsigned int best_common = 0, best_all = 1;

	for (size_t i = 0; i < libraries->n; i++) {
		const struct library *library = &libraries->entries[i];
		unsigned int common, all;

		compare(users, &library->users, &common, &all);
		bool is_better =
			common * best_all > best_common * all ||
			(best && common * best_all == best_common * all && library->n_needs > best->n_needs);

		if (2 * common < all || !is_better)
			continue;
		best = library;
		best_common = common;
		best_all = all;
	}
	return best;
}

static int add_companion(struct shadow *index, const struct library *library, const struct predict_use *uses,
			 size_t n_uses)
{
	char name[PATH_MAX];
	int size = snprintf(name, sizeof(name), "%s%s%s", library->path, BRINGS, uses[0].file->path);

	return size < PATH_MAX ? predict_add_common(index, name, uses, n_uses) : 0;
}

int predict_note_companions(struct shadow *index, const struct predict_use *uses, size_t n_uses)
{
	struct libraries libraries;
	int r = list_libraries(index, uses, n_uses, &libraries);
	size_t n_left = PREDICT_MAX_COMPANIONS, n_same;

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && n_left > 0 && i < n_uses; i += n_same) {
		n_same = same_path(uses + i, n_uses - i);
		if (n_same < 2 || pageset_file_is_code(uses[i].file))
			continue;
		struct set users = users_of(uses + i, n_same);
		const struct library *library = find_library(&libraries, &users);

		if (!library)
			continue;
		r = add_companion(index, library, uses + i, n_same);
		n_left--;
	}
	free(libraries.entries);
	return r;
}

const char *predict_companion(const char *name, size_t *ret_library_size)
{
	const char *brings = strstr(name, BRINGS "/");

	if (!brings)
		return NULL;
	*ret_library_size = (size_t)(brings - name);
	return brings + strlen(BRINGS);
}
