#include "predict.h"
#include "predict_links.h"

#include "support.h"
#include "sys/elfinfo_needs.h"
#include "sys/page.h"

static struct pageset_file *find_by_name(const struct shadow *shadow, const char *name)
{
	for (size_t i = 0; i < shadow->files.n_files; i++) {
		const char *slash = strrchr(shadow->files.files[i]->path, '/');

		if (slash && strncmp(slash + 1, name, strlen(name)) == 0)
			return shadow->files.files[i];
	}
	return NULL;
}

static void self_path(char path[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	ck_assert_int_gt(n, 0);
	path[n] = '\0';
}

/* With nothing in it. */
static void make_index(struct shadow *index)
{
	ck_assert_int_eq(shadow_init(index, SHADOWDB_INDEX, ""), 0);
}

START_TEST(what_an_elf_file_needs)
{
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs needs = { 0 };
	cleanup_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool has_libc = false;

	ck_assert_int_eq(elfinfo_read_needs(fd, &needs), 0);
	for (size_t i = 0; i < needs.n_names; i++)
		has_libc |= strncmp(needs.names[i], "libc.so", 7) == 0;
	ck_assert(has_libc);
	ck_assert_ptr_nonnull(needs.interpreter);
	ck_assert_int_eq(access(needs.interpreter, R_OK), 0);
	ck_assert_uint_ge(needs.n_parts, 2);
	ck_assert_uint_eq(needs.parts[0].offset_bytes, 0);
}
END_TEST

START_TEST(text_needs_nothing)
{
	cleanup_with(elfinfo_needs_release) struct elfinfo_needs needs = { 0 };

	write_file("text", "no ELF file", 11, 0644);
	cleanup_close int fd = open("text", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(elfinfo_read_needs(fd, &needs), -ENOEXEC);
}
END_TEST

START_TEST(a_program_loads_its_libraries_and_theirs)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	char path[PATH_MAX];

	self_path(path);
	ck_assert_int_eq(predict_shadow(path, NULL, PREDICT_FROM_FILES, NULL, &shadow), 0);
	ck_assert_ptr_nonnull(pageset_find(&shadow.files, path));
	ck_assert_ptr_nonnull(find_by_name(&shadow, "libc.so.6"));
	ck_assert_ptr_nonnull(find_by_name(&shadow, "ld-linux"));
	/* Of each the header at least. */
	for (size_t i = 0; i < shadow.files.n_files; i++)
		ck_assert(pageset_file_has(shadow.files.files[i], 0));
	ck_assert_uint_eq(shadow.stats.runs, 0);
}
END_TEST

START_TEST(a_script_has_the_interpreter_of_its_first_line)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };

	write_file("script", "#! /bin/sh -e\necho\n", 19, 0755);
	ck_assert_int_eq(predict_shadow(scratch_path("script"), NULL, PREDICT_FROM_FILES, NULL, &shadow), 0);
	ck_assert_str_eq(shadow.program, scratch_path("script"));
	ck_assert_ptr_nonnull(find_by_name(&shadow, "libc.so.6"));
	write_file("text", "no script", 9, 0755);
	ck_assert_int_eq(predict_shadow(scratch_path("text"), NULL, PREDICT_FROM_FILES, NULL, &shadow),
			 -ENOEXEC);
	ck_assert_int_eq(predict_shadow(scratch_path("missing"), NULL, PREDICT_FROM_FILES, NULL, &shadow),
			 -ENOENT);
}
END_TEST

/* A shadow of program in the store that has n_pages of the library from first_page on. */
static int fill(struct shadow *shadow, void *context)
{
	const struct pageset_file *from = context;
	struct pageset_file *file;

	ck_assert_int_eq(pageset_add(&shadow->files, from->path, 7, &file), 0);
	file->id = from->id;
	file->access = PAGESET_MAPPED;
	for (size_t i = 0; i < from->n_extents; i++)
		ck_assert_int_eq(pageset_file_append(file, from->extents[i]), 0);
	shadow->stats.runs = 1;
	return 0;
}

static void record(struct shadowdb *db, const char *program, const char *library, const struct fileid *id,
		   uint64_t first_page, uint64_t n_pages)
{
	struct extent extent = { first_page, n_pages, 7, 0 };
	struct pageset_file file = {
		.path = (char *)(uintptr_t)library, .id = *id, .extents = &extent, .n_extents = 1
	};

	ck_assert_int_eq(shadowdb_update(db, program, "", 1000, NULL, fill, &file), 0);
}

static const struct fileid some_id = {
	.size_bytes = 1 << 20, .mtime_ns = 5, .build_id_size = 1, .build_id = { 1 }
};

START_TEST(of_a_library_half_of_the_programs_decide)
{
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(shadowdb_release) struct shadowdb db;

	ck_assert_int_eq(shadowdb_open(&db, scratch_path("store"), NULL), 0);
	record(&db, "/bin/a", "/lib/x.so", &some_id, 0, 4);
	record(&db, "/bin/b", "/lib/x.so", &some_id, 2, 4);
	record(&db, "/bin/c", "/lib/x.so", &some_id, 3, 9);
	ck_assert_int_eq(predict_build_index(&db, NULL, &index), 0);
	struct pageset_file *file = pageset_find(&index.files, "/lib/x.so");

	ck_assert_ptr_nonnull(file);
	/* Of three programs two use the pages 2 to 5. */
	ck_assert_uint_eq(pageset_file_pages(file), 4);
	ck_assert(pageset_file_has(file, 2) && pageset_file_has(file, 5));
	ck_assert(!pageset_file_has(file, 1) && !pageset_file_has(file, 6));
}
END_TEST

START_TEST(of_two_versions_the_newer_counts)
{
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(shadowdb_release) struct shadowdb db;
	struct fileid newer = some_id;

	newer.mtime_ns = 9;
	newer.build_id[0] = 2;
	ck_assert_int_eq(shadowdb_open(&db, scratch_path("store"), NULL), 0);
	record(&db, "/bin/a", "/lib/x.so", &some_id, 0, 4);
	record(&db, "/bin/b", "/lib/x.so", &newer, 8, 2);
	ck_assert_int_eq(predict_build_index(&db, NULL, &index), 0);
	ck_assert_uint_eq(pageset_count_pages(&index.files), 2);
	ck_assert_uint_eq(pageset_find(&index.files, "/lib/x.so")->id.build_id[0], 2);
}
END_TEST

static int count_entry(const struct shadowdb_entry *entry, void *context)
{
	(void)entry;
	++*(int *)context;
	return 0;
}

START_TEST(the_index_is_kept_and_not_listed)
{
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(shadowdb_release) struct shadowdb db;
	int n_listed = 0;

	ck_assert_int_eq(shadowdb_open(&db, scratch_path("store"), NULL), 0);
	record(&db, "/bin/a", "/lib/x.so", &some_id, 0, 4);
	record(&db, "/bin/b", "/lib/x.so", &some_id, 0, 4);
	/* Two say nothing of others. */
	ck_assert_int_eq(predict_update_index(&db, &(struct prediction_use){ 0 }), 0);
	ck_assert_int_eq(shadowdb_load(&db, SHADOWDB_INDEX, "", &index, NULL), -ENOENT);
	record(&db, "/bin/c", "/lib/x.so", &some_id, 0, 4);
	ck_assert_int_eq(predict_update_index(&db, &(struct prediction_use){ 100, 60 }), 0);
	/* Nothing newer is known. */
	ck_assert_int_eq(predict_update_index(&db, &(struct prediction_use){ 0 }), 0);
	ck_assert_int_eq(shadowdb_load(&db, SHADOWDB_INDEX, "", &index, NULL), 0);
	ck_assert_uint_eq(pageset_count_pages(&index.files), 4);
	ck_assert_uint_eq(index.stats.wasted_bytes, 60);
	ck_assert_int_eq(shadowdb_list(&db, count_entry, &n_listed), 0);
	ck_assert_int_eq(n_listed, 3);
}
END_TEST

START_TEST(what_others_use_is_predicted)
{
	cleanup_with(shadow_release) struct shadow plain = { 0 };
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(shadow_release) struct shadow index = { 0 };
	char path[PATH_MAX];
	struct pageset_file *known;

	self_path(path);
	ck_assert_int_eq(predict_shadow(path, NULL, PREDICT_FROM_FILES, NULL, &plain), 0);
	struct pageset_file *libc = find_by_name(&plain, "libc.so.6");
	uint64_t last_page = (libc->id.size_bytes - 1) >> page_shift();

	make_index(&index);
	ck_assert_int_eq(pageset_add(&index.files, libc->path, 0, &known), 0);
	known->id = libc->id;
	ck_assert_int_eq(pageset_file_add(known, (struct page_run){ last_page, 1 }, 0), 1);
	ck_assert_int_eq(predict_shadow(path, &index, PREDICT_FROM_FILES, NULL, &shadow), 0);
	ck_assert(!pageset_file_has(libc, last_page));
	ck_assert(pageset_file_has(find_by_name(&shadow, "libc.so.6"), last_page));
	/* Of another version nothing is taken. */
	shadow_release(&shadow);
	known->id.size_bytes++;
	ck_assert_int_eq(predict_shadow(path, &index, PREDICT_FROM_FILES, NULL, &shadow), 0);
	ck_assert(!pageset_file_has(find_by_name(&shadow, "libc.so.6"), last_page));
}
END_TEST

static const char *found(const struct predict_links *links, const char *name, size_t size)
{
	const struct predict_link *link = predict_links_find(links, name, size);
	static char path[PATH_MAX];

	if (!link)
		return NULL;
	snprintf(path, sizeof(path), "%.*s", (int)link->path_size, link->path);
	return path;
}

static const char *names_of(const struct shadow *index, const char *path)
{
	cleanup_with(predict_links_release) struct predict_links links = { 0 };

	ck_assert_int_eq(predict_links_init(&links, index), 0);
	const struct predict_link *link = predict_links_of(&links, path);

	return link ? link->names : NULL;
}

/* Adds a library to an index: its last page, and what it needs (NULL: that is not known). */
static void index_file(struct shadow *index, const char *path, const struct fileid *id, const char *links)
{
	struct pageset_file *known;
	char name[PATH_MAX];

	ck_assert_int_eq(pageset_add(&index->files, path, 0, &known), 0);
	known->id = *id;
	ck_assert_int_eq(
		pageset_file_add(known, (struct page_run){ (id->size_bytes - 1) >> page_shift(), 1 }, 0), 1);
	if (!links)
		return;
	snprintf(name, sizeof(name), "%s//needs//%s", path, links);
	ck_assert_int_eq(pageset_add(&index->files, name, 0, &known), 0);
	known->id = *id;
}

START_TEST(which_library_is_meant)
{
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(predict_links_release) struct predict_links links = { 0 };

	make_index(&index);
	index_file(&index, "/lib/libz.so.1.2.13", &some_id, "libc.so.6");
	index_file(&index, "/lib/libzz.so.1", &some_id, "");
	index_file(&index, "/lib/unlinked.so.1", &some_id, NULL);
	index_file(&index, "/lib/libz.so", &some_id, NULL);
	ck_assert_int_eq(predict_links_init(&links, &index), 0);
	ck_assert_str_eq(found(&links, "libz.so.1:libc", 9), "/lib/libz.so.1.2.13");
	ck_assert_str_eq(found(&links, "libzz.so.1", 10), "/lib/libzz.so.1");
	ck_assert_ptr_null(found(&links, "libz.so.12", 10));
	ck_assert_ptr_null(found(&links, "lib", 3));
	ck_assert_ptr_null(found(&links, "libc.so.6", 9));
	ck_assert_ptr_null(found(&links, "unlinked.so.1", 13));
	ck_assert_str_eq(names_of(&index, "/lib/libz.so.1.2.13"), "libc.so.6");
	ck_assert_str_eq(names_of(&index, "/lib/libzz.so.1"), "");
	ck_assert_ptr_null(names_of(&index, "/lib/libz.so"));
}
END_TEST

START_TEST(what_a_library_needs_is_noted)
{
	cleanup_with(shadow_release) struct shadow plain = { 0 };
	cleanup_with(shadow_release) struct shadow before = { 0 };
	cleanup_with(shadow_release) struct shadow index = { 0 };
	char path[PATH_MAX], name[PATH_MAX + 32];
	struct pageset_file *links;

	self_path(path);
	ck_assert_int_eq(predict_shadow(path, NULL, PREDICT_FROM_FILES, NULL, &plain), 0);
	struct pageset_file *self = pageset_find(&plain.files, path);

	make_index(&before);
	index_file(&before, path, &self->id, NULL);
	index_file(&before, "/missing.so", &some_id, NULL);
	ck_assert_int_eq(predict_note_links(&before, NULL), 0);
	ck_assert_ptr_nonnull(strstr(names_of(&before, path), "libc.so.6"));
	ck_assert_ptr_null(names_of(&before, "/missing.so"));
	/* What an older index knows is not read once more ... */
	shadow_release(&before);
	make_index(&before);
	snprintf(name, sizeof(name), "%s//needs//%s", path, "some:other");
	ck_assert_int_eq(pageset_add(&before.files, name, 0, &links), 0);
	links->id = self->id;
	make_index(&index);
	index_file(&index, path, &self->id, NULL);
	ck_assert_int_eq(predict_note_links(&index, &before), 0);
	ck_assert_str_eq(names_of(&index, path), "some:other");
	/* ... unless that was another version. */
	links->id.size_bytes++;
	shadow_release(&index);
	make_index(&index);
	index_file(&index, path, &self->id, NULL);
	ck_assert_int_eq(predict_note_links(&index, &before), 0);
	ck_assert_ptr_nonnull(strstr(names_of(&index, path), "libc.so.6"));
}
END_TEST

/* None of the libraries of this index is there: nobody can have read them. */
START_TEST(what_the_index_knows_is_not_looked_for)
{
	cleanup_with(shadow_release) struct shadow at_once = { 0 };
	cleanup_with(shadow_release) struct shadow later = { 0 };
	cleanup_with(shadow_release) struct shadow index = { 0 };
	char path[PATH_MAX];

	self_path(path);
	make_index(&index);
	index_file(&index, "/nowhere/libc.so.6", &some_id, "second.so.1:third.so.1");
	index_file(&index, "/nowhere/second.so.1.2.3", &some_id, "libc.so.6");
	ck_assert_int_eq(predict_shadow(path, &index, PREDICT_FROM_INDEX, NULL, &at_once), 0);
	/* It itself, and those two. */
	ck_assert_uint_eq(at_once.files.n_files, 3);
	ck_assert_ptr_nonnull(pageset_find(&at_once.files, path));
	struct pageset_file *second = pageset_find(&at_once.files, "/nowhere/second.so.1.2.3");

	ck_assert_ptr_nonnull(second);
	ck_assert(fileid_equal(&second->id, &some_id));
	ck_assert(pageset_file_has(second, (some_id.size_bytes - 1) >> page_shift()));
	/* Then the others, and none of these again. */
	ck_assert_int_eq(predict_shadow(path, &index, PREDICT_FROM_FILES, &at_once.files, &later), 0);
	ck_assert_ptr_nonnull(find_by_name(&later, "ld-linux"));
	for (size_t i = 0; i < later.files.n_files; i++)
		ck_assert_ptr_null(pageset_find(&at_once.files, later.files.files[i]->path));
}
END_TEST

/* Each library needs 1,000 others that are not there, and then the next one. */
START_TEST(an_index_is_not_followed_for_ever)
{
	enum { N_EACH = 1000, N_REACHED = PREDICT_MAX_NAMES / (N_EACH + 1), N = N_REACHED + 10 };
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	char path[PATH_MAX], links[2 * N_EACH + 64];

	make_index(&index);
	for (int i = 0; i < N; i++) {
		for (size_t j = 0; j < 2 * (size_t)N_EACH; j++)
			links[j] = j % 2 == 0 ? 'x' : ':';
		snprintf(links + 2 * N_EACH, sizeof(links) - 2 * N_EACH, "lib%d.so.1", i + 1);
		if (i == 0)
			snprintf(path, sizeof(path), "/nowhere/libc.so.6");
		else
			snprintf(path, sizeof(path), "/nowhere/lib%d.so.1", i);
		index_file(&index, path, &some_id, links);
	}
	self_path(path);
	ck_assert_int_eq(predict_shadow(path, &index, PREDICT_FROM_INDEX, NULL, &shadow), 0);
	/* The test itself, libc, and so on. */
	ck_assert_uint_ge(shadow.files.n_files, N_REACHED);
	ck_assert_uint_le(shadow.files.n_files, N_REACHED + 2);
}
END_TEST

/* A record that has those files whose paths are set, and of some one page. */
static int fill_pair(struct shadow *shadow, void *context)
{
	const struct pageset_file *files = context;

	for (size_t i = 0; i < 3; i++) {
		struct pageset_file *file;

		if (!files[i].path)
			continue;
		ck_assert_int_eq(pageset_add(&shadow->files, files[i].path, 7, &file), 0);
		file->id = files[i].id;
		file->access = files[i].access;
		file->operand = files[i].operand;
		if (files[i].n_extents > 0)
			ck_assert_int_eq(pageset_file_append(file, (struct extent){ 0, 1, 7, 0 }), 0);
	}
	shadow->stats.runs = 1;
	return 0;
}

static const struct {
	const char *path;
	uint8_t access, operand;
	bool is_companion;
} beside[] = {
	{ "/usr/share/fonts/some.ttf", PAGESET_READ, 0, true },
	{ "/usr/share/nothing", PAGESET_MISSING, 0, true },
	{ "/home/me/document", PAGESET_READ, PAGESET_OPERAND_FIRST, false },
	{ "/home/me/.log", PAGESET_READ | PAGESET_WRITTEN, 0, false },
};

/* Two programs of three use the test itself, as a library, and a file; all three its libc. */
START_TEST(what_is_used_along_with_a_library)
{
	cleanup_with(shadow_release) struct shadow plain = { 0 };
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(shadow_release) struct shadow all = { 0 };
	cleanup_with(shadow_release) struct shadow less = { 0 };
	cleanup_with(shadowdb_release) struct shadowdb db;
	char path[PATH_MAX];

	self_path(path);
	ck_assert_int_eq(predict_shadow(path, NULL, PREDICT_FROM_FILES, NULL, &plain), 0);
	struct pageset_file *libc = find_by_name(&plain, "libc.so.6");
	struct pageset_file *self = pageset_find(&plain.files, path);
	struct pageset_file files[] = { *libc, *self, { 0 } };

	files[2].path = (char *)(uintptr_t)beside[_i].path;
	files[2].access = beside[_i].access;
	files[2].operand = beside[_i].operand;
	ck_assert_int_eq(shadowdb_open(&db, scratch_path("store"), NULL), 0);
	ck_assert_int_eq(shadowdb_update(&db, "/bin/a", "", 1000, NULL, fill_pair, files), 0);
	ck_assert_int_eq(shadowdb_update(&db, "/bin/b", "", 1000, NULL, fill_pair, files), 0);
	files[1].path = files[2].path = NULL;
	ck_assert_int_eq(shadowdb_update(&db, "/bin/c", "", 1000, NULL, fill_pair, files), 0);
	ck_assert_int_eq(predict_build_index(&db, NULL, &index), 0);
	/* It goes with what the two use, which is not used where libc alone is. */
	ck_assert_int_eq(predict_shadow(path, &index, PREDICT_FROM_INDEX, NULL, &all), 0);
	struct pageset_file *file = pageset_find(&all.files, beside[_i].path);

	ck_assert(!file == !beside[_i].is_companion);
	ck_assert(!file || file->access == beside[_i].access);
	ck_assert_int_eq(predict_shadow(libc->path, &index, PREDICT_FROM_INDEX, NULL, &less), 0);
	ck_assert_ptr_nonnull(pageset_find(&less.files, libc->path));
	ck_assert_ptr_null(pageset_find(&less.files, beside[_i].path));
}
END_TEST

/* What one program alone uses is its own. */
START_TEST(what_one_program_uses_is_not_for_others)
{
	cleanup_with(shadow_release) struct shadow index = { 0 };
	cleanup_with(shadowdb_release) struct shadowdb db;
	struct pageset_file data = { .path = (char *)(uintptr_t)beside[0].path, .access = PAGESET_READ };
	struct pageset_file files[] = { data, { 0 }, { 0 } };

	ck_assert_int_eq(shadowdb_open(&db, scratch_path("store"), NULL), 0);
	ck_assert_int_eq(shadowdb_update(&db, "/bin/a", "", 1000, NULL, fill_pair, files), 0);
	ck_assert_int_eq(predict_build_index(&db, NULL, &index), 0);
	ck_assert_uint_eq(index.files.n_files, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("predict");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, what_an_elf_file_needs);
	tcase_add_test(t, text_needs_nothing);
	tcase_add_test(t, a_program_loads_its_libraries_and_theirs);
	tcase_add_test(t, a_script_has_the_interpreter_of_its_first_line);
	tcase_add_test(t, of_a_library_half_of_the_programs_decide);
	tcase_add_test(t, of_two_versions_the_newer_counts);
	tcase_add_test(t, the_index_is_kept_and_not_listed);
	tcase_add_test(t, what_others_use_is_predicted);
	tcase_add_test(t, which_library_is_meant);
	tcase_add_test(t, what_a_library_needs_is_noted);
	tcase_add_test(t, what_the_index_knows_is_not_looked_for);
	tcase_add_loop_test(t, what_is_used_along_with_a_library, 0,
			    (int)(sizeof(beside) / sizeof(beside[0])));
	tcase_add_test(t, what_one_program_uses_is_not_for_others);
	tcase_add_test(t, an_index_is_not_followed_for_ever);
	suite_add_tcase(s, t);
	return run_suite(s);
}
