#include "../../cmd/bench_judge.c" /* NOLINT(bugprone-suspicious-include): it is of no library */

#include "support.h"

/* Three starts of each way, in milliseconds. */
static struct bench_result judge(const unsigned int cold[3], const unsigned int pbrun[3],
				 const unsigned int warm[3])
{
	struct bench bench = { .n_runs = 3 };

	for (int i = 0; i < 3; i++) {
		bench.times_ns[BENCH_COLD][i] = cold[i] * UINT64_C(1000000);
		bench.times_ns[BENCH_PBRUN][i] = pbrun[i] * UINT64_C(1000000);
		bench.times_ns[BENCH_WARM][i] = warm[i] * UINT64_C(1000000);
		bench.times_ns[BENCH_WARM_PBRUN][i] = warm[i] * UINT64_C(1000000);
	}
	return bench_judge(&bench);
}

static void assert_sentence(const struct bench_result *result, const char *expected)
{
	cleanup_free char *sentence = bench_sentence(result);

	ck_assert_ptr_nonnull(sentence);
	ck_assert_str_eq(sentence, expected);
}

START_TEST(what_is_saved)
{
	struct bench_result result =
		judge((const unsigned int[]){ 200, 210, 205 }, (const unsigned int[]){ 130, 125, 130 },
		      (const unsigned int[]){ 105, 100, 105 });

	ck_assert_int_eq(result.verdict, BENCH_GAIN);
	assert_sentence(&result, "Through pbrun a cold start takes 130 ms instead of 205 ms: it saves 75 ms, "
				 "75 % of the wait for the disk.");
	result = judge((const unsigned int[]){ 100, 101, 102 }, (const unsigned int[]){ 120, 121, 122 },
		       (const unsigned int[]){ 90, 90, 90 });
	ck_assert_int_eq(result.verdict, BENCH_LOSS);
}
END_TEST

/* Starts that differ much among themselves do not make a cold one as short as a warm one. */
START_TEST(nothing_is_saved)
{
	struct bench_result result =
		judge((const unsigned int[]){ 104, 111, 143 }, (const unsigned int[]){ 97, 113, 246 },
		      (const unsigned int[]){ 64, 82, 145 });

	ck_assert_int_eq(result.verdict, BENCH_NOTHING);
	assert_sentence(&result,
			"pbrun saves nothing here that could be told from chance: the difference of 2 ms "
			"is within the spread.");
	result = judge((const unsigned int[]){ 104, 105, 106 }, (const unsigned int[]){ 105, 106, 107 },
		       (const unsigned int[]){ 100, 100, 100 });
	ck_assert_int_eq(result.verdict, BENCH_NO_WAIT);
	assert_sentence(
		&result,
		"pbrun saves nothing here: a cold start, 105 ms, takes hardly longer than a warm one.");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bench_judge");
	TCase *t = tcase_create("core");

	tcase_add_test(t, what_is_saved);
	tcase_add_test(t, nothing_is_saved);
	suite_add_tcase(s, t);
	return run_suite(s);
}
