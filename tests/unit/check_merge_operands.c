/* check_merge_operands.c - what a run with operands changes in a shadow */
#include "merging.h"

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

int main(void)
{
	Suite *s = suite_create("merge_operands");
	TCase *t = tcase_create("operands");

	tcase_add_checked_fixture(t, make_shadow, free_shadow);
	tcase_add_test(t, operands_are_kept_and_bring_nothing_new);
	tcase_add_test(t, what_was_used_unnamed_is_no_operand);
	tcase_add_test(t, a_sample_neither_adds_operands_nor_makes_them_older);
	tcase_add_test(t, an_older_record_learns_of_operands);
	suite_add_tcase(s, t);
	return run_suite(s);
}
