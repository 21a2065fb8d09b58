/* check_merge_sample.c - what a sampled run changes in a shadow */
#include "merging.h"

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

int main(void)
{
	Suite *s = suite_create("merge_sample");
	TCase *t = tcase_create("sample");

	tcase_add_checked_fixture(t, make_shadow, free_shadow);
	tcase_add_loop_test(t, whole_windows_are_used_as_remembered, 0, 2);
	tcase_add_test(t, whole_windows_of_which_nothing_is_remembered_are_new);
	tcase_add_test(t, sample_confirms_what_it_saw);
	tcase_add_test(t, near_is_less_than_a_window);
	tcase_add_test(t, sample_adds_where_nothing_is_exact);
	tcase_add_test(t, sample_ages_mapped_files_alone);
	tcase_add_test(t, drift_asks_for_training);
	tcase_add_test(t, a_few_windows_are_no_drift);
	tcase_add_test(t, sample_does_not_age_what_was_before_an_exec);
	tcase_add_test(t, more_of_a_sample_only_confirms);
	tcase_add_test(t, more_of_a_sample_may_be_drift);
	tcase_add_test(t, length_costs_nothing);
	tcase_add_test(t, windows_follow_the_page_size);
	suite_add_tcase(s, t);
	return run_suite(s);
}
