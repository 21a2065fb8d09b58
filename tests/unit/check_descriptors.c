#include "trace/descriptors.h"

#include "support.h"

static struct known_file file;
static const struct descriptor a_file = { DESCRIPTOR_FILE, &file };
static struct descriptors self;

static void set_up(void)
{
	self = (struct descriptors){ .is_given_up = false };
}

START_TEST(what_was_set_is_known_until_it_is_forgotten)
{
	ck_assert_int_eq(descriptors_get(&self, 3).kind, DESCRIPTOR_UNKNOWN);
	descriptors_set(&self, 3, a_file);
	descriptors_set(&self, 4, (struct descriptor){ .kind = DESCRIPTOR_STREAM });
	ck_assert_ptr_eq(descriptors_get(&self, 3).file, &file);
	descriptors_forget(&self, 3);
	ck_assert_int_eq(descriptors_get(&self, 3).kind, DESCRIPTOR_UNKNOWN);
	ck_assert_ptr_null(descriptors_get(&self, 3).file);
	ck_assert_int_eq(descriptors_get(&self, 4).kind, DESCRIPTOR_STREAM);
	descriptors_forget_all(&self);
	ck_assert_int_eq(descriptors_get(&self, 4).kind, DESCRIPTOR_UNKNOWN);
}
END_TEST

START_TEST(what_no_descriptor_is_or_a_high_one_is_never_known)
{
	static const int64_t fds[] = { -1, -38, INT64_MIN, DESCRIPTORS_N, INT64_MAX };

	descriptors_set(&self, fds[_i], a_file);
	ck_assert_int_eq(descriptors_get(&self, fds[_i]).kind, DESCRIPTOR_UNKNOWN);
	descriptors_forget(&self, fds[_i]);
}
END_TEST

START_TEST(what_was_given_up_is_never_known_until_an_exec)
{
	descriptors_set(&self, 3, a_file);
	descriptors_give_up(&self);
	ck_assert_int_eq(descriptors_get(&self, 3).kind, DESCRIPTOR_UNKNOWN);
	descriptors_set(&self, 3, a_file);
	ck_assert_int_eq(descriptors_get(&self, 3).kind, DESCRIPTOR_UNKNOWN);
	descriptors_start_anew(&self);
	ck_assert_int_eq(descriptors_get(&self, 3).kind, DESCRIPTOR_UNKNOWN);
	descriptors_set(&self, 3, a_file);
	ck_assert_int_eq(descriptors_get(&self, 3).kind, DESCRIPTOR_FILE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("descriptors");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, what_was_set_is_known_until_it_is_forgotten);
	tcase_add_loop_test(t, what_no_descriptor_is_or_a_high_one_is_never_known, 0, 5);
	tcase_add_test(t, what_was_given_up_is_never_known_until_an_exec);
	suite_add_tcase(s, t);
	return run_suite(s);
}
