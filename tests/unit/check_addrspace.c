#include "record/addrspace.h"

#include "sys/page.h"
#include "touched.h"

static const struct addrspace_pages pages = { .open = pagemap_open, .scan = pagemap_scan };
static struct addrspace *self;
static struct pageset pageset;
static struct pageset_file *file;

static void set_up(void)
{
	scratch_enter();
	pageset_init(&pageset);
	self = addrspace_new(1);
	ck_assert_ptr_nonnull(self);
	ck_assert_int_eq(pageset_add(&pageset, scratch_path("mapped"), 0, &file), 0);
	file->id.size_bytes = TOUCHED_PAGES * page_bytes() - page_bytes() / 2;
}

static void tear_down(void)
{
	addrspace_free(self);
	pageset_release(&pageset);
	scratch_leave();
}

/* Addresses here are counted in pages. */
static uint64_t at(uint64_t page)
{
	return page * page_bytes();
}

static void map(uint64_t start, uint64_t end, uint64_t first_page)
{
	struct addrspace_mapping mapping = {
		.start = at(start), .end = at(end), .first_page = first_page, .file = file
	};

	ck_assert_int_eq(addrspace_map(self, mapping), 0);
}

static void unmap(uint64_t start, uint64_t end)
{
	ck_assert_int_eq(addrspace_unmap(self, at(start), at(end)), 0);
}

static void assert_mapped(uint64_t start, uint64_t end, uint64_t first_page)
{
	for (size_t i = 0; i < self->mappings.n_items; i++) {
		const struct addrspace_mapping *mapping = &self->mappings.items[i];

		if (mapping->start == at(start) && mapping->end == at(end) &&
		    mapping->first_page == first_page)
			return;
	}
	ck_abort_msg("not mapped");
}

START_TEST(what_is_unmapped_is_cut_out)
{
	map(100, 110, 5);
	unmap(90, 100);
	unmap(110, 120);
	assert_mapped(100, 110, 5);
	unmap(103, 105);
	ck_assert_uint_eq(self->mappings.n_items, 2);
	assert_mapped(100, 103, 5);
	assert_mapped(105, 110, 10);
	unmap(99, 101);
	assert_mapped(101, 103, 6);
	unmap(109, 200);
	assert_mapped(105, 109, 10);
	ck_assert_uint_eq(self->mappings.n_items, 2);
	unmap(0, 1000);
	ck_assert_uint_eq(self->mappings.n_items, 0);
}
END_TEST

START_TEST(a_mapping_takes_the_place_of_others)
{
	map(100, 110, 0);
	map(120, 130, 20);
	map(105, 125, 40);
	ck_assert_uint_eq(self->mappings.n_items, 3);
	assert_mapped(100, 105, 0);
	assert_mapped(105, 125, 40);
	assert_mapped(125, 130, 25);
}
END_TEST

START_TEST(there_may_be_many)
{
	for (uint64_t i = 0; i < 1000; i++)
		map(1000 + 2 * i, 1001 + 2 * i, i);
	ck_assert_uint_eq(self->mappings.n_items, 1000);
	unmap(1000, 2000);
	ck_assert_uint_eq(self->mappings.n_items, 500);
}
END_TEST

START_TEST(access_is_noted_for_all)
{
	map(100, 110, 0);
	file->access = PAGESET_MAPPED;
	addrspace_mark(self, PAGESET_BEFORE_EXEC);
	ck_assert_uint_eq(file->access, PAGESET_MAPPED | PAGESET_BEFORE_EXEC);
}
END_TEST

static void map_touched(const struct touched *touched)
{
	struct addrspace_mapping mapping = {
		.start = touched->start, .end = touched->end, .file = file, .is_exact = true
	};

	ck_assert_int_eq(addrspace_map(self, mapping), 0);
}

START_TEST(touched_pages_are_found)
{
	struct touched touched = touched_map(MAP_PRIVATE);
	cleanup_close int uffd = touched_uffd();
	struct uffdio_register request = { .range = { touched.start, touched.end - touched.start },
					   .mode = UFFDIO_REGISTER_MODE_WP };

	ck_assert_int_eq(ioctl(uffd, UFFDIO_REGISTER, &request), 0);
	map_touched(&touched);
	touched_touch(&touched, 20);
	touched_touch(&touched, TOUCHED_PAGES - 1);
	ck_assert_int_eq(addrspace_scan(self, &pages, getpid(), 0, touched.start + at(20), 7), 0);
	ck_assert_int_eq(addrspace_scan(self, &pages, getpid(), 0, UINT64_MAX, 7), 2);
	ck_assert_int_eq(addrspace_scan(self, &pages, getpid(), 0, UINT64_MAX, 8), 0);
	ck_assert(file->exact);
	ck_assert(pageset_file_has(file, 20));
	ck_assert(pageset_file_has(file, TOUCHED_PAGES - 1));
	ck_assert_uint_eq(file->extents[0].first_use_us, 7);
}
END_TEST

START_TEST(pages_of_an_inexact_mapping_are_not_exact)
{
	struct touched touched = touched_map(MAP_PRIVATE);

	map_touched(&touched);
	self->mappings.items[0].is_exact = false;
	ck_assert_int_eq(addrspace_scan(self, &pages, getpid(), 0, UINT64_MAX, 7), 0);
	ck_assert(file->exact);
	touched_touch(&touched, 20);
	ck_assert_int_ge(addrspace_scan(self, &pages, getpid(), 0, UINT64_MAX, 7), 1);
	ck_assert(!file->exact);
}
END_TEST

START_TEST(behind_the_files_end_is_nothing)
{
	struct touched touched = touched_map(MAP_PRIVATE);

	map_touched(&touched);
	file->id.size_bytes = at(10);
	for (uint64_t page = 0; page < TOUCHED_PAGES; page++)
		touched_touch(&touched, page);
	ck_assert_int_eq(addrspace_scan(self, &pages, getpid(), 0, UINT64_MAX, 7), 10);
	ck_assert_uint_eq(pageset_file_pages(file), 10);
}
END_TEST

/* start .. end of file, and whether the list says that it is exact. */
static void list(uint64_t start, uint64_t end, struct pageset_file *of, bool is_exact)
{
	struct addrspace_mapping mapping = {
		.start = at(start), .end = at(end), .file = of, .is_exact = is_exact
	};

	ck_assert_int_eq(addrspace_map(self, mapping), 0);
}

START_TEST(a_list_replaces_what_was_known)
{
	map(1, 2, 0);
	addrspace_list_begin(self);
	list(10, 20, file, false);
	list(20, 30, file, true);
	addrspace_list_end(self);
	ck_assert_uint_eq(self->mappings.n_items, 2);
	assert_mapped(10, 20, 0);
	assert_mapped(20, 30, 0);
	/* And then they come and go one by one again. */
	map(15, 25, 7);
	ck_assert_uint_eq(self->mappings.n_items, 3);
}
END_TEST

START_TEST(what_is_part_of_an_exact_mapping_remains_exact)
{
	struct pageset_file *other;
	static const bool expected[] = { true, true, false, false, false, false };

	ck_assert_int_eq(pageset_add(&pageset, "/other", 0, &other), 0);
	list(40, 50, file, false);
	list(10, 20, file, true);
	list(30, 32, file, true);
	addrspace_list_begin(self);
	list(10, 12, file, false);
	list(13, 20, file, false);
	list(21, 22, file, false);
	list(30, 31, other, false);
	list(31, 33, file, false);
	list(40, 50, file, false);
	addrspace_list_end(self);
	ck_assert_uint_eq(self->mappings.n_items, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_msg(self->mappings.items[i].is_exact == expected[i], "mapping %zu", i);
}
END_TEST

START_TEST(nobody_has_no_pages)
{
	map(100, 110, 0);
	ck_assert_int_lt(addrspace_scan(self, &pages, 0x7fffffff, 0, UINT64_MAX, 1), 0);
}
END_TEST

START_TEST(what_is_told_needs_no_look)
{
	map(10, 20, 0);
	map(30, 40, 100);
	map(50, 55, 20);
	ck_assert_int_eq(addrspace_add(self, at(5), at(12), PAGEMAP_PAGES, 7), 2);
	ck_assert_int_eq(addrspace_add(self, at(11), at(13), PAGEMAP_PAGES, 8), 1);
	ck_assert_int_eq(addrspace_add(self, at(54), at(60), PAGEMAP_PAGES, 9), 1);
	ck_assert_int_eq(addrspace_add(self, at(21), at(29), PAGEMAP_PAGES, 9), 0);
	ck_assert_uint_eq(pageset_file_pages(file), 4);
	ck_assert_uint_eq(file->extents[0].first_page, 0);
	ck_assert_uint_eq(file->extents[0].first_use_us, 7);
	ck_assert(!file->exact);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("addrspace");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, what_is_unmapped_is_cut_out);
	tcase_add_test(t, a_mapping_takes_the_place_of_others);
	tcase_add_test(t, there_may_be_many);
	tcase_add_test(t, access_is_noted_for_all);
	if (can_test(can_be_exact(), "page by page (needs userfaultfd(2) of a kernel since 6.7)"))
		tcase_add_test(t, touched_pages_are_found);
	tcase_add_test(t, pages_of_an_inexact_mapping_are_not_exact);
	tcase_add_test(t, behind_the_files_end_is_nothing);
	tcase_add_test(t, a_list_replaces_what_was_known);
	tcase_add_test(t, what_is_part_of_an_exact_mapping_remains_exact);
	tcase_add_test(t, nobody_has_no_pages);
	tcase_add_test(t, what_is_told_needs_no_look);
	suite_add_tcase(s, t);
	return run_suite(s);
}
