/*
 * merging.h - a shadow, and runs to be merged into it.
 */
#ifndef PBRUN_TEST_MERGING_H
#define PBRUN_TEST_MERGING_H

#include <string.h>

#include "shadow/merge.h"
#include "support.h"
#include "sys/page.h"

/* Pages here are 4 KiB, so a window has 16. */
static struct shadow shadow;
static struct merge_result result;
/* What else of each file was seen: mapped as a whole. */
static struct page_run whole;

static inline void make_shadow(void)
{
	ck_assert_int_eq(shadow_init(&shadow, "/x", ""), 0);
	shadow.page_size = 4096;
	whole = (struct page_run){ 0 };
}

static inline void free_shadow(void)
{
	shadow_release(&shadow);
}

/* A file as one run saw it: runs of pages up to one of no page. */
struct sighting {
	const char *path;
	bool exact;
	uint8_t operand;
	int64_t mtime_ns;
	struct page_run runs[4];
};

#define EXACT(...)                                                                                           \
	{                                                                                                    \
		.path = "/a", .exact = true, .runs = { __VA_ARGS__ }                                         \
	}
#define INEXACT(...)                                                                                         \
	{                                                                                                    \
		.path = "/a", .exact = false, .runs = { __VA_ARGS__ }                                        \
	}

typedef int merge_function(struct shadow *, struct pageset *, struct merge_result *);

static inline void run(merge_function *merge, uint32_t time, size_t n, const struct sighting *sightings)
{
	cleanup_with(pageset_release) struct pageset seen = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct pageset_file *file = NULL;

		ck_assert_int_eq(pageset_add(&seen, sightings[i].path, time, &file), 0);
		file->exact = sightings[i].exact;
		file->operand = sightings[i].operand;
		file->id.mtime_ns = sightings[i].mtime_ns;
		file->access = PAGESET_STATED;
		for (const struct page_run *r = sightings[i].runs; r->n_pages > 0; r++) {
			file->access = PAGESET_MAPPED;
			ck_assert_int_ge(pageset_file_add(file, *r, time), 0);
		}
		ck_assert_int_ge(pageset_file_add_whole(file, whole), 0);
	}
	ck_assert_int_eq(merge(&shadow, &seen, &result), 0);
}

static inline void train(uint32_t time, struct sighting sighting)
{
	run(merge_train, time, 1, &sighting);
}

static inline void sample(uint32_t time, struct sighting sighting)
{
	run(merge_sample, time, 1, &sighting);
}

static inline void assert_result(uint64_t n_new, uint64_t n_aged, uint64_t n_dropped)
{
	ck_assert_uint_eq(result.new_pages, n_new);
	ck_assert_uint_eq(result.aged_pages, n_aged);
	ck_assert_uint_eq(result.dropped_pages, n_dropped);
}

static inline struct pageset_file *find(const char *path)
{
	return pageset_find(&shadow.files, path);
}

static inline void assert_extents(size_t n, const struct extent *expected)
{
	const struct pageset_file *file = find("/a");

	ck_assert_uint_eq(file->n_extents, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(file->extents[i].first_page, expected[i].first_page);
		ck_assert_uint_eq(file->extents[i].n_pages, expected[i].n_pages);
		ck_assert_uint_eq(file->extents[i].first_use_us, expected[i].first_use_us);
		ck_assert_uint_eq(file->extents[i].age, expected[i].age);
	}
}

#define ASSERT_EXTENTS(...)                                                                                  \
	do {                                                                                                 \
		const struct extent expected_[] = { __VA_ARGS__ };                                           \
		assert_extents(sizeof(expected_) / sizeof(*expected_), expected_);                           \
	} while (0)

#endif
