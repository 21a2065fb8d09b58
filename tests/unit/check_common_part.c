#include "common_part.h"

#include "store.h"

static const char *const paths[] = { "/bin/sh", "/lib/c", "/home/me/a/tool", "/home/me/a/data" };
enum { SH, C, TOOL, DATA, N_PATHS };

/* A shadow of PROGRAM with these pages of the files of the mask, one extent each. */
static void fill(struct shadow *shadow, const char *profile, unsigned int files, uint64_t first, uint64_t n)
{
	ck_assert_int_eq(shadow_init(shadow, PROGRAM, profile), 0);
	for (int i = 0; i < N_PATHS; i++) {
		struct pageset_file *file;

		if (!(files & (1u << i)))
			continue;
		ck_assert_int_eq(pageset_add(&shadow->files, paths[i], 10, &file), 0);
		file->id.size_bytes = 1000000;
		file->access = PAGESET_MAPPED;
		ck_assert_int_ge(pageset_file_add(file, (struct page_run){ first, n }, 20), 0);
	}
	shadow->stats.runs = 1;
	shadow->stats.trained_runs = 1;
}

/* Those of the mask are there, with these pages. */
static void assert_part(struct shadow *part, unsigned int files, uint64_t first, uint64_t n)
{
	for (int i = 0; i < N_PATHS; i++) {
		struct pageset_file *file = pageset_find(&part->files, paths[i]);

		ck_assert_msg(!file == !(files & (1u << i)), "%s", paths[i]);
		if (!file)
			continue;
		ck_assert_uint_eq(pageset_file_pages(file), n);
		ck_assert(n == 0 || (pageset_file_has(file, first) && pageset_file_has(file, first + n - 1)));
		ck_assert_uint_eq(file->id.size_bytes, 1000000);
	}
	ck_assert_str_eq(part->program, PROGRAM);
	ck_assert_str_eq(part->profile, "new");
	ck_assert_uint_eq(part->stats.runs, 0);
	shadow_release(part);
}

static void make(struct shadow shadows[], size_t n, struct shadow *ret_part)
{
	ck_assert_int_eq(common_part_make(shadows, n, PROGRAM, "new", ret_part), 0);
	while (n > 0)
		shadow_release(&shadows[--n]);
}

START_TEST(of_one_what_lies_beside_its_script_is_left_out)
{
	struct shadow shadow, part;

	fill(&shadow, "/home/me/a/tool", 0xf, 3, 5);
	make(&shadow, 1, &part);
	assert_part(&part, 1 << SH | 1 << C, 3, 5);
	fill(&shadow, "status", 0xf, 3, 5);
	make(&shadow, 1, &part);
	assert_part(&part, 0xf, 3, 5);
}
END_TEST

START_TEST(of_two_both_must_have_it)
{
	struct shadow shadows[2], part;

	fill(&shadows[0], "a", 1 << SH | 1 << C, 0, 10);
	fill(&shadows[1], "b", 1 << SH | 1 << DATA, 6, 10);
	make(shadows, 2, &part);
	assert_part(&part, 1 << SH, 6, 4);
	/* Another version of a file is another file. */
	fill(&shadows[0], "a", 1 << SH, 0, 10);
	fill(&shadows[1], "b", 1 << SH, 0, 10);
	pageset_find(&shadows[1].files, paths[SH])->id.size_bytes++;
	make(shadows, 2, &part);
	assert_part(&part, 0, 0, 0);
}
END_TEST

START_TEST(of_many_half_of_them)
{
	struct shadow shadows[5], part;

	fill(&shadows[0], "a", 1 << SH | 1 << C | 1 << TOOL, 0, 4);
	fill(&shadows[1], "b", 1 << SH | 1 << C, 0, 4);
	fill(&shadows[2], "c", 1 << SH | 1 << DATA, 0, 4);
	fill(&shadows[3], "d", 1 << SH | 1 << DATA, 0, 4);
	fill(&shadows[4], "e", 1 << C, 0, 4);
	make(shadows, 5, &part);
	assert_part(&part, 1 << SH | 1 << C, 0, 4);
}
END_TEST

static struct pageset_file *add_file(struct shadow *shadow, const char *path, uint64_t size_bytes)
{
	struct pageset_file *file;

	ck_assert_int_eq(pageset_add(&shadow->files, path, 10, &file), 0);
	file->id.size_bytes = size_bytes;
	file->access = PAGESET_MAPPED;
	return file;
}

/* A shadow is not to be believed: nothing is done page by page. */
START_TEST(a_run_is_as_long_as_it_claims)
{
	struct shadow shadows[2], part;
	struct extent longest = { 0, BITMAP_MAX_PAGES, 20, 0 };
	struct pageset_file *file;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(shadow_init(&shadows[i], PROGRAM, i ? "a" : "b"), 0);
		file = add_file(&shadows[i], "/bin/sh", UINT64_MAX);
		longest.first_page = (uint64_t)i;
		longest.n_pages = BITMAP_MAX_PAGES - (uint64_t)i;
		ck_assert_int_eq(pageset_file_append(file, longest), 0);
	}
	make(shadows, 2, &part);
	file = pageset_find(&part.files, "/bin/sh");
	ck_assert_uint_eq(file->n_extents, 1);
	ck_assert_uint_eq(file->extents[0].first_page, 1);
	ck_assert_uint_eq(file->extents[0].n_pages, BITMAP_MAX_PAGES - 1);
	shadow_release(&part);
}
END_TEST

START_TEST(of_two_versions_one_is_taken)
{
	struct shadow shadows[4], part;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(shadow_init(&shadows[i], PROGRAM, "x"), 0);
		struct pageset_file *file = add_file(&shadows[i], "/bin/sh", i < 2 ? 1000000 : 2000000);

		ck_assert_int_ge(pageset_file_add(file, (struct page_run){ i < 2 ? 3 : 0, 5 }, 20), 0);
	}
	make(shadows, 4, &part);
	assert_part(&part, 1 << SH, 3, 5);
}
END_TEST

struct stored {
	const char *profile;
	unsigned int files;
	int64_t updated_s;
};

static int store_one(struct shadow *shadow, void *context)
{
	const struct stored *stored = context;

	shadow_release(shadow);
	fill(shadow, stored->profile, stored->files, 0, 4);
	shadow->stats.updated_s = stored->updated_s;
	return 0;
}

static void store(const char *program, struct stored stored)
{
	ck_assert_int_eq(shadowdb_update(&db, program, stored.profile, 20000, NULL, store_one, &stored), 0);
}

START_TEST(is_made_of_the_latest_of_the_same_program)
{
	struct shadow part;
	char profile[32];

	ck_assert_int_eq(common_part_load(&db, PROGRAM, "new", &part), -ENOENT);
	/* More than are looked at; the oldest have something else in common. */
	for (int i = 0; i < COMMON_PART_MAX_PROFILES; i++) {
		snprintf(profile, sizeof(profile), "old %d", i);
		store(PROGRAM, (struct stored){ profile, 1 << DATA, 1 + i });
	}
	for (int i = 0; i < COMMON_PART_MAX_PROFILES; i++) {
		snprintf(profile, sizeof(profile), "late %d", i);
		store(PROGRAM, (struct stored){ profile, 1 << SH, 1000 + i });
	}
	ck_assert_int_eq(common_part_load(&db, PROGRAM, "new", &part), 0);
	assert_part(&part, 1 << SH, 0, 4);
	/* Of its own it is not made. */
	ck_assert_int_ge(shadowdb_forget(&db, PROGRAM, NULL), COMMON_PART_MAX_PROFILES);
	store(PROGRAM, (struct stored){ "new", 1 << C, 1 });
	ck_assert_int_eq(common_part_load(&db, PROGRAM, "new", &part), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common_part");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, make_base, remove_base);
	tcase_add_test(t, of_one_what_lies_beside_its_script_is_left_out);
	tcase_add_test(t, of_two_both_must_have_it);
	tcase_add_test(t, of_many_half_of_them);
	tcase_add_test(t, a_run_is_as_long_as_it_claims);
	tcase_add_test(t, of_two_versions_one_is_taken);
	tcase_add_test(t, is_made_of_the_latest_of_the_same_program);
	suite_add_tcase(s, t);
	return run_suite(s);
}
