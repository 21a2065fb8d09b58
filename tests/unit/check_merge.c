#include <check.h>
#include <string.h>

#include "shadow/merge.h"
#include "support.h"
#include "sys/page.h"

/* Pages here are 4 KiB, so a window has 16. */
static struct shadow shadow;
static struct merge_result result;
/* What else of each file was seen: mapped as a whole. */
static struct page_run whole;

static void make_shadow(void)
{
	ck_assert_int_eq(shadow_init(&shadow, "/x", ""), 0);
	shadow.page_size = 4096;
	whole = (struct page_run){ 0 };
}

static void free_shadow(void)
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

static void run(merge_function *merge, uint32_t time, size_t n, const struct sighting *sightings)
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

static void train(uint32_t time, struct sighting sighting)
{
	run(merge_train, time, 1, &sighting);
}

static void sample(uint32_t time, struct sighting sighting)
{
	run(merge_sample, time, 1, &sighting);
}

static void assert_result(uint64_t n_new, uint64_t n_aged, uint64_t n_dropped)
{
	ck_assert_uint_eq(result.new_pages, n_new);
	ck_assert_uint_eq(result.aged_pages, n_aged);
	ck_assert_uint_eq(result.dropped_pages, n_dropped);
}

static struct pageset_file *find(const char *path)
{
	return pageset_find(&shadow.files, path);
}

static void assert_extents(size_t n, const struct extent *expected)
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

/* Windows of a huge page that were mapped as a whole. The test's pages are the machine's here. */
START_TEST(whole_windows_are_used_as_remembered)
{
	const uint64_t n = page_huge_bytes() / page_bytes();

	train(1, (struct sighting)EXACT({ 0, 1 }, { n + 3, 2 }, { 3 * n - 1, 2 }));
	whole = (struct page_run){ n, 2 * n };
	run(_i ? merge_train : merge_sample, 2, 1, &(struct sighting)EXACT({ 0, 1 }));
	assert_result(0, 1, 0);
	assert_extents(4, (const struct extent[]){ { 0, 1, _i ? 2 : 1, 0 },
						   { n + 3, 2, 1, 0 },
						   { 3 * n - 1, 1, 1, 0 },
						   { 3 * n, 1, 1, 1 } });
	ck_assert(find("/a")->exact);
	ck_assert_uint_eq(shadow.flags & SHADOW_NEEDS_TRAINING, 0);
}
END_TEST

START_TEST(whole_windows_of_which_nothing_is_remembered_are_new)
{
	const uint64_t n = page_huge_bytes() / page_bytes();

	train(1, (struct sighting)EXACT({ 0, 1 }));
	whole = (struct page_run){ n, 1 };
	sample(2, (struct sighting)EXACT({ 0, 1 }));
	assert_result(n, 0, 0);
	ck_assert_uint_eq(pageset_file_pages(find("/a")), 1);
	ck_assert_uint_ne(shadow.flags & SHADOW_NEEDS_TRAINING, 0);
	train(3, (struct sighting)EXACT({ 0, 1 }));
	assert_result(n, 0, 0);
	ck_assert(!find("/a")->exact);
}
END_TEST

START_TEST(seen_pages_are_young_others_age)
{
	train(10, (struct sighting)EXACT({ 0, 10 }, { 20, 5 }));
	assert_result(15, 0, 0);
	train(30, (struct sighting)EXACT({ 8, 4 }));
	assert_result(2, 13, 0);
	ASSERT_EXTENTS({ 0, 8, 10, 1 }, { 8, 4, 30, 0 }, { 20, 5, 10, 1 });
	ck_assert_uint_eq(find("/a")->first_use_us, 30);
	ck_assert(find("/a")->exact);
}
END_TEST

START_TEST(what_is_used_has_answered)
{
	train(10, (struct sighting)EXACT({ 0, 1 }));
	find("/a")->is_unanswered = true;
	run(merge_train, 1, 0, NULL);
	ck_assert(find("/a")->is_unanswered);
	train(10, (struct sighting)EXACT({ 0, 1 }));
	ck_assert(!find("/a")->is_unanswered);
}
END_TEST

START_TEST(used_once_goes)
{
	train(1, (struct sighting)EXACT({ 0, 1 }, { 5, 2 }));
	for (int i = 0; i < MERGE_MAX_AGE; i++) {
		train(1, (struct sighting)EXACT({ 0, 1 }));
		assert_result(0, 2, 0);
	}
	train(1, (struct sighting)EXACT({ 0, 1 }));
	assert_result(0, 0, 2);
	ASSERT_EXTENTS({ 0, 1, 1, 0 });
}
END_TEST

START_TEST(unused_files_go)
{
	const struct sighting both[] = { EXACT({ 0, 1 }), { "/metadata", true, 0, 0, { { 0, 0 } } } };

	run(merge_train, 1, 2, both);
	ck_assert_str_eq(pageset_file_kind(find("/metadata")), "metadata");
	for (unsigned int i = 1; i <= MERGE_MAX_AGE; i++) {
		run(merge_train, 1, 0, NULL);
		ck_assert_uint_eq(find("/a")->age, i);
		ck_assert_uint_eq(find("/metadata")->age, i);
		ck_assert_uint_eq(find("/a")->access, PAGESET_MAPPED);
	}
	run(merge_train, 1, 0, NULL);
	ck_assert_uint_eq(shadow.files.n_files, 0);
	assert_result(0, 0, 1);
}
END_TEST

/* Each run looks up other names, a third of what a shadow takes. */
START_TEST(the_oldest_go_before_there_are_too_many)
{
	enum { N = SHADOW_MAX_FILES / 3 };

	for (unsigned int i = 0; i < 4; i++) {
		cleanup_with(pageset_release) struct pageset seen = { 0 };

		for (unsigned int j = 0; j < N; j++) {
			struct pageset_file *file = NULL;
			char path[32];

			snprintf(path, sizeof(path), "/%u/%u", i, j);
			ck_assert_int_eq(pageset_add(&seen, path, 1, &file), 0);
			file->access = PAGESET_MISSING;
		}
		ck_assert_int_eq(merge_train(&shadow, &seen, &result), 0);
		ck_assert_uint_eq(shadow.files.n_files, i < 3 ? (i + 1) * N : 3 * N);
	}
	ck_assert_ptr_null(find("/0/0"));
	ck_assert_ptr_nonnull(find("/1/0"));
}
END_TEST

START_TEST(alternating_uses_stay)
{
	const struct sighting log = { "/a", true, 0, 0, { { 0, 10 }, { 100, 7 } } };
	const struct sighting status = { "/a", true, 0, 0, { { 0, 10 }, { 200, 9 } } };

	for (int i = 0; i < 20; i++)
		train(1, i % 2 ? log : status);
	ck_assert_uint_eq(pageset_file_pages(find("/a")), 26);
	ck_assert_uint_eq(shadow.stats.stable_runs, 18);
}
END_TEST

START_TEST(changed_file_is_taken_over)
{
	train(1, (struct sighting)EXACT({ 0, 10 }));
	train(2, (struct sighting){ "/a", true, 0, 99, { { 5, 10 } } });
	assert_result(10, 0, 10);
	ASSERT_EXTENTS({ 5, 10, 2, 0 });
	ck_assert_int_eq(find("/a")->id.mtime_ns, 99);
	/* Also from exact to inexact: what was exact was another file's. */
	train(3, (struct sighting){ "/a", false, 0, 100, { { 5, 1 } } });
	ck_assert(!find("/a")->exact);
	ASSERT_EXTENTS({ 5, 1, 3, 0 });
}
END_TEST

START_TEST(inexact_adds_to_exact_beyond_a_window_only)
{
	train(1, (struct sighting)EXACT({ 3, 1 }, { 5, 1 }));
	train(2, (struct sighting)INEXACT({ 0, 4 }));
	assert_result(0, 1, 0);
	ASSERT_EXTENTS({ 3, 1, 2, 0 }, { 5, 1, 1, 1 });
	ck_assert(find("/a")->exact);

	train(3, (struct sighting)INEXACT({ 0, 48 }));
	assert_result(27, 0, 0);
	ASSERT_EXTENTS({ 3, 1, 3, 0 }, { 5, 1, 3, 0 }, { 21, 27, 3, 0 });
	ck_assert(!find("/a")->exact);
}
END_TEST

START_TEST(exact_replaces_inexact)
{
	train(1, (struct sighting)INEXACT({ 0, 16 }, { 32, 16 }));
	ck_assert(!find("/a")->exact);
	train(2, (struct sighting)EXACT({ 2, 3 }, { 64, 1 }));
	assert_result(1, 0, 29);
	ASSERT_EXTENTS({ 2, 3, 2, 0 }, { 64, 1, 2, 0 });
	ck_assert(find("/a")->exact);
}
END_TEST

START_TEST(looking_up_does_not_replace_pages)
{
	train(1, (struct sighting)INEXACT({ 0, 16 }));
	train(2, (struct sighting)EXACT({ 0, 0 }));
	assert_result(0, 16, 0);
	ASSERT_EXTENTS({ 0, 16, 1, 1 });
	ck_assert(!find("/a")->exact);
	ck_assert_uint_eq(find("/a")->age, 0);
	ck_assert_uint_eq(find("/a")->access, PAGESET_STATED);
}
END_TEST

START_TEST(training_counts)
{
	shadow.flags = SHADOW_NEEDS_TRAINING | SHADOW_DO_NOT_TRACE;
	shadow.stats.runs = UINT32_MAX - 1;
	shadow.stats.stable_runs = 5;
	train(1, (struct sighting)EXACT({ 0, 1 }));
	ck_assert_uint_eq(shadow.flags, SHADOW_DO_NOT_TRACE | SHADOW_TELLS_OPERANDS);
	ck_assert_uint_eq(shadow.stats.stable_runs, 0);
	train(1, (struct sighting)EXACT({ 0, 1 }));
	ck_assert_uint_eq(shadow.stats.stable_runs, 1);
	ck_assert_uint_eq(shadow.stats.trained_runs, 2);
	ck_assert_uint_eq(shadow.stats.runs, UINT32_MAX);
	sample(1, (struct sighting)INEXACT({ 0, 1 }));
	ck_assert_uint_eq(shadow.stats.stable_runs, 2);
	ck_assert_uint_eq(shadow.stats.trained_runs, 2);
	ck_assert_uint_eq(shadow.stats.runs, UINT32_MAX);
}
END_TEST

START_TEST(more_of_a_run_ages_nothing)
{
	const struct sighting both[] = { EXACT({ 0, 4 }), { "/b", true, 0, 0, { { 0, 1 } } } };
	const struct sighting later = EXACT({ 2, 4 });
	const struct sighting changed = { "/a", true, 0, 9, { { 7, 1 } } };

	run(merge_train, 1, 2, both);
	train(2, (struct sighting)EXACT({ 0, 1 }));
	run(merge_train_more, 3, 1, &later);
	assert_result(2, 0, 0);
	ASSERT_EXTENTS({ 0, 1, 2, 0 }, { 1, 1, 1, 1 }, { 2, 4, 3, 0 });
	ck_assert_uint_eq(find("/a")->first_use_us, 2);
	ck_assert_uint_eq(find("/b")->age, 1);
	ck_assert_uint_eq(find("/b")->extents[0].age, 1);
	ck_assert_uint_eq(shadow.stats.runs, 2);
	ck_assert_uint_eq(shadow.stats.trained_runs, 2);
	ck_assert_uint_eq(shadow.stats.stable_runs, 0);
	/* The same once more, as it is handed over: all that was seen so far. */
	run(merge_train_more, 3, 1, &later);
	assert_result(0, 0, 0);
	run(merge_train_more, 4, 1, &changed);
	assert_result(1, 0, 6);
	ASSERT_EXTENTS({ 7, 1, 4, 0 });
}
END_TEST

START_TEST(more_of_a_run_adds_to_what_a_file_is)
{
	const struct sighting looked_up = EXACT({ 0, 0 });

	train(1, (struct sighting)EXACT({ 0, 1 }));
	run(merge_train_more, 2, 1, &looked_up);
	ck_assert_uint_eq(find("/a")->access, PAGESET_MAPPED | PAGESET_STATED);
	ASSERT_EXTENTS({ 0, 1, 1, 0 });
}
END_TEST

START_TEST(build_id_is_kept)
{
	struct pageset_file *file;

	train(1, (struct sighting)EXACT({ 0, 1 }));
	file = find("/a");
	file->id.build_id_size = 1;
	file->id.build_id[0] = 7;
	train(1, (struct sighting)EXACT({ 0, 1 }));
	ck_assert_uint_eq(file->id.build_id_size, 1);
	assert_result(0, 0, 0);
}
END_TEST

START_TEST(sample_confirms_what_it_saw)
{
	train(1, (struct sighting)EXACT({ 3, 1 }, { 9, 1 }, { 40, 1 }));
	sample(2, (struct sighting)INEXACT({ 0, 4 }, { 64, 16 }));
	assert_result(16, 2, 0);
	/* Nothing is added, and the times stay: those of a sample are coarse. */
	ASSERT_EXTENTS({ 3, 1, 1, 0 }, { 9, 1, 1, 1 }, { 40, 1, 1, 1 });
	ck_assert(find("/a")->exact);
	ck_assert_uint_eq(find("/a")->first_use_us, 1);
	ck_assert_uint_eq(find("/a")->age, 0);
}
END_TEST

START_TEST(near_is_less_than_a_window)
{
	train(1, (struct sighting)EXACT({ 100, 1 }));
	sample(2, (struct sighting)INEXACT({ 85, 15 }, { 101, 15 }));
	assert_result(0, 1, 0);
	sample(2, (struct sighting)INEXACT({ 84, 1 }));
	assert_result(1, 1, 0);
	sample(2, (struct sighting)INEXACT({ 116, 1 }));
	assert_result(1, 1, 0);
	/* No page is in front of a file's first one. */
	train(3, (struct sighting){ "/a", true, 0, 1, { { 2, 1 } } });
	sample(4, (struct sighting){ "/a", false, 0, 1, { { 0, 18 } } });
	assert_result(0, 0, 0);
}
END_TEST

START_TEST(sample_adds_where_nothing_is_exact)
{
	sample(1, (struct sighting)INEXACT({ 0, 16 }));
	ASSERT_EXTENTS({ 0, 16, 1, 0 });
	ck_assert(!find("/a")->exact);
	sample(2, (struct sighting)INEXACT({ 8, 16 }));
	ASSERT_EXTENTS({ 0, 8, 1, 1 }, { 8, 8, 1, 0 }, { 16, 8, 2, 0 });

	const struct sighting metadata = { "/b", true, 0, 0, { { 0, 0 } } };
	const struct sighting pages = { "/b", false, 0, 0, { { 0, 1 } } };

	run(merge_train, 3, 1, &metadata);
	run(merge_sample, 4, 1, &pages);
	ck_assert_uint_eq(pageset_file_pages(find("/b")), 1);
	ck_assert_uint_eq(find("/b")->access, PAGESET_STATED | PAGESET_MAPPED);
	ck_assert(!find("/b")->exact);
}
END_TEST

START_TEST(sample_ages_mapped_files_alone)
{
	const struct sighting both[] = { EXACT({ 0, 1 }), { "/read", true, 0, 0, { { 0, 1 } } } };

	run(merge_train, 1, 2, both);
	find("/read")->access = PAGESET_READ;
	for (int i = 0; i <= MERGE_MAX_AGE; i++)
		run(merge_sample, 1, 0, NULL);
	ck_assert_ptr_null(find("/a"));
	ck_assert_uint_eq(find("/read")->age, 0);
	ck_assert_uint_eq(find("/read")->extents[0].age, 0);
}
END_TEST

START_TEST(drift_asks_for_training)
{
	/* Of 6400 pages, a 20th is 320. The nearest 15 might be fault-around. */
	train(1, (struct sighting)EXACT({ 0, 6400 }));
	sample(2, (struct sighting)INEXACT({ 0, 1 }, { 6400, 15 + 320 }));
	ck_assert_uint_eq(result.new_pages, 320);
	ck_assert_uint_eq(shadow.flags, SHADOW_TELLS_OPERANDS);
	sample(2, (struct sighting)INEXACT({ 0, 1 }, { 6400, 15 + 321 }));
	ck_assert_uint_eq(result.new_pages, 321);
	ck_assert_uint_eq(shadow.flags, SHADOW_NEEDS_TRAINING | SHADOW_TELLS_OPERANDS);
}
END_TEST

START_TEST(a_few_windows_are_no_drift)
{
	const uint64_t few = MERGE_DRIFT_WINDOWS * 16;

	train(1, (struct sighting)EXACT({ 0, 16 }));
	sample(2, (struct sighting)INEXACT({ 0, 1 }, { 160, few }));
	ck_assert_uint_eq(result.new_pages, few);
	ck_assert_uint_eq(shadow.flags, SHADOW_TELLS_OPERANDS);
	sample(2, (struct sighting)INEXACT({ 0, 1 }, { 160, few + 1 }));
	ck_assert_uint_eq(shadow.flags, SHADOW_NEEDS_TRAINING | SHADOW_TELLS_OPERANDS);
}
END_TEST

/* Of a process that executed another program before anybody looked, nothing is seen. */
START_TEST(sample_does_not_age_what_was_before_an_exec)
{
	train(1, (struct sighting)EXACT({ 0, 2 }));
	find("/a")->access |= PAGESET_BEFORE_EXEC;
	for (int i = 0; i <= MERGE_MAX_AGE; i++) {
		run(merge_sample, 2, 0, NULL);
		assert_result(0, 0, 0);
		sample(2, (struct sighting)INEXACT({ 1, 1 }));
		assert_result(0, 0, 0);
	}
	ASSERT_EXTENTS({ 0, 2, 1, 0 });
	ck_assert_uint_eq(find("/a")->age, 0);
	ck_assert_uint_eq(find("/a")->access, PAGESET_MAPPED | PAGESET_BEFORE_EXEC);
	/* A training run sees it. */
	run(merge_train, 3, 0, NULL);
	assert_result(0, 2, 0);
	ck_assert_uint_eq(find("/a")->age, 1);
}
END_TEST

START_TEST(more_of_a_sample_only_confirms)
{
	const struct sighting both[] = { EXACT({ 0, 1 }, { 50, 1 }, { 90, 1 }),
					 { "/b", true, 0, 0, { { 0, 1 } } } };
	const struct sighting later = INEXACT({ 0, 1 }, { 50, 2 }, { 200, 16 });

	run(merge_train, 1, 2, both);
	sample(2, (struct sighting)INEXACT({ 0, 1 }));
	run(merge_sample_more, 3, 1, &later);
	assert_result(16, 0, 0);
	ASSERT_EXTENTS({ 0, 1, 1, 0 }, { 50, 1, 1, 0 }, { 90, 1, 1, 1 });
	ck_assert(find("/a")->exact);
	ck_assert_uint_eq(find("/b")->age, 1);
	ck_assert_uint_eq(find("/b")->extents[0].age, 1);
	ck_assert_uint_eq(shadow.stats.runs, 2);
	ck_assert_uint_eq(shadow.stats.stable_runs, 0);
	ck_assert_uint_eq(shadow.flags, SHADOW_TELLS_OPERANDS);
}
END_TEST

START_TEST(more_of_a_sample_may_be_drift)
{
	const struct sighting both[] = { EXACT({ 0, 1 }), { "/b", true, 0, 0, { { 0, 6400 } } } };
	const struct sighting little = INEXACT({ 1000, 320 });
	const struct sighting much = INEXACT({ 1000, 321 });

	/* Measured by all that is remembered, seen now or not. */
	run(merge_train, 1, 2, both);
	run(merge_sample, 2, 0, NULL);
	run(merge_sample_more, 3, 1, &little);
	ck_assert_uint_eq(shadow.flags, SHADOW_TELLS_OPERANDS);
	run(merge_sample_more, 3, 1, &much);
	ck_assert_uint_eq(shadow.flags, SHADOW_NEEDS_TRAINING | SHADOW_TELLS_OPERANDS);
}
END_TEST

START_TEST(length_costs_nothing)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&shadow.files, "/a", 0, &file), 0);
	file->access = PAGESET_MAPPED;
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ 1, BITMAP_MAX_PAGES - 1, 5, 0 }), 0);
	sample(1, (struct sighting)INEXACT({ 100, 1 }));
	assert_result(0, BITMAP_MAX_PAGES - 2, 0);
	ASSERT_EXTENTS({ 1, 99, 5, 1 }, { 100, 1, 5, 0 }, { 101, BITMAP_MAX_PAGES - 101, 5, 1 });
}
END_TEST

START_TEST(windows_follow_the_page_size)
{
	shadow.page_size = 65536;
	train(1, (struct sighting)EXACT({ 1, 1 }));
	sample(1, (struct sighting)INEXACT({ 2, 1 }));
	assert_result(1, 1, 0);
}
END_TEST

/* What was not seen may have been used. */
START_TEST(by_a_part_of_a_run_nothing_grows_older)
{
	const struct sighting part = INEXACT({ 8, 4 }), changed = { .path = "/a", .mtime_ns = 1 };

	train(10, (struct sighting)EXACT({ 0, 10 }, { 20, 5 }));
	shadow.flags |= SHADOW_NEEDS_TRAINING;
	run(_i ? merge_train_part : merge_sample_part, 30, 1, &part);
	assert_result(0, 0, 0);
	ck_assert_uint_eq(shadow.stats.runs, 2);
	ck_assert_uint_eq(shadow.stats.trained_runs, _i ? 2 : 1);
	ck_assert_uint_eq(shadow.flags & SHADOW_NEEDS_TRAINING, _i ? 0 : SHADOW_NEEDS_TRAINING);
	ck_assert_uint_eq(pageset_file_pages(find("/a")), 15);
	for (size_t i = 0; i < find("/a")->n_extents; i++)
		ck_assert_uint_eq(find("/a")->extents[i].age, 0);
	ck_assert(find("/a")->exact);
	run(_i ? merge_train_part : merge_sample_part, 30, 0, NULL);
	ck_assert_uint_eq(find("/a")->age, 0);
	/* But another file is another file. */
	run(_i ? merge_train_part : merge_sample_part, 30, 1, &changed);
	ck_assert_uint_eq(pageset_file_pages(find("/a")), 0);
}
END_TEST

#define OPERAND(file, ...)                                                                                   \
	{                                                                                                    \
		.path = (file), .exact = true, .operand = 2, .runs = { __VA_ARGS__ }                         \
	}

START_TEST(operands_are_kept_and_bring_nothing_new)
{
	train(1, (struct sighting)OPERAND("/a", { 0, 500 }));
	assert_result(0, 0, 0);
	ck_assert_uint_eq(find("/a")->operand, 2);
	ck_assert_uint_eq(pageset_file_pages(find("/a")), 500);
	ck_assert_uint_eq(shadow.stats.stable_runs, 1);
	train(2, (struct sighting)OPERAND("/b", { 0, 400 }));
	ck_assert_uint_eq(find("/a")->age, 1);
	ck_assert_uint_eq(shadow.stats.stable_runs, 2);
}
END_TEST

START_TEST(what_was_used_unnamed_is_no_operand)
{
	train(1, (struct sighting)OPERAND("/a", { 0, 5 }));
	train(2, (struct sighting)EXACT({ 0, 5 }));
	ck_assert_uint_eq(find("/a")->operand, PAGESET_NO_OPERAND);
	train(3, (struct sighting)OPERAND("/a", { 0, 5 }));
	ck_assert_uint_eq(find("/a")->operand, PAGESET_NO_OPERAND);
}
END_TEST

START_TEST(a_sample_neither_adds_operands_nor_makes_them_older)
{
	train(1, (struct sighting)OPERAND("/a", { 0, 5 }));
	for (int i = 0; i < 10; i++)
		sample(2, (struct sighting)OPERAND("/b", { 0, 5000 }));
	ck_assert_ptr_null(find("/b"));
	ck_assert_uint_eq(find("/a")->age, 0);
	ck_assert_uint_eq(pageset_file_pages(find("/a")), 5);
	ck_assert_uint_eq(shadow.flags, SHADOW_TELLS_OPERANDS);
	ck_assert_uint_eq(shadow.stats.stable_runs, 11);
}
END_TEST

/* As a release made it that knew nothing of operands. */
START_TEST(an_older_record_learns_of_operands)
{
	const struct sighting before[] = { EXACT({ 0, 5 }), OPERAND("/read", { 0, 5 }),
					   OPERAND("/mapped", { 0, 5 }) };

	run(merge_train, 1, 3, before);
	shadow.flags &= ~(uint32_t)SHADOW_TELLS_OPERANDS;
	for (size_t i = 0; i < shadow.files.n_files; i++)
		shadow.files.files[i]->operand = PAGESET_NO_OPERAND;
	find("/a")->access = find("/read")->access = PAGESET_READ;
	train(2, (struct sighting)OPERAND("/a", { 0, 5 }));
	ck_assert_uint_eq(find("/a")->operand, 2);
	ck_assert_ptr_null(find("/read"));
	ck_assert_ptr_nonnull(find("/mapped"));
	ck_assert_uint_eq(shadow.flags, SHADOW_TELLS_OPERANDS);
}
END_TEST

START_TEST(a_part_of_a_training_ages_nothing)
{
	train(1, (struct sighting)EXACT({ 0, 16 }));
	shadow.flags |= SHADOW_NEEDS_TRAINING | SHADOW_TRAINING_WAS_CUT;
	run(merge_train_part, 2, 1, &(struct sighting){ .path = "/b", .exact = true, .runs = { { 3, 1 } } });
	ASSERT_EXTENTS({ 0, 16, 1, 0 });
	ck_assert_uint_eq(find("/b")->n_extents, 1);
	ck_assert_uint_eq(shadow.flags, SHADOW_TELLS_OPERANDS);
	ck_assert_uint_eq(shadow.stats.runs, 2);
	ck_assert_uint_eq(shadow.stats.trained_runs, 2);
}
END_TEST

START_TEST(a_part_of_a_training_that_looks_a_file_up_keeps_its_pages)
{
	const struct sighting read = { .path = "/a", .exact = true, .mtime_ns = 5, .runs = { { 0, 16 } } };

	train(1, read);
	find("/a")->id.size_bytes = 65536;
	run(merge_train_part, 2, 1, &(struct sighting)EXACT({ 0, 0 }));
	ASSERT_EXTENTS({ 0, 16, 1, 0 });
	ck_assert_int_eq(find("/a")->id.mtime_ns, 5);
	ck_assert_uint_eq(find("/a")->access, PAGESET_MAPPED | PAGESET_STATED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("merge");
	TCase *train_case = tcase_create("train");
	TCase *sample_case = tcase_create("sample");

	tcase_add_checked_fixture(train_case, make_shadow, free_shadow);
	tcase_add_test(train_case, seen_pages_are_young_others_age);
	tcase_add_test(train_case, what_is_used_has_answered);
	tcase_add_test(train_case, used_once_goes);
	tcase_add_test(train_case, operands_are_kept_and_bring_nothing_new);
	tcase_add_test(train_case, what_was_used_unnamed_is_no_operand);
	tcase_add_test(train_case, a_sample_neither_adds_operands_nor_makes_them_older);
	tcase_add_test(train_case, an_older_record_learns_of_operands);
	tcase_add_test(train_case, unused_files_go);
	tcase_add_test(train_case, the_oldest_go_before_there_are_too_many);
	tcase_add_test(train_case, alternating_uses_stay);
	tcase_add_test(train_case, changed_file_is_taken_over);
	tcase_add_test(train_case, inexact_adds_to_exact_beyond_a_window_only);
	tcase_add_test(train_case, exact_replaces_inexact);
	tcase_add_test(train_case, looking_up_does_not_replace_pages);
	tcase_add_test(train_case, training_counts);
	tcase_add_test(train_case, more_of_a_run_ages_nothing);
	tcase_add_test(train_case, more_of_a_run_adds_to_what_a_file_is);
	tcase_add_test(train_case, build_id_is_kept);
	tcase_add_loop_test(train_case, by_a_part_of_a_run_nothing_grows_older, 0, 2);
	tcase_add_test(train_case, a_part_of_a_training_ages_nothing);
	tcase_add_test(train_case, a_part_of_a_training_that_looks_a_file_up_keeps_its_pages);
	suite_add_tcase(s, train_case);

	tcase_add_checked_fixture(sample_case, make_shadow, free_shadow);
	tcase_add_loop_test(sample_case, whole_windows_are_used_as_remembered, 0, 2);
	tcase_add_test(sample_case, whole_windows_of_which_nothing_is_remembered_are_new);
	tcase_add_test(sample_case, sample_confirms_what_it_saw);
	tcase_add_test(sample_case, near_is_less_than_a_window);
	tcase_add_test(sample_case, sample_adds_where_nothing_is_exact);
	tcase_add_test(sample_case, sample_ages_mapped_files_alone);
	tcase_add_test(sample_case, drift_asks_for_training);
	tcase_add_test(sample_case, a_few_windows_are_no_drift);
	tcase_add_test(sample_case, sample_does_not_age_what_was_before_an_exec);
	tcase_add_test(sample_case, more_of_a_sample_only_confirms);
	tcase_add_test(sample_case, more_of_a_sample_may_be_drift);
	tcase_add_test(sample_case, length_costs_nothing);
	tcase_add_test(sample_case, windows_follow_the_page_size);
	suite_add_tcase(s, sample_case);

	return run_suite(s);
}
