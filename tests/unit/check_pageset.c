#include <check.h>
#include <stdio.h>
#include <string.h>

#include "pageset.h"
#include "support.h"

static struct pageset_file *add(struct pageset *set, const char *path)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(set, path, 7, &file), 0);
	return file;
}

static int add_pages(struct pageset_file *file, uint64_t first_page, uint64_t n_pages, uint32_t time)
{
	return pageset_file_add(file, (struct page_run){ first_page, n_pages }, time);
}

static void assert_extent(const struct pageset_file *file, size_t i, struct extent expected)
{
	ck_assert_uint_lt(i, file->n_extents);
	ck_assert_uint_eq(file->extents[i].first_page, expected.first_page);
	ck_assert_uint_eq(file->extents[i].n_pages, expected.n_pages);
	ck_assert_uint_eq(file->extents[i].first_use_us, expected.first_use_us);
	ck_assert_uint_eq(file->extents[i].age, expected.age);
}

START_TEST(file_is_added_once)
{
	cleanup_with(pageset_release) struct pageset set = { 0 };
	struct pageset_file *a = add(&set, "/a");
	struct pageset_file *again = NULL;

	ck_assert_int_eq(pageset_add(&set, "/a", 99, &again), 0);
	ck_assert_ptr_eq(a, again);
	ck_assert_uint_eq(set.n_files, 1);
	ck_assert_uint_eq(a->first_use_us, 7);
	ck_assert(a->exact && a->access == 0 && a->n_extents == 0);
	ck_assert_ptr_eq(pageset_find(&set, "/a"), a);
	ck_assert_ptr_null(pageset_find(&set, "/b"));
}
END_TEST

START_TEST(only_new_pages_become_extents)
{
	cleanup_with(pageset_release) struct pageset set = { 0 };
	struct pageset_file *file = add(&set, "/a");

	ck_assert_int_eq(add_pages(file, 10, 5, 100), 5);
	ck_assert_int_eq(add_pages(file, 8, 10, 200), 5);
	ck_assert_int_eq(add_pages(file, 9, 3, 300), 0);
	ck_assert_int_eq(add_pages(file, BITMAP_MAX_PAGES, 1, 0), -ERANGE);
	ck_assert_int_eq(add_pages(file, UINT64_MAX, 2, 0), -ERANGE);
	ck_assert_uint_eq(pageset_file_pages(file), 10);
	ck_assert(pageset_file_has(file, 8) && pageset_file_has(file, 17) && !pageset_file_has(file, 18));
	pageset_sort(&set);
	ck_assert_uint_eq(file->n_extents, 3);
	assert_extent(file, 0, (struct extent){ 8, 2, 200, 0 });
	assert_extent(file, 1, (struct extent){ 10, 5, 100, 0 });
	assert_extent(file, 2, (struct extent){ 15, 3, 200, 0 });
}
END_TEST

START_TEST(appended_pages_are_known)
{
	cleanup_with(pageset_release) struct pageset set = { 0 };
	struct pageset_file *file = add(&set, "/a");

	ck_assert_int_eq(pageset_file_append(file, (struct extent){ 3, 1, 9, 2 }), 0);
	ck_assert(pageset_file_has(file, 3) && !pageset_file_has(file, 4));
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ 4, 1, 9, 2 }), 0);
	ck_assert(pageset_file_has(file, 4));
	ck_assert_uint_eq(file->n_extents, 1);
	ck_assert_int_eq(add_pages(file, 3, 3, 50), 1);
	ck_assert_uint_eq(file->n_extents, 2);
}
END_TEST

START_TEST(neighbours_alike_are_joined)
{
	cleanup_with(pageset_release) struct pageset set = { 0 };
	struct pageset_file *file = add(&set, "/a");
	const struct extent extents[] = { { 6, 2, 5, 0 },  { 2, 2, 5, 0 },  { 4, 2, 5, 0 }, { 9, 1, 5, 0 },
					  { 10, 1, 6, 0 }, { 11, 1, 6, 1 }, { 1, 1, 5, 1 } };

	for (size_t i = 0; i < sizeof(extents) / sizeof(*extents); i++)
		ck_assert_int_eq(pageset_file_append(file, extents[i]), 0);
	pageset_sort(&set);
	ck_assert_uint_eq(file->n_extents, 5);
	assert_extent(file, 0, (struct extent){ 1, 1, 5, 1 });
	assert_extent(file, 1, (struct extent){ 2, 6, 5, 0 });
	assert_extent(file, 2, (struct extent){ 9, 1, 5, 0 });
	ck_assert_uint_eq(pageset_file_pages(file), 10);
}
END_TEST

START_TEST(pages_move)
{
	cleanup_with(pageset_release) struct pageset set = { 0 };
	struct pageset_file *a = add(&set, "/a");
	struct pageset_file *b = add(&set, "/b");

	ck_assert_int_eq(add_pages(a, 0, 1, 0), 1);
	ck_assert_int_eq(add_pages(b, 5, 2, 0), 2);
	pageset_file_take_pages(a, b);
	ck_assert(pageset_file_has(a, 6) && !pageset_file_has(a, 0));
	ck_assert(!pageset_file_has(b, 5));
	pageset_file_clear(a);
	ck_assert(!pageset_file_has(a, 6));
	ck_assert_int_eq(add_pages(a, 6, 1, 0), 1);
}
END_TEST

static bool has_even_number(const struct pageset_file *file, void *context)
{
	++*(int *)context;
	return (file->path[strlen(file->path) - 1] - '0') % 2 == 0;
}

START_TEST(many_files_sort_and_go)
{
	cleanup_with(pageset_release) struct pageset set = { 0 };
	char path[32];
	int n_asked = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/%u", i * 7919 % 20000);
		ck_assert_int_eq(add_pages(add(&set, path), i, 2, 0), 2);
	}

	struct pageset_file *kept = pageset_find(&set, "/4321");

	pageset_sort(&set);
	for (size_t i = 1; i < set.n_files; i++)
		ck_assert_int_lt(strcmp(set.files[i - 1]->path, set.files[i]->path), 0);
	ck_assert_uint_eq(pageset_count_pages(&set), 40000);
	ck_assert_uint_eq(pageset_count_extents(&set), 20000);

	pageset_remove_if(&set, has_even_number, &n_asked);
	ck_assert_int_eq(n_asked, 20000);
	ck_assert_uint_eq(set.n_files, 10000);
	ck_assert_ptr_null(pageset_find(&set, "/4320"));
	ck_assert_ptr_eq(pageset_find(&set, "/4321"), kept);
	ck_assert_ptr_nonnull(add(&set, "/4320"));
	ck_assert_uint_eq(set.n_files, 10001);
}
END_TEST

START_TEST(kinds)
{
	struct extent extent = { 0, 1, 0, 0 };
	struct pageset_file file = { .access = PAGESET_MAPPED | PAGESET_READ };

	ck_assert_str_eq(pageset_file_kind(&file), "metadata");
	file.extents = &extent;
	file.n_extents = 1;
	ck_assert_str_eq(pageset_file_kind(&file), "mapped");
	file.access = PAGESET_READ | PAGESET_STATED;
	ck_assert_str_eq(pageset_file_kind(&file), "read");
}
END_TEST

START_TEST(appended_files_are_found_before_and_after_others_are_added)
{
	static const char *const paths[] = { "/a", "/b", "/b/c", "/d" };
	struct pageset set;
	struct pageset_file *file = NULL;

	pageset_init(&set);
	ck_assert_ptr_null(pageset_find(&set, "/a"));
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pageset_append(&set, paths[i], &file), 0);
	for (int added = 0; added < 2; added++) {
		for (size_t i = 0; i < 4; i++)
			ck_assert_ptr_eq(pageset_find(&set, paths[i]), set.files[i]);
		ck_assert_ptr_null(pageset_find(&set, "/"));
		ck_assert_ptr_null(pageset_find(&set, "/bb"));
		ck_assert_ptr_null(pageset_find(&set, "/e"));
		ck_assert_int_eq(pageset_add(&set, "/a0", 0, &file), 0);
		ck_assert_int_eq(pageset_add(&set, "/b", 0, &file), 0);
		ck_assert_ptr_eq(file, set.files[1]);
		ck_assert_uint_eq(set.n_files, 5);
	}
	pageset_release(&set);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pageset");
	TCase *t = tcase_create("core");

	tcase_add_test(t, file_is_added_once);
	tcase_add_test(t, only_new_pages_become_extents);
	tcase_add_test(t, appended_pages_are_known);
	tcase_add_test(t, neighbours_alike_are_joined);
	tcase_add_test(t, pages_move);
	tcase_add_test(t, many_files_sort_and_go);
	tcase_add_test(t, kinds);
	tcase_add_test(t, appended_files_are_found_before_and_after_others_are_added);
	suite_add_tcase(s, t);

	return run_suite(s);
}
