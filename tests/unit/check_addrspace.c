#include "record/addrspace.h"

#include "sys/page.h"
#include "touched.h"

static struct addrspace *self;
static struct pageset pageset;
static struct procmaps_text text;
static struct pageset_file *file;

static void set_up(void)
{
	scratch_enter();
	pageset_init(&pageset);
	text = (struct procmaps_text){ 0 };
	self = addrspace_new();
	ck_assert_ptr_nonnull(self);
	ck_assert_int_eq(pageset_add(&pageset, scratch_path("mapped"), 0, &file), 0);
	file->id.size_bytes = TOUCHED_PAGES * page_bytes() - page_bytes() / 2;
}

static void tear_down(void)
{
	addrspace_unref(self);
	procmaps_text_release(&text);
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

	ck_assert_int_eq(addrspace_map(self, mapping, false), 0);
}

static void unmap(uint64_t start, uint64_t end)
{
	ck_assert_int_eq(addrspace_unmap(self, at(start), at(end)), 0);
}

static void assert_mapped(uint64_t start, uint64_t end, uint64_t first_page)
{
	for (size_t i = 0; i < self->n_mappings; i++) {
		const struct addrspace_mapping *mapping = &self->mappings[i];

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
	ck_assert_uint_eq(self->n_mappings, 2);
	assert_mapped(100, 103, 5);
	assert_mapped(105, 110, 10);
	unmap(99, 101);
	assert_mapped(101, 103, 6);
	unmap(109, 200);
	assert_mapped(105, 109, 10);
	ck_assert_uint_eq(self->n_mappings, 2);
	unmap(0, 1000);
	ck_assert_uint_eq(self->n_mappings, 0);
}
END_TEST

START_TEST(a_mapping_takes_the_place_of_others)
{
	map(100, 110, 0);
	map(120, 130, 20);
	map(105, 125, 40);
	ck_assert_uint_eq(self->n_mappings, 3);
	assert_mapped(100, 105, 0);
	assert_mapped(105, 125, 40);
	assert_mapped(125, 130, 25);
	ck_assert(addrspace_has_files_in(self, at(129), at(200)));
	ck_assert(!addrspace_has_files_in(self, at(130), at(200)));
	ck_assert(!addrspace_has_files_in(self, at(0), at(100)));
}
END_TEST

START_TEST(there_may_be_many)
{
	for (uint64_t i = 0; i < 1000; i++)
		map(1000 + 2 * i, 1001 + 2 * i, i);
	ck_assert_uint_eq(self->n_mappings, 1000);
	unmap(1000, 2000);
	ck_assert_uint_eq(self->n_mappings, 500);
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
	struct addrspace_mapping mapping = { .start = touched->start, .end = touched->end, .file = file };

	ck_assert_int_eq(addrspace_map(self, mapping, false), 0);
}

START_TEST(touched_pages_are_found)
{
	struct touched touched = touched_map(MAP_PRIVATE);

	self->uffd = touched_uffd();
	map_touched(&touched);
	ck_assert(self->mappings[0].is_exact);
	touched_touch(&touched, 20);
	touched_touch(&touched, TOUCHED_PAGES - 1);
	ck_assert_int_eq(addrspace_scan(self, getpid(), 0, touched.start + at(20), 7), 0);
	ck_assert_int_eq(addrspace_scan(self, getpid(), 0, UINT64_MAX, 7), 2);
	ck_assert_int_eq(addrspace_scan(self, getpid(), 0, UINT64_MAX, 8), 0);
	ck_assert(file->exact);
	ck_assert(pageset_file_has(file, 20));
	ck_assert(pageset_file_has(file, TOUCHED_PAGES - 1));
	ck_assert_uint_eq(file->extents[0].first_use_us, 7);
}
END_TEST

START_TEST(without_a_userfaultfd_it_is_not_exact)
{
	struct touched touched = touched_map(MAP_PRIVATE);

	map_touched(&touched);
	ck_assert(!self->mappings[0].is_exact);
	ck_assert_int_eq(addrspace_scan(self, getpid(), 0, UINT64_MAX, 7), 0);
	ck_assert(file->exact);
	touched_touch(&touched, 20);
	ck_assert_int_ge(addrspace_scan(self, getpid(), 0, UINT64_MAX, 7), 1);
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
	ck_assert_int_eq(addrspace_scan(self, getpid(), 0, UINT64_MAX, 7), 10);
	ck_assert_uint_eq(pageset_file_pages(file), 10);
}
END_TEST

START_TEST(the_list_is_read_from_proc)
{
	struct touched touched = touched_map(_i ? MAP_SHARED : MAP_PRIVATE);
	bool is_found = false;

	self->uffd = touched_uffd();
	map(1, 2, 0);
	file->id.size_bytes = 0;
	ck_assert_int_eq(addrspace_reload(self, getpid(), false, &pageset, 3, &text), 0);
	ck_assert_uint_eq(file->access, PAGESET_MAPPED);
	ck_assert_uint_eq(file->id.size_bytes, TOUCHED_PAGES * page_bytes() - page_bytes() / 2);
	for (size_t i = 0; i < self->n_mappings; i++) {
		const struct addrspace_mapping *mapping = &self->mappings[i];

		ck_assert_uint_ne(mapping->start, at(1));
		if (mapping->start != touched.start)
			continue;
		is_found = true;
		ck_assert_uint_eq(mapping->end, touched.end);
		ck_assert_ptr_eq(mapping->file, file);
		ck_assert_int_eq(mapping->is_exact, _i == 0 && self->uffd >= 0);
	}
	ck_assert(is_found);
}
END_TEST

START_TEST(what_is_new_in_a_late_list_is_not_exact)
{
	struct touched before = touched_map(MAP_PRIVATE);

	self->uffd = touched_uffd();
	ck_assert_int_eq(addrspace_reload(self, getpid(), false, &pageset, 3, &text), 0);
	struct touched after = touched_map(MAP_PRIVATE);

	for (int i = 0; i < 2; i++) {
		unsigned int n_found = 0;

		ck_assert_int_eq(addrspace_reload(self, getpid(), true, &pageset, 4, &text), 0);
		for (size_t j = 0; j < self->n_mappings; j++) {
			const struct addrspace_mapping *mapping = &self->mappings[j];
			bool is_before = mapping->start == before.start;

			n_found += is_before || mapping->start == after.start;
			if (mapping->file == file)
				ck_assert_int_eq(mapping->is_exact, is_before && self->uffd >= 0);
		}
		ck_assert_uint_eq(n_found, 2);
	}
}
END_TEST

START_TEST(it_goes_with_its_last_user)
{
	int uffd = self->uffd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_ptr_eq(addrspace_ref(self), self);
	ck_assert_ptr_null(addrspace_unref(self));
	ck_assert_int_ge(fcntl(uffd, F_GETFD), 0);
	self = addrspace_unref(self);
	ck_assert_int_lt(fcntl(uffd, F_GETFD), 0);
	ck_assert_ptr_null(addrspace_unref(NULL));
}
END_TEST

START_TEST(nobody_has_no_pages)
{
	map(100, 110, 0);
	ck_assert_int_lt(addrspace_scan(self, 0x7fffffff, 0, UINT64_MAX, 1), 0);
	ck_assert_int_lt(addrspace_reload(self, 0x7fffffff, false, &pageset, 1, &text), 0);
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
	tcase_add_test(t, without_a_userfaultfd_it_is_not_exact);
	tcase_add_test(t, behind_the_files_end_is_nothing);
	tcase_add_loop_test(t, the_list_is_read_from_proc, 0, 2);
	tcase_add_test(t, what_is_new_in_a_late_list_is_not_exact);
	tcase_add_test(t, it_goes_with_its_last_user);
	tcase_add_test(t, nobody_has_no_pages);
	suite_add_tcase(s, t);
	return run_suite(s);
}
