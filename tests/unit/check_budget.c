#include "trace/budget.h"

#include "support.h"

enum { MS = 1000000 };

static struct budget budget;

static void set_up(void)
{
	budget = (struct budget){ 0 };
}

static void add_stops(size_t n, unsigned int stop)
{
	for (size_t i = 0; i < n; i++)
		budget_note_stop(&budget, stop);
}

START_TEST(each_stop_costs)
{
	budget_update(&budget, 0, 0);
	ck_assert_uint_eq(budget.cost_ns, 0);
	add_stops(1000, 0);
	budget_update(&budget, 3 * MS, 0);
	ck_assert_uint_eq(budget.cost_ns, 3 * MS + 1000 * BUDGET_SWITCH_NS);
}
END_TEST

START_TEST(nothing_is_spent_before_the_first_stop)
{
	budget_update(&budget, 1, 0);
	ck_assert(!budget_is_spent(&budget));
	ck_assert(!budget_own_is_spent(&budget));
	ck_assert(!budget_dry_is_spent(&budget));
	ck_assert(budget_affords_another(&budget));
}
END_TEST

START_TEST(a_beginning_is_free)
{
	budget_update(&budget, BUDGET_BEGINNING_NS, 0);
	ck_assert(!budget_is_spent(&budget));
	budget_update(&budget, BUDGET_BEGINNING_NS + 1, 0);
	ck_assert(budget_is_spent(&budget));
}
END_TEST

/* git in 5,000 files runs for 12 ms. A program of 1 s may be followed to its end. */
START_TEST(what_is_run_pays)
{
	budget_update(&budget, BUDGET_BEGINNING_NS + 110 * MS, 100 * MS);
	ck_assert(!budget_is_spent(&budget));
	budget_update(&budget, BUDGET_BEGINNING_NS + 110 * MS + 100, 100 * MS);
	ck_assert(budget_is_spent(&budget));
}
END_TEST

START_TEST(what_it_is_known_to_run_pays_from_the_beginning)
{
	budget.known_ns = 100 * MS;
	budget_update(&budget, BUDGET_BEGINNING_NS + 110 * MS, 0);
	ck_assert(!budget_is_spent(&budget));
	budget_update(&budget, BUDGET_BEGINNING_NS + 110 * MS + 100, 0);
	ck_assert(budget_is_spent(&budget));
}
END_TEST

START_TEST(a_mapping_pays)
{
	for (int i = 0; i < 100; i++)
		budget_note_mapping(&budget);
	budget_update(&budget, BUDGET_BEGINNING_NS + 100 * BUDGET_MAPPING_NS, 0);
	ck_assert(!budget_is_spent(&budget));
	budget_update(&budget, BUDGET_BEGINNING_NS + 100 * BUDGET_MAPPING_NS + 1, 0);
	ck_assert(budget_is_spent(&budget));
}
END_TEST

START_TEST(there_is_an_end)
{
	budget_update(&budget, BUDGET_MAX_NS, UINT64_C(3600) * 1000 * MS);
	ck_assert(!budget_is_spent(&budget));
	budget_update(&budget, BUDGET_MAX_NS + 1, UINT64_C(3600) * 1000 * MS);
	ck_assert(budget_is_spent(&budget));
	ck_assert(!budget_affords_another(&budget));
}
END_TEST

START_TEST(another_program_wants_some_left)
{
	budget_update(&budget, BUDGET_BEGINNING_NS / 2, 0);
	ck_assert(budget_affords_another(&budget));
	budget_update(&budget, BUDGET_BEGINNING_NS, 0);
	ck_assert(!budget_is_spent(&budget));
	ck_assert(!budget_affords_another(&budget));
}
END_TEST

START_TEST(the_program_itself_goes_on_while_its_children_cost_more)
{
	add_stops(1000, 0);
	add_stops(100, BUDGET_STOP_OWN);
	budget_update(&budget, 2 * BUDGET_BEGINNING_NS, 0);
	ck_assert(budget_is_spent(&budget));
	ck_assert(!budget_own_is_spent(&budget));
	add_stops(1000, BUDGET_STOP_OWN);
	budget_update(&budget, 2 * BUDGET_BEGINNING_NS, 0);
	ck_assert(budget_own_is_spent(&budget));
	budget_update(&budget, 0, 0);
	ck_assert(!budget_own_is_spent(&budget));
}
END_TEST

START_TEST(dry_stops_have_less)
{
	add_stops(100, BUDGET_STOP_OWN | BUDGET_STOP_DRY);
	budget_update(&budget, 2 * BUDGET_DRY_NS, 0);
	ck_assert(!budget_is_spent(&budget));
	ck_assert(budget_dry_is_spent(&budget));
	add_stops(900, BUDGET_STOP_OWN);
	budget_update(&budget, 2 * BUDGET_DRY_NS, 0);
	ck_assert(!budget_dry_is_spent(&budget));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("budget");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, each_stop_costs);
	tcase_add_test(t, nothing_is_spent_before_the_first_stop);
	tcase_add_test(t, a_beginning_is_free);
	tcase_add_test(t, what_is_run_pays);
	tcase_add_test(t, what_it_is_known_to_run_pays_from_the_beginning);
	tcase_add_test(t, a_mapping_pays);
	tcase_add_test(t, there_is_an_end);
	tcase_add_test(t, another_program_wants_some_left);
	tcase_add_test(t, the_program_itself_goes_on_while_its_children_cost_more);
	tcase_add_test(t, dry_stops_have_less);
	suite_add_tcase(s, t);
	return run_suite(s);
}
