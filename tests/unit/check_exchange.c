#include "exchange.h"

#include <sys/stat.h>
#include <sys/time.h>

#include "support.h"
#include "sys/page.h"

static struct pageset_file *add_file(struct shadow *shadow, const char *name, struct page_run run,
				     uint32_t first_use_us)
{
	struct pageset_file *file;
	struct stat st;
	const char *path = scratch_path(name);

	ck_assert_int_eq(pageset_add(&shadow->files, path, first_use_us, &file), 0);
	file->access = PAGESET_READ;
	if (stat(path, &st) == 0)
		file->id = fileid_from_stat(&st);
	if (run.n_pages > 0)
		ck_assert_int_gt(pageset_file_add(file, run, first_use_us), 0);
	return file;
}

static void make_file(const char *name, char content, size_t n_pages)
{
	size_t size = n_pages * page_bytes();
	cleanup_free char *data = malloc(size);

	memset(data, content, size);
	write_file(name, data, size, 0644);
}

static void make_older(const char *name)
{
	struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

struct heard {
	unsigned int n[3];
};

static void hear(const char *path, enum exchange_fault fault, void *context)
{
	struct heard *heard = context;

	ck_assert_ptr_nonnull(path);
	heard->n[fault]++;
}

/* Packs a record of the files a (two pages), b (one) and a name. */
static void pack(struct portable *ret_portable, struct exchange_count *ret_count)
{
	struct shadow shadow;

	make_file("a", 'a', 2);
	make_file("b", 'b', 1);
	ck_assert_int_eq(shadow_init(&shadow, "/bin/x", ""), 0);
	add_file(&shadow, "b", (struct page_run){ 0, 1 }, 20);
	add_file(&shadow, "a", (struct page_run){ 0, 2 }, 10);
	add_file(&shadow, "name", (struct page_run){ 0, 0 }, 0);
	ck_assert_int_eq(exchange_pack(&shadow, NULL, ret_portable, ret_count), 0);
}

START_TEST(what_is_packed_has_checksums)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct exchange_count count;

	pack(&portable, &count);
	ck_assert_uint_eq(count.n_files, 2);
	ck_assert_uint_eq(count.n_pages, 3);
	ck_assert_uint_eq(count.n_names, 1);
	ck_assert_uint_eq(count.n_left_out, 0);
	ck_assert_uint_eq(portable.n_checksums, 2);
}
END_TEST

START_TEST(another_time_of_change_does_not_matter)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct exchange_count count;

	pack(&portable, &count);
	make_older("a");
	ck_assert_int_eq(exchange_unpack(&portable, NULL, &count), 0);
	ck_assert_uint_eq(count.n_left_out, 0);
	ck_assert_uint_eq(count.n_pages, 3);
	ck_assert_int_eq(pageset_find(&portable.shadow.files, scratch_path("a"))->id.mtime_ns,
			 INT64_C(1000000000000));
}
END_TEST

START_TEST(what_lies_behind_the_end_is_not_believed)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct exchange_count count;

	pack(&portable, &count);
	ck_assert_int_eq(pageset_file_append(pageset_find(&portable.shadow.files, scratch_path("b")),
					     (struct extent){ 1, BITMAP_MAX_PAGES - 1, 0, 0 }),
			 0);
	ck_assert_int_eq(exchange_unpack(&portable, NULL, &count), 0);
	ck_assert_uint_eq(count.n_pages, 3);
	ck_assert_uint_eq(pageset_count_pages(&portable.shadow.files), 3);
}
END_TEST

START_TEST(another_content_does)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct exchange_listener listener = { .left_out = hear };
	struct heard heard = { 0 };
	struct exchange_count count;

	pack(&portable, &count);
	make_file("a", 'x', 2);
	listener.context = &heard;
	ck_assert_int_eq(exchange_unpack(&portable, &listener, &count), 0);
	ck_assert_uint_eq(count.n_left_out, 1);
	ck_assert_uint_eq(heard.n[EXCHANGE_CHANGED], 1);
	ck_assert_ptr_null(pageset_find(&portable.shadow.files, scratch_path("a")));
	/* The checksum that is left is that of the file that is left. */
	ck_assert_uint_eq(portable.n_checksums, 1);
	ck_assert_str_eq(portable.shadow.files.files[portable.checksums[0].file_index]->path,
			 scratch_path("b"));
}
END_TEST

START_TEST(what_is_missing_is_left_out)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct exchange_listener listener = { .left_out = hear };
	struct heard heard = { 0 };
	struct exchange_count count;

	pack(&portable, &count);
	ck_assert_int_eq(unlink("b"), 0);
	listener.context = &heard;
	ck_assert_int_eq(exchange_unpack(&portable, &listener, &count), 0);
	ck_assert_uint_eq(heard.n[EXCHANGE_MISSING], 1);
	ck_assert_uint_eq(count.n_files, 1);
}
END_TEST

START_TEST(what_changed_before_it_was_packed_is_left_out)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct shadow shadow;
	struct exchange_count count;

	make_file("a", 'a', 2);
	ck_assert_int_eq(shadow_init(&shadow, "/bin/x", ""), 0);
	add_file(&shadow, "a", (struct page_run){ 0, 2 }, 10);
	make_file("a", 'a', 3);
	ck_assert_int_eq(exchange_pack(&shadow, NULL, &portable, &count), 0);
	ck_assert_uint_eq(count.n_left_out, 1);
	ck_assert_uint_eq(portable.n_checksums, 0);
}
END_TEST

START_TEST(the_form_on_disk_comes_back)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_with(portable_release) struct portable again = { 0 };
	cleanup_free void *data = NULL;
	struct exchange_count count;
	size_t size = 0;

	pack(&portable, &count);
	ck_assert_int_eq(portable_encode(&portable, &data, &size), 0);
	ck_assert_int_eq(portable_decode(data, size, &again), 0);
	ck_assert_uint_eq(again.n_checksums, 2);
	ck_assert_uint_eq(pageset_count_pages(&again.shadow.files), 3);
	for (size_t i = 0; i < size; i++) {
		cleanup_with(portable_release) struct portable broken = { 0 };

		((uint8_t *)data)[i] ^= 1;
		ck_assert_int_lt(portable_decode(data, size, &broken), 0);
		ck_assert_int_lt(portable_decode(data, i, &broken), 0);
		((uint8_t *)data)[i] ^= 1;
	}
}
END_TEST

START_TEST(two_records_become_one)
{
	cleanup_with(shadow_release) struct shadow one = { 0 };
	cleanup_with(shadow_release) struct shadow two = { 0 };

	make_file("a", 'a', 4);
	make_file("b", 'b', 1);
	ck_assert_int_eq(shadow_init(&one, "/bin/x", ""), 0);
	ck_assert_int_eq(shadow_init(&two, "/bin/x", ""), 0);
	one.stats.runs = 2;
	two.stats.runs = 3;
	add_file(&one, "a", (struct page_run){ 0, 2 }, 10);
	add_file(&two, "a", (struct page_run){ 1, 2 }, 20);
	add_file(&two, "b", (struct page_run){ 0, 1 }, 5);
	ck_assert_int_eq(exchange_merge(&one, &two), 0);
	ck_assert_uint_eq(pageset_count_pages(&one.files), 4);
	ck_assert_uint_eq(one.stats.runs, 5);
}
END_TEST

START_TEST(of_another_version_nothing_is_taken)
{
	cleanup_with(shadow_release) struct shadow one = { 0 };
	cleanup_with(shadow_release) struct shadow two = { 0 };

	make_file("a", 'a', 4);
	ck_assert_int_eq(shadow_init(&one, "/bin/x", ""), 0);
	ck_assert_int_eq(shadow_init(&two, "/bin/x", ""), 0);
	add_file(&one, "a", (struct page_run){ 0, 2 }, 10);
	make_file("a", 'a', 5);
	add_file(&two, "a", (struct page_run){ 1, 4 }, 20);
	ck_assert_int_eq(exchange_merge(&one, &two), 0);
	ck_assert_uint_eq(pageset_count_pages(&one.files), 2);
}
END_TEST

START_TEST(ranges_come_in_order_of_use)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free struct exchange_range *ranges = NULL;
	size_t n = 0;

	make_file("a", 'a', 4);
	write_file("b", "short", 5, 0644);
	ck_assert_int_eq(shadow_init(&shadow, "/bin/x", ""), 0);
	struct pageset_file *file = add_file(&shadow, "a", (struct page_run){ 2, 2 }, 30);

	ck_assert_int_eq(pageset_file_add(file, (struct page_run){ 0, 1 }, 40), 1);
	add_file(&shadow, "b", (struct page_run){ 0, 1 }, 35);
	ck_assert_int_eq(exchange_ranges(&shadow, &ranges, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(ranges[0].offset_bytes, 2 * page_bytes());
	ck_assert_uint_eq(ranges[0].length_bytes, 2 * page_bytes());
	/* Behind the end of a file there is nothing. */
	ck_assert_uint_eq(ranges[1].length_bytes, 5);
	ck_assert_uint_eq(ranges[2].offset_bytes, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exchange");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, what_is_packed_has_checksums);
	tcase_add_test(t, another_time_of_change_does_not_matter);
	tcase_add_test(t, another_content_does);
	tcase_add_test(t, what_lies_behind_the_end_is_not_believed);
	tcase_add_test(t, what_is_missing_is_left_out);
	tcase_add_test(t, what_changed_before_it_was_packed_is_left_out);
	tcase_add_test(t, the_form_on_disk_comes_back);
	tcase_add_test(t, two_records_become_one);
	tcase_add_test(t, of_another_version_nothing_is_taken);
	tcase_add_test(t, ranges_come_in_order_of_use);
	suite_add_tcase(s, t);
	return run_suite(s);
}
