/* check_merge.c - what a training run changes in a shadow */
#include "merging.h"

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

START_TEST(a_part_of_a_training_ages_nothing)
{
	train(1, (struct sighting)EXACT({ 0, 16 }));
	shadow.flags |= SHADOW_NEEDS_TRAINING | SHADOW_TRAINING_WAS_CUT | SHADOW_TRAINING_GOES_ON;
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
	TCase *t = tcase_create("train");

	tcase_add_checked_fixture(t, make_shadow, free_shadow);
	tcase_add_test(t, seen_pages_are_young_others_age);
	tcase_add_test(t, what_is_used_has_answered);
	tcase_add_test(t, used_once_goes);
	tcase_add_test(t, unused_files_go);
	tcase_add_test(t, the_oldest_go_before_there_are_too_many);
	tcase_add_test(t, alternating_uses_stay);
	tcase_add_test(t, changed_file_is_taken_over);
	tcase_add_test(t, inexact_adds_to_exact_beyond_a_window_only);
	tcase_add_test(t, exact_replaces_inexact);
	tcase_add_test(t, looking_up_does_not_replace_pages);
	tcase_add_test(t, training_counts);
	tcase_add_test(t, more_of_a_run_ages_nothing);
	tcase_add_test(t, more_of_a_run_adds_to_what_a_file_is);
	tcase_add_test(t, build_id_is_kept);
	tcase_add_loop_test(t, by_a_part_of_a_run_nothing_grows_older, 0, 2);
	tcase_add_test(t, a_part_of_a_training_ages_nothing);
	tcase_add_test(t, a_part_of_a_training_that_looks_a_file_up_keeps_its_pages);
	suite_add_tcase(s, t);
	return run_suite(s);
}
