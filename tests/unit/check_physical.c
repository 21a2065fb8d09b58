#include "prefetch/physical.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "support.h"
#include "sys/page.h"
#include "sys/pagemap.h"

enum { N_FILES = 3, N_PAGES = 64 };

static struct pageset pageset;
static struct plan plan;

/* Where the first byte of the file lies; 0 if the filesystem does not tell. */
static uint64_t disk_place_of(const char *path)
{
	union {
		struct fiemap head;
		char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
	} map = { .head = { .fm_length = 1, .fm_extent_count = 1, .fm_flags = FIEMAP_FLAG_SYNC } };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_known = ioctl(fd, FS_IOC_FIEMAP, &map.head) == 0 && map.head.fm_mapped_extents == 1 &&
			!(map.head.fm_extents[0].fe_flags & FIEMAP_EXTENT_UNKNOWN);

	close(fd);
	return is_known ? map.head.fm_extents[0].fe_physical : 0;
}

static void add_file(const char *path, uint64_t n_pages, uint32_t first_use_us)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&pageset, path, first_use_us, &file), 0);
	file->id.size_bytes = N_PAGES * page_bytes();
	ck_assert_int_eq(pageset_file_append(file, (struct extent){ 0, n_pages, first_use_us, 0 }), 0);
}

static void make_plan(void)
{
	static const struct plan_shape shape = { .piece_pages = 32 };
	static const struct plan_options options = { .shapes = &shape, .budget_pages = 1 << 20 };
	static const char *const names[N_FILES] = { "a", "b", "c" };
	char data[N_PAGES * 65536];

	memset(data, 'x', sizeof(data));
	pageset_init(&pageset);
	for (uint32_t i = 0; i < N_FILES; i++) {
		write_file(names[i], data, N_PAGES * page_bytes(), 0600);
		if (disk_place_of(names[i]) > 0)
			add_file(scratch_path(names[i]), N_PAGES, 100 - i);
	}
	add_file("/no/such/file", 1, 0);
	ck_assert_int_eq(plan_build(&pageset, &options, &plan), 0);
	for (size_t i = 0; i < plan.n_files; i++)
		plan.files[i].place.storage = STORAGE_ROTATING;
}

static void free_plan(void)
{
	plan_release(&plan);
	pageset_release(&pageset);
}

START_TEST(requests_are_in_the_order_of_the_disk)
{
	size_t n_known = pageset.n_files - 1;
	uint64_t place = 0;

	ck_assert_int_eq(physical_sort(&plan, NULL), 0);
	ck_assert_uint_eq(plan.n_requests, n_known * 2 + 1);
	for (size_t i = 0; i < n_known * 2; i++) {
		const struct plan_request *request = &plan.requests[i];
		const char *path = plan.files[request->file_index].file->path;

		if (request->first_page > 0)
			continue;
		ck_assert_uint_gt(disk_place_of(path), place);
		place = disk_place_of(path);
	}
}
END_TEST

START_TEST(what_is_nowhere_comes_last)
{
	ck_assert_str_eq(plan.files[plan.requests[0].file_index].file->path, "/no/such/file");
	ck_assert_int_eq(physical_sort(&plan, NULL), 0);

	const struct plan_request *last = &plan.requests[plan.n_requests - 1];

	ck_assert_str_eq(plan.files[last->file_index].file->path, "/no/such/file");
}
END_TEST

START_TEST(what_does_not_rotate_stays)
{
	size_t n_known = pageset.n_files - 1;

	plan.files[0].place.storage = STORAGE_SOLID_STATE;
	ck_assert_int_eq(physical_sort(&plan, NULL), 0);
	ck_assert_uint_eq(plan.n_requests, n_known * 2 + 1);
	ck_assert_uint_eq(plan.requests[0].file_index, 0);
}
END_TEST

/* They are used in the opposite order. */
START_TEST(what_is_packed_is_in_the_order_of_paths)
{
	const struct plan_request *before = NULL;

	ck_assert_uint_gt(plan.n_requests, 1);
	for (size_t i = 0; i < plan.n_files; i++)
		plan.files[i].place.storage = STORAGE_PACKED;
	ck_assert_int_eq(physical_sort(&plan, NULL), 0);
	for (size_t i = 0; i < plan.n_requests; before = &plan.requests[i++]) {
		if (!before)
			continue;
		int order = strcmp(plan.files[before->file_index].file->path,
				   plan.files[plan.requests[i].file_index].file->path);

		ck_assert(order < 0 || (order == 0 && before->first_page < plan.requests[i].first_page));
	}
}
END_TEST

/* Here all that is there lies below an automount point. */
START_TEST(nothing_is_mounted_to_find_a_place)
{
	struct mounts mounts = { 0 };
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 0:9 / %s rw - autofs x rw\n",
		 scratch);
	ck_assert_int_eq(mounts_parse(text, strlen(text), &mounts), 0);
	ck_assert_int_eq(physical_sort(&plan, &mounts), 0);
	ck_assert_str_eq(plan.files[plan.requests[0].file_index].file->path, "/no/such/file");
	mounts_release(&mounts);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("physical");
	TCase *t = tcase_create("core");

	tcase_add_unchecked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_checked_fixture(t, make_plan, free_plan);
	tcase_add_test(t, requests_are_in_the_order_of_the_disk);
	tcase_add_test(t, what_is_nowhere_comes_last);
	tcase_add_test(t, what_does_not_rotate_stays);
	tcase_add_test(t, nothing_is_mounted_to_find_a_place);
	tcase_add_test(t, what_is_packed_is_in_the_order_of_paths);
	suite_add_tcase(s, t);
	return run_suite(s);
}
