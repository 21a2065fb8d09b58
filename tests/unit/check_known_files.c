#include "trace/known_files.h"

#include "support.h"
#include "sys/page.h"

static struct known_files files;

static void tear_down(void)
{
	known_files_release(&files);
	ck_assert_uint_eq(files.n_files, 0);
}

static struct known_file *add(const char *path, uint64_t size_bytes, int64_t mtime_ns)
{
	const struct fileid id = { .size_bytes = size_bytes, .mtime_ns = mtime_ns };
	struct known_file *file = NULL;

	ck_assert_int_eq(known_files_add(&files, path, &id, &file), 0);
	ck_assert_str_eq(file->path, path);
	ck_assert_uint_eq(file->id.size_bytes, size_bytes);
	return file;
}

START_TEST(a_file_is_kept_once)
{
	struct known_file *first = add("/a", 1, 1);
	char path[32];

	for (int i = 0; i < 10000; i++) { /* in the same buckets */
		snprintf(path, sizeof(path), "/%d", i);
		ck_assert_ptr_ne(add(path, 1, 1), first);
	}
	ck_assert_ptr_eq(add("/a", 1, 1), first);
	ck_assert_uint_eq(files.n_files, 10001);
}
END_TEST

START_TEST(there_is_an_end)
{
	const struct fileid id = { .size_bytes = 1 };
	struct known_file *file = NULL;

	add("/a", 1, 1);
	files.n_files = KNOWN_FILES_MAX;
	ck_assert_int_eq(known_files_add(&files, "/b", &id, &file), -ENOSPC);
	ck_assert_ptr_null(file);
	add("/a", 1, 1);
}
END_TEST

START_TEST(a_file_is_read_when_its_pages_are)
{
	int64_t page = (int64_t)page_bytes();
	struct known_file *file = add("/a", 2 * page_bytes() + 1, 1);

	ck_assert(!known_file_is_read(file));
	known_file_note_read(file, page, page); /* not from its beginning on */
	known_file_note_read(file, 0, 1);
	ck_assert(!known_file_is_read(file));
	known_file_note_read(file, page + 5, page - 4);
	ck_assert(known_file_is_read(file));
	ck_assert(known_file_is_read(add("/a", 2 * page_bytes() + 1, 1)));
	ck_assert(known_file_is_read(add("/empty", 0, 1)));
}
END_TEST

START_TEST(of_a_file_that_changed_nothing_was_read)
{
	struct known_file *file = add("/a", 1, 1);

	known_file_note_read(file, 0, 1);
	ck_assert(known_file_is_read(file));
	ck_assert(!known_file_is_read(add("/a", 1, 2)));
	known_file_note_read(file, 0, 1);
	ck_assert(!known_file_is_read(add("/a", page_bytes() + 1, 2)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("known_files");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, a_file_is_kept_once);
	tcase_add_test(t, there_is_an_end);
	tcase_add_test(t, a_file_is_read_when_its_pages_are);
	tcase_add_test(t, of_a_file_that_changed_nothing_was_read);
	suite_add_tcase(s, t);
	return run_suite(s);
}
