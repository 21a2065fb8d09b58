#include "policy.h"

#include "support.h"

static struct shadow shadow;

/* Trained once, nothing new since. */
static void make_shadow(void)
{
	ck_assert_int_eq(shadow_init(&shadow, "/x", ""), 0);
	shadow.stats.runs = shadow.stats.trained_runs = 1;
	shadow.flags = SHADOW_TELLS_OPERANDS;
}

static void free_shadow(void)
{
	shadow_release(&shadow);
}

static void assert_choice(enum policy_mode requested, enum policy_files files, enum policy_mode expected)
{
	struct policy_choice choice = policy_choose(requested, &shadow, files, 0);

	ck_assert_str_eq(policy_mode_name(choice.mode), policy_mode_name(expected));
	ck_assert_uint_gt(strlen(choice.reason), 0);
}

START_TEST(names_are_modes)
{
	enum policy_mode mode;

	for (int i = POLICY_AUTO; i <= POLICY_NONE; i++) {
		ck_assert(policy_parse_mode(policy_mode_name((enum policy_mode)i), &mode));
		ck_assert_int_eq((int)mode, i);
	}
	mode = POLICY_SAMPLE;
	ck_assert(!policy_parse_mode("", &mode));
	ck_assert(!policy_parse_mode("Train", &mode));
	ck_assert(!policy_parse_mode("trainer", &mode));
	ck_assert_int_eq((int)mode, POLICY_SAMPLE);
}
END_TEST

START_TEST(who_asks_gets_it)
{
	shadow.flags |= SHADOW_NEEDS_TRAINING;
	for (int i = POLICY_TRAIN; i <= POLICY_NONE; i++)
		assert_choice((enum policy_mode)i, POLICY_FILES_CHANGED, (enum policy_mode)i);
	ck_assert_int_eq((int)policy_choose(POLICY_NONE, NULL, POLICY_FILES_SAME, 0).mode, POLICY_NONE);
}
END_TEST

START_TEST(auto_trains_what_is_not_known)
{
	ck_assert_int_eq((int)policy_choose(POLICY_AUTO, NULL, POLICY_FILES_SAME, 0).mode, POLICY_TRAIN);
	assert_choice(POLICY_AUTO, POLICY_FILES_SAME, POLICY_SAMPLE);
	assert_choice(POLICY_AUTO, POLICY_FILES_CHANGED, POLICY_TRAIN);
	shadow.flags |= SHADOW_NEEDS_TRAINING;
	assert_choice(POLICY_AUTO, POLICY_FILES_SAME, POLICY_TRAIN);
	shadow.flags = 0;
	assert_choice(POLICY_AUTO, POLICY_FILES_SAME, POLICY_TRAIN);
	shadow.flags = SHADOW_TELLS_OPERANDS;
	shadow.stats.trained_runs = 0;
	assert_choice(POLICY_AUTO, POLICY_FILES_SAME, POLICY_TRAIN);
}
END_TEST

START_TEST(a_training_that_was_cut_goes_on)
{
	shadow.flags |= SHADOW_TRAINING_WAS_CUT | SHADOW_TELLS_OPERANDS;
	/* Where it would come to the same end, it does not. */
	assert_choice(POLICY_AUTO, POLICY_FILES_SAME, POLICY_SAMPLE);
	shadow.flags |= SHADOW_TRAINING_GOES_ON;
	assert_choice(POLICY_AUTO, POLICY_FILES_SAME, POLICY_TRAIN);
	/* But not for ever: there may always be something new. */
	shadow.stats.trained_runs = 4;
	assert_choice(POLICY_AUTO, POLICY_FILES_SAME, POLICY_SAMPLE);
}
END_TEST

/* Training steps aside in time; sampling has no system call stops to do so. */
START_TEST(nobody_samples_what_must_not_be_traced)
{
	unsigned int n_trained = 0;

	shadow.flags |= SHADOW_DO_NOT_TRACE;
	assert_choice(POLICY_AUTO, POLICY_FILES_CHANGED, POLICY_TRAIN);
	assert_choice(POLICY_TRAIN, POLICY_FILES_SAME, POLICY_TRAIN);
	assert_choice(POLICY_SAMPLE, POLICY_FILES_SAME, POLICY_NONE);
	for (uint32_t random = 0; random < 1024; random++) {
		enum policy_mode mode = policy_choose(POLICY_AUTO, &shadow, POLICY_FILES_SAME, random).mode;

		ck_assert_int_ne((int)mode, POLICY_SAMPLE);
		n_trained += mode == POLICY_TRAIN;
	}
	/* But not for ever by what it once was. */
	ck_assert_uint_gt(n_trained, 0);
	ck_assert_uint_lt(n_trained, 1024 / 10);
}
END_TEST

static unsigned int count_sampled(uint32_t stable_runs)
{
	unsigned int n = 0;

	shadow.stats.stable_runs = stable_runs;
	for (uint32_t random = 0; random < 1024; random++)
		n += policy_choose(POLICY_AUTO, &shadow, POLICY_FILES_SAME, random).mode == POLICY_SAMPLE;
	return n;
}

START_TEST(what_is_stable_is_sampled_ever_more_rarely)
{
	unsigned int n = count_sampled(0);

	ck_assert_uint_eq(n, 1024);
	for (uint32_t stable_runs = 1; stable_runs < 100; stable_runs++) {
		unsigned int n_next = count_sampled(stable_runs);

		ck_assert_uint_le(n_next, n);
		n = n_next;
	}
	/* But it goes on. */
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, 1024 / 10);
	ck_assert_uint_eq(count_sampled(UINT32_MAX), n);
}
END_TEST

START_TEST(changes_that_call_for_training)
{
	struct readahead_stats stats = { 0 };
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&shadow.files, "/data", 0, &file), 0);
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ 0, 1000, 0, 0 }), 0);
	ck_assert(!policy_files_changed(&shadow, &stats));
	stats.stale_files = 100;
	stats.changed_pages = 49;
	ck_assert(!policy_files_changed(&shadow, &stats));
	stats.changed_pages = 50;
	ck_assert(policy_files_changed(&shadow, &stats));
	stats = (struct readahead_stats){ .changed_code_files = 1 };
	ck_assert(policy_files_changed(&shadow, &stats));
}
END_TEST

START_TEST(nothing_changed_of_little)
{
	const struct readahead_stats none = { 0 };
	const struct readahead_stats one = { .changed_pages = 1 };

	ck_assert(!policy_files_changed(&shadow, &none));
	ck_assert(policy_files_changed(&shadow, &one));
}
END_TEST

START_TEST(a_prefetch_that_was_mostly_wasted_is_cut_back)
{
	shadow.stats.prefetched_bytes = 1000;
	shadow.stats.wasted_bytes = 500;
	ck_assert_uint_eq(policy_max_age(&shadow), UINT8_MAX);
	shadow.stats.wasted_bytes = 501;
	ck_assert_uint_eq(policy_max_age(&shadow), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, make_shadow, free_shadow);
	tcase_add_test(t, names_are_modes);
	tcase_add_test(t, who_asks_gets_it);
	tcase_add_test(t, auto_trains_what_is_not_known);
	tcase_add_test(t, a_training_that_was_cut_goes_on);
	tcase_add_test(t, nobody_samples_what_must_not_be_traced);
	tcase_add_test(t, what_is_stable_is_sampled_ever_more_rarely);
	tcase_add_test(t, changes_that_call_for_training);
	tcase_add_test(t, nothing_changed_of_little);
	tcase_add_test(t, a_prefetch_that_was_mostly_wasted_is_cut_back);
	suite_add_tcase(s, t);
	return run_suite(s);
}
