#include "prefetch/plan.h"

#include <stdio.h>

#include "support.h"
#include "sys/huge.h"
#include "sys/page.h"
#include "sys/pagemap.h"

static struct pageset pageset;
static struct plan plan;
static struct plan_shape shape;
static const struct plan_options DEFAULTS = { .shapes = &shape, .budget_pages = 1 << 20, .max_age = 255 };

static void set_up(void)
{
	pageset_init(&pageset);
	plan = (struct plan){ 0 };
	shape = (struct plan_shape){ .piece_pages = 32 };
}

static void tear_down(void)
{
	plan_release(&plan);
	pageset_release(&pageset);
}

static struct pageset_file *add_file(const char *path, uint32_t first_use_us, uint64_t n_pages)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&pageset, path, first_use_us, &file), 0);
	file->id.size_bytes = n_pages * page_bytes();
	return file;
}

static void add_extent(struct pageset_file *file, uint64_t first_page, uint64_t n_pages,
		       uint32_t first_use_us)
{
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ first_page, n_pages, first_use_us, 0 }),
			 0);
}

static void build(struct plan_options options)
{
	plan_release(&plan);
	ck_assert_int_eq(plan_build(&pageset, &options, &plan), 0);

	uint64_t n_pages = 0;

	for (size_t i = 0; i < plan.n_requests; i++) {
		const struct plan_request *request = &plan.requests[i];

		ck_assert_uint_lt(request->file_index, plan.n_files);
		ck_assert_uint_ge(request->n_pages, 1);
		if (request->how == PLAN_HUGE)
			ck_assert_uint_eq(request->n_pages, page_huge_bytes() / page_bytes());
		else
			ck_assert_uint_le(request->n_pages, shape.piece_pages);
		if (i > 0)
			ck_assert_uint_ge(request->first_use_us, plan.requests[i - 1].first_use_us);
		n_pages += request->n_pages;
	}
	ck_assert_uint_eq(plan.n_pages, n_pages);
}

static void assert_request(size_t i, const char *path, uint64_t first_page, uint64_t n_pages)
{
	ck_assert_uint_lt(i, plan.n_requests);

	const struct plan_request *request = &plan.requests[i];

	ck_assert_str_eq(plan.files[request->file_index].file->path, path);
	ck_assert_uint_eq(request->first_page, first_page);
	ck_assert_uint_eq(request->n_pages, n_pages);
}

START_TEST(nothing_gives_nothing)
{
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_files, 0);
	ck_assert_uint_eq(plan.n_requests, 0);
}
END_TEST

START_TEST(files_come_by_first_use_of_file_or_page)
{
	add_extent(add_file("/late", 900, 10), 0, 1, 800);
	add_file("/metadata", 300, 0);
	add_extent(add_file("/early", 500, 10), 0, 1, 100);
	add_file("/elsewhere/also-300", 300, 0);
	add_file("/elsewhere/deep/first-name", 10, 0);
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_files, 2);
	ck_assert_str_eq(plan.files[0].file->path, "/early");
	ck_assert_uint_eq(plan.files[0].first_use_us, 100);
	ck_assert_str_eq(plan.files[1].file->path, "/late");
	ck_assert_uint_eq(plan.files[1].first_use_us, 800);
	ck_assert_uint_eq(plan.n_names, 3);
	ck_assert_str_eq(plan.names[0].file->path, "/elsewhere/deep/first-name");
	ck_assert_str_eq(plan.names[1].file->path, "/metadata");
	ck_assert_str_eq(plan.names[2].file->path, "/elsewhere/also-300");
}
END_TEST

START_TEST(requests_interleave_files_by_first_use)
{
	struct pageset_file *a = add_file("/a", 0, 1000), *b = add_file("/b", 10, 1000);

	add_extent(a, 0, 1, 0);
	add_extent(a, 100, 1, 70000);
	add_extent(a, 200, 1, UINT32_MAX);
	add_extent(b, 5, 1, 65536 + 255);
	add_extent(b, 50, 2, 20);
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, 5);
	assert_request(0, "/a", 0, 1);
	assert_request(1, "/b", 50, 2);
	assert_request(2, "/b", 5, 1);
	assert_request(3, "/a", 100, 1);
	assert_request(4, "/a", 200, 1);
}
END_TEST

START_TEST(ties_go_by_file_then_page)
{
	struct pageset_file *second = add_file("/second", 7, 1000), *first = add_file("/first", 3, 1000);

	add_extent(second, 40, 1, 9);
	add_extent(second, 20, 1, 9); /* not sorted */
	add_extent(first, 60, 1, 9);
	build(DEFAULTS);
	assert_request(0, "/first", 60, 1);
	assert_request(1, "/second", 20, 1);
	assert_request(2, "/second", 40, 1);
}
END_TEST

START_TEST(long_extents_are_cut_to_pieces)
{
	add_extent(add_file("/a", 0, 1000), 10, 70, 0);
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, 3);
	assert_request(0, "/a", 10, 32);
	assert_request(1, "/a", 42, 32);
	assert_request(2, "/a", 74, 6);
}
END_TEST

/* All in one directory. */
static void add_names(int n)
{
	char path[32];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/directory/%d", i);
		add_file(path, 0, 0);
	}
}

START_TEST(of_many_names_in_a_directory_some_are_looked_up_first)
{
	add_names(100);
	add_file("/directory", 0, 0)->access = PAGESET_LISTED;
	add_extent(add_file("/directory/data", 0, 1), 0, 1, 0);
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_names, 7 + 1);
	ck_assert_uint_eq(plan.n_deferred_names, 93);
	ck_assert_uint_eq(plan.n_files, 1);
	for (size_t i = 0; i < plan.n_names; i++)
		for (size_t j = 0; j < plan.n_deferred_names; j++)
			ck_assert_ptr_ne(plan.names[i].file, plan.deferred_names[j].file);
}
END_TEST

START_TEST(where_memory_is_short_deferred_names_are_left_out)
{
	add_names(100);
	build((struct plan_options){ .budget_pages = 10 });
	ck_assert_uint_eq(plan.n_names, 7);
	ck_assert_uint_eq(plan.n_deferred_names, 0);
}
END_TEST

START_TEST(gaps_are_bridged_up_to_the_limit)
{
	struct pageset_file *a = add_file("/a", 0, 1000);

	add_extent(a, 0, 2, 500);
	add_extent(a, 5, 2, 400); /* gap of 3 */
	add_extent(a, 11, 2, 0);  /* gap of 4 */
	shape.bridge_pages = 3;
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, 2);
	assert_request(0, "/a", 11, 2);
	assert_request(1, "/a", 0, 7);
	ck_assert_uint_eq(plan.requests[1].first_use_us, 400);

	shape.bridge_pages = 4;
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, 1);
	assert_request(0, "/a", 0, 13);
	ck_assert_uint_eq(plan.requests[0].first_use_us, 0);
}
END_TEST

START_TEST(extents_used_far_apart_in_time_stay_apart)
{
	struct pageset_file *a = add_file("/a", 0, 1000);

	add_extent(a, 0, 1, 0);
	add_extent(a, 1, 1, 3000000);
	add_extent(a, 3, 1, 3000100);
	shape.bridge_pages = 16;
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, 2);
	assert_request(0, "/a", 0, 1);
	assert_request(1, "/a", 1, 3);
}
END_TEST

START_TEST(joining_that_saves_no_request_is_left)
{
	struct pageset_file *a = add_file("/a", 0, 1000);

	add_extent(a, 0, 20, 0);
	add_extent(a, 24, 20, 10);
	shape.bridge_pages = 16;
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, 2);
	assert_request(0, "/a", 0, 20);
	assert_request(1, "/a", 24, 20);
}
END_TEST

START_TEST(nothing_reaches_beyond_the_file)
{
	struct pageset_file *a = add_file("/a", 0, 10), *huge = add_file("/huge", 1, 0);

	a->id.size_bytes++; /* an eleventh page of one byte */
	add_extent(a, 8, 100, 0);
	add_extent(a, 200, 1, 0);
	add_extent(a, UINT64_MAX, UINT64_MAX, 0);
	huge->id.size_bytes = UINT64_MAX;
	add_extent(huge, 1, UINT64_MAX, 1);
	add_extent(add_file("/empty", 2, 0), 0, 1, 2);

	struct plan_options options = DEFAULTS;

	options.budget_pages = 100;
	build(options);
	ck_assert_uint_eq(plan.n_pages, 100);
	assert_request(0, "/a", 8, 3);
	assert_request(1, "/huge", 1, 32);
	ck_assert_uint_eq(plan.n_requests, 5);
}
END_TEST

START_TEST(the_budget_leaves_out_what_is_used_last)
{
	struct plan_options options = DEFAULTS;
	struct pageset_file *a = add_file("/a", 0, 1000), *b = add_file("/b", 0, 1000);

	add_extent(a, 0, 10, 90);
	add_extent(b, 0, 10, 50);
	options.budget_pages = 14;
	build(options);
	ck_assert_uint_eq(plan.n_requests, 2);
	assert_request(0, "/b", 0, 10);
	assert_request(1, "/a", 0, 4);
	ck_assert_uint_eq(plan.n_pages, 14);
	ck_assert_uint_eq(plan.n_files, 2);

	options.budget_pages = 0;
	build(options);
	ck_assert_uint_eq(plan.n_requests, 0);
	ck_assert_uint_eq(plan.n_files, 2);

	options.budget_pages = UINT64_MAX;
	shape.piece_pages = 1;
	build(options);
	ck_assert_uint_eq(plan.n_requests, 20);
}
END_TEST

/* Enough of everything that an order by luck is out of the question. */
START_TEST(many_files_are_in_order_and_whole)
{
	uint64_t n_pages = 0;
	char path[32];

	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/%u", i);

		struct pageset_file *file = add_file(path, i * 2654435761u, 10000);

		for (uint32_t j = 0; j < 20; j++) {
			add_extent(file, j * 100, 1 + (i + j) % 50, (i + j * 7919) * 2654435761u);
			n_pages += 1 + (i + j) % 50;
		}
	}
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_pages, n_pages);
	for (size_t i = 1; i < plan.n_files; i++)
		ck_assert_uint_ge(plan.files[i].first_use_us, plan.files[i - 1].first_use_us);
}
END_TEST

START_TEST(what_is_too_old_is_left_out)
{
	struct plan_options options = DEFAULTS;
	struct pageset_file *a = add_file("/a", 0, 1000);

	add_extent(a, 0, 2, 0);
	add_extent(a, 100, 3, 0);
	a->extents[1].age = 2;
	options.max_age = 1;
	build(options);
	ck_assert_uint_eq(plan.n_requests, 1);
	assert_request(0, "/a", 0, 2);
}
END_TEST

START_TEST(a_plan_is_compared_with_what_was_used)
{
	struct pageset_file *mapped = add_file("/mapped", 0, 1000), *data = add_file("/data", 0, 1000), *used;
	struct pageset seen;
	struct plan_use use;

	mapped->access = PAGESET_MAPPED;
	data->access = PAGESET_READ;
	add_extent(mapped, 0, 4, 0);
	add_extent(mapped, 5, 4, 0);
	add_extent(data, 0, 10, 0);
	shape.bridge_pages = 1;
	build(DEFAULTS);
	pageset_init(&seen);
	ck_assert_int_eq(pageset_add(&seen, "/mapped", 0, &used), 0);
	ck_assert_int_eq(pageset_file_append(used, (struct extent){ 2, 4, 0, 0 }), 0);

	use = plan_compare(&plan, &seen, PLAN_SEES_MAPPED);
	ck_assert_uint_eq(use.n_judged, 0);
	for (size_t i = 0; i < plan.n_requests; i++)
		plan.requests[i].was_read = true;
	use = plan_compare(&plan, &seen, PLAN_SEES_MAPPED);
	ck_assert_uint_eq(use.n_judged, 9);
	ck_assert_uint_eq(use.n_unused, 5);
	use = plan_compare(&plan, &seen, PLAN_SEES_ALL);
	ck_assert_uint_eq(use.n_judged, 19);
	ck_assert_uint_eq(use.n_unused, 15);
	pageset_release(&seen);
}
END_TEST

/* What a shadow claims is bounded: the files that are used last are left out. */
START_TEST(so_many_extents_and_no_more)
{
	struct pageset_file *first = add_file("/first", 1, 10), *many = add_file("/many", 2, 1 << 20),
			    *last = add_file("/last", 3, 10);

	add_extent(first, 0, 1, 1);
	for (uint32_t i = 0; i < PLAN_MAX_EXTENTS; i++)
		add_extent(many, i * 3, 1, 2);
	add_extent(last, 0, 1, 3);
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, 1);
	ck_assert_uint_eq(plan.requests[0].file_index, 0);
}
END_TEST

START_TEST(so_many_pieces_and_no_more)
{
	struct pageset_file *file = add_file("/large", 1, 1 << 20);

	shape.piece_pages = 1;
	add_extent(file, 0, 1 << 20, 1);
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_requests, PLAN_MAX_EXTENTS);
	ck_assert_uint_eq(plan.n_pages, PLAN_MAX_EXTENTS);
}
END_TEST

START_TEST(the_kernels_own_is_not_planned)
{
	add_extent(add_file("/proc/kcore", 1, 10), 0, 1, 1);
	add_file("/sys/devices/x", 2, 1);
	add_file("/dev/sda", 3, 1);
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_files + plan.n_requests + plan.n_names + plan.n_deferred_names, 0);
}
END_TEST

START_TEST(what_did_not_answer_is_left_out_if_told_so)
{
	struct plan_options options = DEFAULTS;

	add_extent(add_file("/file", 1, 10), 0, 1, 1);
	add_file("/name", 2, 1);
	for (size_t i = 0; i < pageset.n_files; i++)
		pageset.files[i]->is_unanswered = true;
	build(options);
	ck_assert_uint_eq(plan.n_files + plan.n_names, 2);
	ck_assert_uint_eq(plan.n_left_out, 0);
	options.unanswered = PLAN_LEAVE_OUT;
	build(options);
	ck_assert_uint_eq(plan.n_files + plan.n_names + plan.n_requests, 0);
	ck_assert_uint_eq(plan.n_left_out, 2);
}
END_TEST

START_TEST(operands_are_planned_apart)
{
	add_extent(add_file("/file", 1, 10), 0, 1, 1);
	add_file("/name", 2, 1);
	for (size_t i = 0; i < pageset.n_files; i++)
		pageset.files[i]->operand = PAGESET_OPERAND_BELOW;
	build(DEFAULTS);
	ck_assert_uint_eq(plan.n_files + plan.n_names + plan.n_requests + plan.n_left_out, 0);
}
END_TEST

static size_t count_huge(struct plan_options options)
{
	size_t n = 0;

	build(options);
	for (size_t i = 0; i < plan.n_requests; i++)
		n += plan.requests[i].how == PLAN_HUGE;
	return n;
}

START_TEST(dense_windows_are_read_as_a_whole_where_that_makes_huge_folios)
{
	static const char table[] = "27 1 0:99 / / rw - ext4 root rw\n28 27 0:98 / /vfat rw - vfat none rw\n";
	struct plan_options options = DEFAULTS;
	struct places places = { 0 };
	const uint64_t w = page_huge_bytes() / page_bytes();
	const size_t n_expected = huge_is_known("ext4") ? 2 : 0;
	struct pageset_file *library = add_file("/lib.so", 0, 3 * w);

	ck_assert_int_eq(mounts_parse(table, sizeof(table) - 1, &places.mounts), 0);
	options.places = &places;
	options.shapes = NULL;
	shape.piece_pages = 256;
	add_extent(library, 0, 2 * w - 1, 7);
	add_extent(add_file("/vfat/lib.so", 0, 3 * w), 0, w, 7);
	add_extent(add_file("/read", 0, 3 * w), 0, w, 7);
	add_extent(add_file("/data", 0, 3 * w), 0, w, 7);
	for (size_t i = 0; i < pageset.n_files; i++) {
		pageset.files[i]->access = PAGESET_MAPPED;
		pageset.files[i]->id.build_id_size = 20;
	}
	pageset_find(&pageset, "/read")->access = PAGESET_READ;
	pageset_find(&pageset, "/data")->id.build_id_size = 0;
	ck_assert_uint_eq(count_huge(options), 0);
	options.folios = PLAN_HUGE_FOLIOS;
	ck_assert_uint_eq(count_huge(options), n_expected);
	ck_assert_uint_eq(plan.n_pages, 5 * w - (n_expected == 0));
	/* What the budget cuts is none. */
	options.budget_pages = 2 * w - 1;
	ck_assert_uint_eq(count_huge(options), n_expected / 2);
	/* A disk that is slow has no use for it: it would read more. */
	memset(places.is_known, true, sizeof(places.is_known));
	places.storages[0] = STORAGE_ROTATING;
	ck_assert_uint_eq(count_huge(options), 0);
	places_release(&places);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, nothing_gives_nothing);
	tcase_add_test(t, files_come_by_first_use_of_file_or_page);
	tcase_add_test(t, requests_interleave_files_by_first_use);
	tcase_add_test(t, ties_go_by_file_then_page);
	tcase_add_test(t, long_extents_are_cut_to_pieces);
	tcase_add_test(t, of_many_names_in_a_directory_some_are_looked_up_first);
	tcase_add_test(t, where_memory_is_short_deferred_names_are_left_out);
	tcase_add_test(t, what_is_too_old_is_left_out);
	tcase_add_test(t, a_plan_is_compared_with_what_was_used);
	tcase_add_test(t, gaps_are_bridged_up_to_the_limit);
	tcase_add_test(t, extents_used_far_apart_in_time_stay_apart);
	tcase_add_test(t, joining_that_saves_no_request_is_left);
	tcase_add_test(t, nothing_reaches_beyond_the_file);
	tcase_add_test(t, the_budget_leaves_out_what_is_used_last);
	tcase_add_test(t, many_files_are_in_order_and_whole);
	tcase_add_test(t, so_many_extents_and_no_more);
	tcase_add_test(t, so_many_pieces_and_no_more);
	tcase_add_test(t, dense_windows_are_read_as_a_whole_where_that_makes_huge_folios);
	tcase_add_test(t, the_kernels_own_is_not_planned);
	tcase_add_test(t, what_did_not_answer_is_left_out_if_told_so);
	tcase_add_test(t, operands_are_planned_apart);
	suite_add_tcase(s, t);

	return run_suite(s);
}
