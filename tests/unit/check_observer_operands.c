/* wraps: operand_use_select plan_build readahead_start readahead_note_start */
/* wraps: readahead_wait_done readahead_account physical_sort */
#include "observer_private.h"

#include <semaphore.h>

#include "operand_use.h"
#include "prefetch/physical.h"
#include "support.h"
#include "sys/clock.h"

/* A replay that only says what it is told. */
static char replay;
static uint64_t begun_with_start_ns;
static unsigned int n_begun, n_told;
static const struct plan *sorted_plan, *begun_plan;

/* Who looks for what is wanted stands there until the gate is opened. */
static sem_t has_come, gate;

int __wrap_operand_use_select(const struct operand_targets *targets, const struct pageset *remembered,
			      const struct exclusions *excluded, struct pageset *wanted);
int __wrap_plan_build(const struct pageset *pageset, const struct plan_options *options,
		      struct plan *ret_plan);
int __wrap_physical_sort(struct plan *plan, const struct mounts *mounts);
struct readahead *__wrap_readahead_start(struct plan *plan, unsigned int n_threads, uint64_t start_ns);
void __wrap_readahead_note_start(struct readahead *self);
bool __wrap_readahead_wait_done(struct readahead *self, unsigned int timeout_ms);
void __wrap_readahead_account(struct readahead *self, struct readahead_stats *ret_stats);

int __wrap_operand_use_select(const struct operand_targets *targets, const struct pageset *remembered,
			      const struct exclusions *excluded, struct pageset *wanted)
{
	struct pageset_file *file;

	(void)targets, (void)remembered, (void)excluded;
	sem_post(&has_come);
	while (sem_wait(&gate) < 0)
		;
	return pageset_add(wanted, "/operand", 0, &file);
}

int __wrap_plan_build(const struct pageset *pageset, const struct plan_options *options,
		      struct plan *ret_plan)
{
	(void)pageset, (void)options;
	ret_plan->n_names = 1;
	return 0;
}

int __wrap_physical_sort(struct plan *plan, const struct mounts *mounts)
{
	ck_assert_ptr_nonnull(mounts);
	ck_assert_uint_eq(n_begun, 0);
	sorted_plan = plan;
	return 0;
}

struct readahead *__wrap_readahead_start(struct plan *plan, unsigned int n_threads, uint64_t start_ns)
{
	(void)n_threads;
	n_begun++;
	begun_plan = plan;
	begun_with_start_ns = start_ns;
	return (struct readahead *)(void *)&replay;
}

void __wrap_readahead_note_start(struct readahead *self)
{
	ck_assert_ptr_eq((void *)self, &replay);
	n_told++;
}

bool __wrap_readahead_wait_done(struct readahead *self, unsigned int timeout_ms)
{
	(void)timeout_ms;
	return (void *)self == &replay;
}

void __wrap_readahead_account(struct readahead *self, struct readahead_stats *ret_stats)
{
	(void)self;
	*ret_stats = (struct readahead_stats){ 0 };
}

static struct operand named = { .name = "/operand", .code = 1 };
static struct operands operands = { .items = &named, .n = 1 };
static struct shadow shadow;
static struct shadowdb db;
static struct observer_options options = { .program = "/program",
					   .operands = &operands,
					   .shadow = &shadow,
					   .db = &db,
					   .prefetch = OBSERVER_REPLAYS };
static struct launch launch = { .options = &options };

/* Checked: each test is a process of its own. */
static void set_up(void)
{
	sem_init(&has_come, 0, 0);
	sem_init(&gate, 0, 0);
}

/* Until the replay has begun and is over. */
static void await_replay(void)
{
	launch_prefetch_operands_ahead(&launch, clock_now_ns() + UINT64_C(50000000000));
	ck_assert_uint_eq(n_begun, 1);
}

START_TEST(a_replay_that_has_begun_is_told_that_the_program_starts)
{
	sem_post(&gate);
	launch_start_operands(&launch);
	await_replay();
	ck_assert_uint_eq(begun_with_start_ns, 0);
	ck_assert_uint_eq(n_told, 0);
	launch_note_operands_start(&launch);
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

/* Should the program wait for who looks, it would wait for ever. */
START_TEST(one_that_begins_later_knows_it_and_the_program_does_not_wait)
{
	uint64_t before_ns = clock_now_ns();

	launch_start_operands(&launch);
	while (sem_wait(&has_come) < 0)
		;
	launch_note_operands_start(&launch);
	ck_assert_uint_eq(n_begun, 0);
	sem_post(&gate);
	await_replay();
	ck_assert_uint_ge(begun_with_start_ns, before_ns);
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(what_is_asked_for_is_in_the_order_of_its_disk)
{
	sem_post(&gate);
	launch_start_operands(&launch);
	await_replay();
	ck_assert_ptr_nonnull(sorted_plan);
	ck_assert_ptr_eq(sorted_plan, begun_plan);
}
END_TEST

START_TEST(without_operands_there_is_nobody_to_be_told)
{
	operands.n = 0;
	launch_start_operands(&launch);
	ck_assert_ptr_null(launch.operands);
	launch_note_operands_start(&launch);
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("observer_operands");
	TCase *t = tcase_create("start");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, a_replay_that_has_begun_is_told_that_the_program_starts);
	tcase_add_test(t, one_that_begins_later_knows_it_and_the_program_does_not_wait);
	tcase_add_test(t, what_is_asked_for_is_in_the_order_of_its_disk);
	tcase_add_test(t, without_operands_there_is_nobody_to_be_told);
	suite_add_tcase(s, t);
	return run_suite(s);
}
