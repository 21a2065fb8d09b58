#include "prefetch/residency.h"

#include "support.h"
#include "sys/page.h"
#include "sys/pagemap.h"

enum { N_PAGES = 8 };

static struct pageset files;
static const char *path; /* of the file that was written last */

static void write_pages(const char *name)
{
	size_t size = N_PAGES * page_bytes();
	char *content = calloc(1, size);
	int fd;

	path = scratch_path(name);
	write_file(path, content, size, 0600);
	free(content);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fsync(fd), 0);
	close(fd);
}

static struct pageset_file *remember(uint8_t access, uint64_t n_pages)
{
	struct pageset_file *file = NULL;
	struct stat st;

	ck_assert_int_eq(pageset_add(&files, path, 0, &file), 0);
	file->access = access;
	if (stat(path, &st) == 0)
		file->id = fileid_from_stat(&st);
	if (n_pages > 0)
		ck_assert_int_eq(pageset_file_append(file, (struct extent){ 0, n_pages, 0, 0 }), 0);
	return file;
}

static void evict(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	evict_file(fd);
	close(fd);
}

static void set_up(void)
{
	pageset_init(&files);
	scratch_enter_on_disk();
}

static void tear_down(void)
{
	scratch_leave();
	pageset_release(&files);
}

START_TEST(nothing_is_complete)
{
	ck_assert(residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));
}
END_TEST

START_TEST(what_was_just_written_is_there)
{
	write_pages("mapped");
	remember(PAGESET_MAPPED, N_PAGES);
	write_pages("looked-up");
	remember(PAGESET_STATED, 0);
	ck_assert(stat(path, &(struct stat){ 0 }) == 0);
	ck_assert(residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));
}
END_TEST

START_TEST(one_evicted_file_is_found)
{
	const char *names[] = { "a", "b", "c", "d" };

	for (size_t i = 0; i < 4; i++) {
		write_pages(names[i]);
		remember(PAGESET_MAPPED, N_PAGES);
	}
	ck_assert(residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));

	bool is_complete = true;

	/* A look starts to read what is missing: a fast disk may be done before it is over. */
	for (int i = 0; i < 100 && is_complete; i++) {
		evict();
		is_complete = residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7);
	}
	ck_assert(!is_complete);
}
END_TEST

START_TEST(a_change_that_calls_for_training_is_found)
{
	write_pages("large");
	remember(PAGESET_READ, N_PAGES);
	write_pages("small");
	struct pageset_file *small = remember(PAGESET_MAPPED, 1);

	small->id.mtime_ns++;
	ck_assert(!residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));
	small->access |= PAGESET_WRITTEN;
	ck_assert(residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));
}
END_TEST

START_TEST(a_small_part_of_the_data_may_change)
{
	char name[16];

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		write_pages(name);
		remember(PAGESET_READ, N_PAGES);
	}
	write_pages("small");
	struct pageset_file *small = remember(PAGESET_MAPPED, 1);

	small->id.mtime_ns++;
	ck_assert(residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));
	small->id.build_id_size = 20; /* code */
	ck_assert(!residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));
}
END_TEST

START_TEST(what_is_no_regular_file_is_not_opened)
{
	path = scratch_path("fifo");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	remember(PAGESET_READ, 1);
	ck_assert(!residency_is_complete(&files, "/bin/true", PLAN_ASK_AGAIN, 7));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("residency");
	TCase *core = tcase_create("core");

	tcase_add_checked_fixture(core, set_up, tear_down);
	tcase_add_test(core, nothing_is_complete);
	tcase_add_test(core, what_was_just_written_is_there);
	tcase_add_test(core, one_evicted_file_is_found);
	tcase_add_test(core, a_change_that_calls_for_training_is_found);
	tcase_add_test(core, a_small_part_of_the_data_may_change);
	tcase_add_test(core, what_is_no_regular_file_is_not_opened);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
