#include "operand_use.h"

#include "support.h"
#include "sys/page.h"

enum { MTIME = 7 };

static struct operand_targets targets;
static struct pageset remembered;
static struct pageset wanted;

static void prepare(void)
{
	targets = (struct operand_targets){ 0 };
	pageset_init(&remembered);
	pageset_init(&wanted);
}

static void release(void)
{
	operand_targets_release(&targets);
	pageset_release(&remembered);
	pageset_release(&wanted);
}

static struct pageset_file *remember(const char *path, uint8_t operand, uint64_t n_pages)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&remembered, path, 100, &file), 0);
	file->id = (struct fileid){ .size_bytes = n_pages * page_bytes(), .mtime_ns = MTIME };
	file->access = PAGESET_READ | PAGESET_OPENED;
	file->operand = operand;
	return file;
}

static void use(struct pageset_file *file, uint64_t first, uint64_t n, uint32_t time_us)
{
	ck_assert_int_ge(pageset_file_add(file, (struct page_run){ first, n }, time_us), 0);
}

/* As if it had been found: no file system is asked here. */
static void name(const char *path, enum operand_kind kind, uint8_t code, uint64_t n_pages)
{
	ck_assert_int_eq(operand_targets_add(&targets, path, code, OPERAND_LOOK_AT_NOTHING), 0);

	struct operand_target *target = &targets.items[targets.n - 1];

	target->kind = kind;
	target->id = (struct fileid){ .size_bytes = n_pages * page_bytes(), .mtime_ns = MTIME };
	operand_targets_sort(&targets);
}

static void select_wanted(void)
{
	cleanup_with(exclusions_release) struct exclusions secrets = { 0 };

	ck_assert_int_eq(exclusions_add(&secrets, "*secret*", NULL), 0);
	pageset_sort(&remembered);
	ck_assert_int_eq(operand_use_select(&targets, &remembered, &secrets, &wanted), 0);
	for (size_t i = 0; i < wanted.n_files; i++)
		ck_assert_uint_eq(wanted.files[i]->operand, PAGESET_NO_OPERAND);
}

/* That many pages, among them the first and the last of them. */
static void assert_pages(const char *path, uint64_t n, uint64_t first, uint64_t last)
{
	struct pageset_file *file = pageset_find(&wanted, path);

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(pageset_file_pages(file), n);
	ck_assert(pageset_file_has(file, first) && pageset_file_has(file, last));
}

START_TEST(what_is_not_named_is_not_wanted)
{
	use(remember("/a", 2, 10), 0, 10, 200);
	use(remember("/own", PAGESET_NO_OPERAND, 10), 0, 10, 200);
	use(remember("/d/x", PAGESET_OPERAND_BELOW, 10), 0, 10, 200);
	name("/nothing", OPERAND_MISSING, 2, 0);
	select_wanted();
	ck_assert_uint_eq(wanted.n_files, 0);
	ck_assert(operand_use_is_known(&remembered));
}
END_TEST

START_TEST(what_is_named_again_is_used_as_before)
{
	struct pageset_file *file = remember("/a", 2, 10);

	file->exact = true;
	file->is_unanswered = true;
	file->age = 3;
	use(file, 3, 2, 200);
	use(file, 7, 1, 300);
	use(remember("/d/x", PAGESET_OPERAND_BELOW, 5), 4, 1, 200);
	name("/a", OPERAND_FILE, 5, 10);
	name("/d", OPERAND_DIRECTORY, 3, 0);
	select_wanted();
	ck_assert_uint_eq(wanted.n_files, 2);
	assert_pages("/a", 3, 3, 7);
	assert_pages("/d/x", 1, 4, 4);

	const struct pageset_file *again = pageset_find(&wanted, "/a");

	ck_assert_uint_eq(again->id.size_bytes, file->id.size_bytes);
	ck_assert_int_eq(again->id.mtime_ns, MTIME);
	ck_assert_uint_eq(again->access, file->access);
	ck_assert(again->exact);
	ck_assert(again->is_unanswered);
	ck_assert_uint_eq(again->age, 3);
}
END_TEST

/* Of the same size, but of another time; and the other way round. */
START_TEST(what_has_changed_is_not_used_as_before)
{
	struct pageset_file *file = remember("/a", 2, 100);

	use(file, 50, 2, 200);
	name("/a", OPERAND_FILE, 2, _i ? 100 : 101);
	if (_i)
		targets.items[0].id.mtime_ns++;
	select_wanted();
	ck_assert_uint_eq(pageset_file_pages(pageset_find(&wanted, "/a")), 0);
}
END_TEST

START_TEST(another_file_is_read_whole_like_the_one_before)
{
	use(remember("/a", 2, 2), 0, 2, 200);
	name("/b", OPERAND_FILE, 2, 300);
	name("/c", OPERAND_FILE, 2, 3);
	select_wanted();
	assert_pages("/b", OPERAND_MIN_PAGES, 0, OPERAND_MIN_PAGES - 1);
	assert_pages("/c", 3, 0, 2);

	const struct pageset_file *other = pageset_find(&wanted, "/c");

	/* What it is now: it is compared with that before it is read. */
	ck_assert_uint_eq(other->id.size_bytes, 3 * page_bytes());
	ck_assert_int_eq(other->id.mtime_ns, MTIME);
	ck_assert_uint_eq(other->access, PAGESET_READ | PAGESET_OPENED);
}
END_TEST

START_TEST(growth_has_a_bound)
{
	use(remember("/a", 2, 100), 0, 95, 200);
	name("/b", OPERAND_FILE, 2, 1000000);
	select_wanted();
	assert_pages("/b", 100 * OPERAND_MAX_GROWTH, 0, 100 * OPERAND_MAX_GROWTH - 1);
}
END_TEST

START_TEST(times_go_on_as_they_went)
{
	struct pageset_file *file = remember("/a", 2, 1000);

	use(file, 0, 500, 1000);
	use(file, 500, 500, 2000);
	name("/b", OPERAND_FILE, 2, 3000);
	select_wanted();
	file = pageset_find(&wanted, "/b");
	ck_assert_uint_eq(file->extents[0].first_use_us, 1000);
	ck_assert_uint_gt(file->extents[file->n_extents - 1].first_use_us, 3000);
	ck_assert_uint_lt(file->extents[file->n_extents - 1].first_use_us, 4100);
}
END_TEST

START_TEST(head_and_end)
{
	struct pageset_file *file = remember("/a", 2, 1000);

	use(file, 0, 4, 200);
	use(file, 990, 10, 300);
	name("/b", OPERAND_FILE, 2, 5000);
	name("/c", OPERAND_FILE, 2, 6);
	select_wanted();
	assert_pages("/b", 14, 0, 4999);
	ck_assert(pageset_file_has(pageset_find(&wanted, "/b"), 4990));
	assert_pages("/c", 6, 0, 5);
}
END_TEST

START_TEST(the_head_alone)
{
	use(remember("/a", 2, 1000), 0, 4, 200);
	name("/b", OPERAND_FILE, 2, 5000);
	select_wanted();
	assert_pages("/b", 4, 0, 3);
}
END_TEST

START_TEST(here_and_there)
{
	struct pageset_file *dense = remember("/a.x", 2, 1000), *thin = remember("/a.y", 2, 1000);

	for (uint64_t page = 100; page < 1000; page += 50)
		use(dense, page, 35, 200);
	for (uint64_t page = 100; page < 1000; page += 50)
		use(thin, page, 2, 200);
	name("/b.x", OPERAND_FILE, 2, 500);
	name("/b.y", OPERAND_FILE, 2, 500);
	select_wanted();
	assert_pages("/b.x", 500, 0, 499);
	ck_assert_uint_eq(pageset_file_pages(pageset_find(&wanted, "/b.y")), 0);
}
END_TEST

START_TEST(what_was_not_read_is_not_read)
{
	remember("/a", 2, 1000)->access = PAGESET_STATED;
	name("/b", OPERAND_FILE, 2, 500);
	select_wanted();
	ck_assert_uint_eq(pageset_file_pages(pageset_find(&wanted, "/b")), 0);
}
END_TEST

START_TEST(the_place_counts_before_the_suffix)
{
	use(remember("/in.c", 16, 10), 0, 10, 200);
	remember("/out.o", 17, 10)->access = PAGESET_OPENED | PAGESET_WRITTEN;
	name("/new.o", OPERAND_FILE, 16, 5);
	name("/new.c", OPERAND_FILE, 17, 5);
	name("/else.c", OPERAND_FILE, 20, 5);
	select_wanted();
	assert_pages("/new.o", 5, 0, 4);
	ck_assert_uint_eq(pageset_file_pages(pageset_find(&wanted, "/new.c")), 0);
	assert_pages("/else.c", 5, 0, 4);
}
END_TEST

START_TEST(a_changed_file_is_like_itself)
{
	use(remember("/log", 2, 1000), 0, 4, 200);
	use(remember("/other", 3, 1000), 0, 1000, 200);
	name("/log", OPERAND_FILE, 3, 2000);
	select_wanted();
	assert_pages("/log", 4, 0, 3);
}
END_TEST

START_TEST(what_is_no_example)
{
	remember("/missing", 2, 0)->access = PAGESET_MISSING;
	remember("/directory", 2, 0)->access = PAGESET_LISTED | PAGESET_OPENED;
	use(remember("/d/x", PAGESET_OPERAND_BELOW, 10), 0, 10, 200);
	name("/b", OPERAND_FILE, 2, 500);
	select_wanted();
	ck_assert_uint_eq(wanted.n_files, 0);
}
END_TEST

START_TEST(what_is_left_alone)
{
	use(remember("/a", 2, 10), 0, 10, 200);
	use(remember("/own", PAGESET_NO_OPERAND, 10), 0, 1, 200);
	name("/secret", OPERAND_FILE, 2, 10);
	name("/own", OPERAND_FILE, 2, 10);
	name("/script", OPERAND_FILE, PAGESET_NO_OPERAND, 10);
	name("/directory", OPERAND_DIRECTORY, 2, 10);
	name("/empty", OPERAND_FILE, 2, 0);
	select_wanted();
	ck_assert_uint_eq(wanted.n_files, 0);
}
END_TEST

START_TEST(pages_of_operands_are_known_or_not)
{
	ck_assert(!operand_use_is_known(&remembered));
	remember("/looked-up", 2, 10);
	use(remember("/own", PAGESET_NO_OPERAND, 10), 0, 10, 200);
	ck_assert(!operand_use_is_known(&remembered));
	use(remember("/a", 2, 10), 0, 10, 200);
	ck_assert(operand_use_is_known(&remembered));
}
END_TEST

START_TEST(of_too_many_examples_the_oldest_are_left_out)
{
	char path[32];

	for (int i = 0; i < OPERAND_MAX_EXAMPLES + 50; i++) {
		snprintf(path, sizeof(path), "/old%d", i);
		remember(path, 2, 1000)->age = 1;
	}
	use(remember("/zlatest.c", 2, 10), 0, 10, 200);
	name("/b.c", OPERAND_FILE, 2, 5);
	select_wanted();
	assert_pages("/b.c", 5, 0, 4);
}
END_TEST

/* A directory's dot is no suffix, nor is that of a hidden file. */
START_TEST(names_without_a_suffix_are_alike)
{
	use(remember("/e.d/plain", 3, 10), 0, 10, 200);
	use(remember("/large.c", 4, 1000), 0, 1, 200);
	name("/t.d/new", OPERAND_FILE, 20, 5);
	name("/t/.rc", OPERAND_FILE, 20, 6);
	select_wanted();
	assert_pages("/t.d/new", 5, 0, 4);
	assert_pages("/t/.rc", 6, 0, 5);
}
END_TEST

START_TEST(of_two_alike_the_larger_tells_more)
{
	use(remember("/a", 2, 10), 0, 10, 200);
	use(remember("/b", 2, 1000), 0, 3, 200);
	use(remember("/c", 2, 10), 0, 10, 200);
	name("/d", OPERAND_FILE, 2, 500);
	select_wanted();
	assert_pages("/d", 3, 0, 2);
}
END_TEST

START_TEST(small_gaps_do_not_end_a_head_or_begin_an_end)
{
	struct pageset_file *file = remember("/a", 2, 1000);

	use(file, 0, 2, 200);
	use(file, 5, 2, 200);
	use(file, 100, 2, 200); /* neither */
	use(file, 980, 10, 300);
	use(file, 994, 6, 300);
	name("/b", OPERAND_FILE, 2, 5000);
	select_wanted();
	assert_pages("/b", 20, 5, 4980);
	ck_assert(!pageset_file_has(pageset_find(&wanted, "/b"), 100));
}
END_TEST

START_TEST(other_directories)
{
	use(remember("/a", 2, 10), 0, 10, 200);
	name("/b", OPERAND_DIRECTORY, 2, 0);
	ck_assert(!operand_use_has_other_directory(&targets, &remembered));
	use(remember("/d/x", PAGESET_OPERAND_BELOW, 10), 0, 10, 200);
	ck_assert(operand_use_has_other_directory(&targets, &remembered));
	name("/d", OPERAND_DIRECTORY, 2, 0);
	ck_assert(!operand_use_has_other_directory(&targets, &remembered));
}
END_TEST

START_TEST(sizes_that_lie)
{
	struct pageset_file *file = remember("/a", 2, 10);

	/* It grew while it was used, and a shadow may say anything. */
	use(file, 5, 1000, UINT32_MAX);
	use(file, BITMAP_MAX_PAGES - 1, 1, 0);
	use(remember("/empty", 3, 0), 0, 5, 200);
	name("/b", OPERAND_FILE, 2, 20);
	name("/c", OPERAND_FILE, 3, 20);
	name("/d", OPERAND_FILE, 2, UINT64_MAX / 4096);
	select_wanted();
	assert_pages("/b", 20, 0, 19);
	ck_assert_uint_eq(pageset_file_pages(pageset_find(&wanted, "/c")), 0);
	assert_pages("/d", 640, 0, 639);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operand_use");
	TCase *core = tcase_create("core");

	tcase_add_checked_fixture(core, prepare, release);
	tcase_add_test(core, what_is_not_named_is_not_wanted);
	tcase_add_test(core, what_is_named_again_is_used_as_before);
	tcase_add_loop_test(core, what_has_changed_is_not_used_as_before, 0, 2);
	tcase_add_test(core, another_file_is_read_whole_like_the_one_before);
	tcase_add_test(core, growth_has_a_bound);
	tcase_add_test(core, times_go_on_as_they_went);
	tcase_add_test(core, head_and_end);
	tcase_add_test(core, the_head_alone);
	tcase_add_test(core, here_and_there);
	tcase_add_test(core, what_was_not_read_is_not_read);
	tcase_add_test(core, the_place_counts_before_the_suffix);
	tcase_add_test(core, a_changed_file_is_like_itself);
	tcase_add_test(core, what_is_no_example);
	tcase_add_test(core, what_is_left_alone);
	tcase_add_test(core, pages_of_operands_are_known_or_not);
	tcase_add_test(core, of_too_many_examples_the_oldest_are_left_out);
	tcase_add_test(core, names_without_a_suffix_are_alike);
	tcase_add_test(core, of_two_alike_the_larger_tells_more);
	tcase_add_test(core, small_gaps_do_not_end_a_head_or_begin_an_end);
	tcase_add_test(core, other_directories);
	tcase_add_test(core, sizes_that_lie);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
