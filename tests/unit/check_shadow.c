#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shadow/shadow.h"
#include "support.h"

/* A path in the source tree, beside this file. */
static const char *beside(const char *name)
{
	static char path[PATH_MAX];
	char this_file[] = __FILE__;

	snprintf(path, sizeof(path), "%s/%s", dirname(this_file), name);
	return path;
}

static void add_file(struct shadow *shadow, const char *path, uint8_t access, size_t n_extents,
		     const struct extent *extents)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(&shadow->files, path, 40, &file), 0);
	file->access = access;
	file->age = 1;
	file->id = (struct fileid){ 1234567, -5, 3, { 0xde, 0xad, 0x42 } };
	for (size_t i = 0; i < n_extents; i++)
		ck_assert_int_eq(pageset_file_append(file, extents[i]), 0);
}

/* One of everything, files not in order. */
static void make_shadow(struct shadow *shadow)
{
	const struct extent extents[] = { { 0, 3, 40, 1 },
					  { 3, 1, UINT32_MAX, 1 },
					  { 4, 9, 0, 0 },
					  { 90, 1, 41, 255 },
					  { BITMAP_MAX_PAGES - 2, 2, 41, 4 } };

	ck_assert_int_eq(shadow_init(shadow, "/usr/bin/x", "profile"), 0);
	shadow->flags = SHADOW_DO_NOT_TRACE | SHADOW_TELLS_OPERANDS;
	shadow->stats = (struct shadow_stats){ UINT32_MAX, 2, 3, -4, UINT64_MAX, 6, 7 };
	shadow->history.first_faults = 1380;
	for (unsigned int i = 0; i < 3; i++) {
		history_add(&shadow->history,
			    &(struct history_start){ -1 - (int64_t)i, UINT64_MAX, 6 + i, 7, UINT32_MAX, i });
	}
	add_file(shadow, "/usr/lib/b", PAGESET_MAPPED | PAGESET_OPENED, 5, extents);
	add_file(shadow, "/usr/lib/a\xff\n", PAGESET_READ, 1, extents);
	add_file(shadow, "/usr/lib", PAGESET_LISTED | PAGESET_STATED, 0, NULL);
	add_file(shadow, "/usr/lib/b.missing", PAGESET_MISSING, 0, NULL);
	shadow->files.files[1]->exact = false;
	shadow->files.files[1]->is_unanswered = true;
	shadow->files.files[0]->operand = PAGESET_OPERAND_MASK;
	shadow->files.files[2]->operand = PAGESET_OPERAND_BELOW;
}

static void assert_same_file(const struct pageset_file *a, const struct pageset_file *b)
{
	ck_assert_str_eq(a->path, b->path);
	ck_assert_uint_eq(a->access, b->access);
	ck_assert_int_eq(a->is_unanswered, b->is_unanswered);
	ck_assert_uint_eq(a->operand, b->operand);
	ck_assert_int_eq(a->exact, b->exact);
	ck_assert_uint_eq(a->age, b->age);
	ck_assert_uint_eq(a->first_use_us, b->first_use_us);
	ck_assert_uint_eq(a->id.size_bytes, b->id.size_bytes);
	ck_assert_int_eq(a->id.mtime_ns, b->id.mtime_ns);
	ck_assert_uint_eq(a->id.build_id_size, b->id.build_id_size);
	ck_assert_mem_eq(a->id.build_id, b->id.build_id, sizeof(a->id.build_id));
	ck_assert_uint_eq(a->n_extents, b->n_extents);
	for (size_t i = 0; i < a->n_extents; i++) {
		ck_assert_uint_eq(a->extents[i].first_page, b->extents[i].first_page);
		ck_assert_uint_eq(a->extents[i].n_pages, b->extents[i].n_pages);
		ck_assert_uint_eq(a->extents[i].first_use_us, b->extents[i].first_use_us);
		ck_assert_uint_eq(a->extents[i].age, b->extents[i].age);
	}
}

static void assert_same_head(const struct shadow *a, const struct shadow *b)
{
	ck_assert_str_eq(a->program, b->program);
	ck_assert_str_eq(a->profile, b->profile);
	ck_assert_uint_eq(a->page_size, b->page_size);
	ck_assert_uint_eq(a->flags, b->flags);
	ck_assert_uint_eq(a->stats.runs, b->stats.runs);
	ck_assert_uint_eq(a->stats.trained_runs, b->stats.trained_runs);
	ck_assert_uint_eq(a->stats.stable_runs, b->stats.stable_runs);
	ck_assert_int_eq(a->stats.updated_s, b->stats.updated_s);
	ck_assert_uint_eq(a->stats.prefetched_bytes, b->stats.prefetched_bytes);
	ck_assert_uint_eq(a->stats.wasted_bytes, b->stats.wasted_bytes);
	ck_assert_uint_eq(a->stats.missed_bytes, b->stats.missed_bytes);
	ck_assert_mem_eq(&a->history, &b->history, sizeof(a->history));
}

START_TEST(what_was_encoded_is_decoded)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(shadow_release) struct shadow decoded = { 0 };
	cleanup_with(shadow_release) struct shadow head = { 0 };
	cleanup_free void *data = NULL;
	size_t size;
	uint64_t n_files;
	uint64_t n_pages;

	make_shadow(&shadow);
	ck_assert_int_eq(shadow_encode(&shadow, &data, &size), 0);
	ck_assert_int_eq(shadow_decode(data, size, &decoded), 0);
	assert_same_head(&shadow, &decoded);
	ck_assert_uint_eq(decoded.files.n_files, 4);
	for (size_t i = 0; i < 4; i++)
		assert_same_file(shadow.files.files[i], decoded.files.files[i]);
	ck_assert_ptr_eq(pageset_find(&decoded.files, "/usr/lib/b"), decoded.files.files[2]);

	ck_assert_int_eq(shadow_decode_head(data, size, &head, &n_files, &n_pages), 0);
	assert_same_head(&shadow, &head);
	ck_assert_uint_eq(head.files.n_files, 0);
	ck_assert_uint_eq(n_files, 4);
	ck_assert_uint_eq(n_pages, 19);
}
END_TEST

/* In a buffer of its own, so that the address sanitizer sees a byte read too many. */
static int decode_copy(const uint8_t *data, size_t size)
{
	cleanup_free uint8_t *copy = malloc(size);
	cleanup_with(shadow_release) struct shadow shadow = { .page_size = 77 };
	cleanup_with(shadow_release) struct shadow partial = { 0 };
	int r;

	memcpy(copy, data, size);
	r = shadow_decode(copy, size, &shadow);
	ck_assert_int_eq(shadow_decode_partial(copy, size, &partial), r);
	if (r < 0)
		ck_assert(shadow.page_size == 77 && !shadow.program);
	return r;
}

START_TEST(each_damage_is_noticed)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free void *encoded = NULL;
	size_t size;

	make_shadow(&shadow);
	ck_assert_int_eq(shadow_encode(&shadow, &encoded, &size), 0);

	uint8_t *data = encoded;

	for (size_t i = 0; i < size; i++) {
		const int expected = i >= 8 && i < 12 ? -EPROTONOSUPPORT : -EBADMSG;

		ck_assert_int_eq(decode_copy(data, i), -EBADMSG);
		data[i] ^= 0x80;
		ck_assert_int_eq(decode_copy(data, size), expected);
		data[i] ^= 0x80;
	}
}
END_TEST

static void read_sample(int dir_fd, const char *name, uint8_t **ret_data, size_t *ret_size)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	*ret_size = (size_t)st.st_size;
	*ret_data = malloc(*ret_size);
	ck_assert_int_eq(read(fd, *ret_data, *ret_size), st.st_size);
}

/* What the first word of a sample's name promises: see helpers/make_shadows.py. */
static int expected_of(const char *name)
{
	if (strncmp(name, "valid-", 6) == 0)
		return sysconf(_SC_PAGESIZE) == 4096 ? 0 : -ESTALE;
	if (strncmp(name, "newer-", 6) == 0)
		return -EPROTONOSUPPORT;
	if (strncmp(name, "stale-", 6) == 0)
		return -ESTALE;
	return -EBADMSG;
}

START_TEST(samples_decode_as_promised)
{
	DIR *corpus = opendir(beside("../fuzz/corpus/shadow"));
	int n_samples = 0;

	ck_assert_ptr_nonnull(corpus);
	for (struct dirent *entry; (entry = readdir(corpus));) {
		cleanup_free uint8_t *data = NULL;
		size_t size;

		if (entry->d_name[0] == '.')
			continue;
		read_sample(dirfd(corpus), entry->d_name, &data, &size);

		const int r = decode_copy(data, size);
		const int expected = expected_of(entry->d_name);

		/* On a machine with larger pages the head alone is looked at. */
		if (expected != -EBADMSG || r != -ESTALE)
			ck_assert_msg(r == expected, "%s: %d, expected %d", entry->d_name, r, expected);
		n_samples++;
	}
	closedir(corpus);
	ck_assert_int_gt(n_samples, 40);
}
END_TEST

static char *print_shadow(const struct shadow *shadow)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	fprintf(stream, "program %s\nprofile %s\npage_size %u\nflags %u\nruns %u\ntrained_runs %u\n",
		shadow->program, shadow->profile, shadow->page_size, shadow->flags, shadow->stats.runs,
		shadow->stats.trained_runs);
	fprintf(stream,
		"stable_runs %u\nupdated_s %lld\nprefetched_bytes %llu\nwasted_bytes %llu\nmissed_bytes "
		"%llu\n",
		shadow->stats.stable_runs, (long long)shadow->stats.updated_s,
		(unsigned long long)shadow->stats.prefetched_bytes,
		(unsigned long long)shadow->stats.wasted_bytes,
		(unsigned long long)shadow->stats.missed_bytes);
	fprintf(stream, "first_faults %u\n", shadow->history.first_faults);
	for (size_t i = 0; i < shadow->history.n_starts; i++) {
		const struct history_start *start = &shadow->history.starts[i];

		fprintf(stream, "start %lld %llu %llu %llu %u %u\n", (long long)start->time_s,
			(unsigned long long)start->prefetched_bytes, (unsigned long long)start->wasted_bytes,
			(unsigned long long)start->missed_bytes, start->faults, start->flags);
	}
	for (size_t i = 0; i < shadow->files.n_files; i++) {
		const struct pageset_file *file = shadow->files.files[i];

		fprintf(stream,
			"file %s use=%u exact=%u unanswered=%u operand=%u age=%u size=%llu mtime=%lld "
			"build_id=",
			file->path, file->access, file->exact, file->is_unanswered, file->operand, file->age,
			(unsigned long long)file->id.size_bytes, (long long)file->id.mtime_ns);
		for (size_t j = 0; j < file->id.build_id_size; j++)
			fprintf(stream, "%02x", file->id.build_id[j]);
		fprintf(stream, " first_use=%u\n", file->first_use_us);
		for (size_t j = 0; j < file->n_extents; j++) {
			const struct extent *extent = &file->extents[j];

			fprintf(stream, "extent %llu+%llu time=%u age=%u\n",
				(unsigned long long)extent->first_page, (unsigned long long)extent->n_pages,
				extent->first_use_us, extent->age);
		}
	}
	fclose(stream);
	return text;
}

START_TEST(a_stranger_reads_the_same)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free void *data = NULL;
	cleanup_free char *expected = NULL;
	char name[] = "/tmp/check_shadow.XXXXXX";
	char command[PATH_MAX + 100];
	char text[4096];
	size_t size;

	make_shadow(&shadow);
	ck_assert_int_eq(shadow_encode(&shadow, &data, &size), 0);
	expected = print_shadow(&shadow);

	cleanup_close int fd = mkstemp(name);

	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	snprintf(command, sizeof(command), "python3 %s %s", beside("../helpers/read_shadow.py"), name);

	FILE *output = popen(command, "r");

	size = fread(text, 1, sizeof(text) - 1, output);
	text[size] = '\0';
	ck_assert_int_eq(pclose(output), 0);
	unlink(name);
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(unfit_is_not_encoded)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(shadow_release) struct shadow relative = { 0 };
	cleanup_with(shadow_release) struct shadow large = { 0 };
	void *data = NULL;
	size_t size = 0;
	char path[PATH_MAX + 1];

	ck_assert_int_eq(shadow_init(&relative, "x", ""), 0);
	ck_assert_int_eq(shadow_encode(&relative, &data, &size), -EINVAL);

	memset(path, '/', sizeof(path));
	path[PATH_MAX] = '\0';
	ck_assert_int_eq(shadow_init(&shadow, "/x", ""), 0);
	add_file(&shadow, path, 0, 0, NULL);
	ck_assert_int_eq(shadow_encode(&shadow, &data, &size), -EINVAL);

	ck_assert_int_eq(shadow_init(&large, "/x", ""), 0);
	for (unsigned int i = 0; i <= SHADOW_MAX_FILES; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		add_file(&large, path, 0, 0, NULL);
	}
	ck_assert_int_eq(shadow_encode(&large, &data, &size), -EOVERFLOW);
	ck_assert_ptr_null(data);
}
END_TEST

START_TEST(typical_shadow_is_small)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_free void *data = NULL;
	size_t size;

	ck_assert_int_eq(shadow_init(&shadow, "/usr/lib/firefox/firefox", ""), 0);
	for (unsigned int i = 0; i < 300; i++) {
		struct pageset_file *file = NULL;
		char path[64];

		snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/lib%x.so.%u", i * 2654435761u, i % 7);
		ck_assert_int_eq(pageset_add(&shadow.files, path, i * 3000, &file), 0);
		file->id = (struct fileid){ .size_bytes = 800000 + i, .build_id_size = 20 };
		for (unsigned int j = 0; j < 20; j++) {
			const uint32_t time = i * 3000 + j * 7919 % 60 * 5000;

			ck_assert_int_ge(pageset_file_add(file, (struct page_run){ j * 37, 1 + j % 9 }, time),
					 1);
		}
	}
	ck_assert_uint_eq(pageset_count_extents(&shadow.files), 6000);
	ck_assert_int_eq(shadow_encode(&shadow, &data, &size), 0);
	ck_assert_uint_lt(size, 64 << 10);
}
END_TEST

START_TEST(unanswered_files_are_left_out_for_a_while)
{
	struct shadow shadow = { .stats.updated_s = 1000 };

	ck_assert(shadow_leaves_out_unanswered(&shadow, 1000));
	ck_assert(shadow_leaves_out_unanswered(&shadow, 1000 + SHADOW_UNANSWERED_S - 1));
	ck_assert(!shadow_leaves_out_unanswered(&shadow, 1000 + SHADOW_UNANSWERED_S));
	ck_assert(!shadow_leaves_out_unanswered(&shadow, 999));
}
END_TEST

START_TEST(exact_if_each_file_with_pages_is)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };

	make_shadow(&shadow);
	ck_assert(!shadow_is_exact(&shadow));
	pageset_file_clear(shadow.files.files[1]);
	ck_assert(shadow_is_exact(&shadow));
}
END_TEST

START_TEST(a_partial_decode_has_all_pages_and_some_names)
{
	enum { N_NAMES = 1000 };
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(shadow_release) struct shadow partial = { 0 };
	cleanup_free void *data = NULL;
	void *again = NULL;
	size_t n_names = 0;
	size_t size;

	make_shadow(&shadow);
	for (unsigned int i = 0; i < N_NAMES; i++) {
		struct pageset_file *file = NULL;
		char path[64];

		snprintf(path, sizeof(path), "/names/%u", i);
		ck_assert_int_eq(pageset_add(&shadow.files, path, i, &file), 0);
	}
	ck_assert_int_eq(shadow_encode(&shadow, &data, &size), 0);
	ck_assert_int_eq(shadow_decode_partial(data, size, &partial), 0);
	assert_same_head(&shadow, &partial);
	ck_assert(partial.is_partial);
	ck_assert_uint_eq(pageset_count_pages(&partial.files), pageset_count_pages(&shadow.files));
	for (size_t i = 0; i < partial.files.n_files; i++) {
		struct pageset_file *file = partial.files.files[i];

		assert_same_file(pageset_find(&shadow.files, file->path), file);
		n_names += file->n_extents == 0;
	}
	ck_assert_uint_gt(n_names, SHADOW_PARTIAL_NAMES / 2);
	ck_assert_uint_le(n_names, SHADOW_PARTIAL_NAMES);
	ck_assert_int_eq(shadow_encode(&partial, &again, &size), -EINVAL);
}
END_TEST

START_TEST(a_partial_decode_of_few_names_is_whole)
{
	cleanup_with(shadow_release) struct shadow shadow = { 0 };
	cleanup_with(shadow_release) struct shadow partial = { 0 };
	cleanup_free void *data = NULL;
	size_t size;

	make_shadow(&shadow);
	ck_assert_int_eq(shadow_encode(&shadow, &data, &size), 0);
	ck_assert_int_eq(shadow_decode_partial(data, size, &partial), 0);
	ck_assert(!partial.is_partial);
	ck_assert_uint_eq(partial.files.n_files, shadow.files.n_files);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shadow");
	TCase *t = tcase_create("core");

	tcase_add_test(t, what_was_encoded_is_decoded);
	tcase_add_test(t, each_damage_is_noticed);
	tcase_add_test(t, samples_decode_as_promised);
	tcase_add_test(t, a_stranger_reads_the_same);
	tcase_add_test(t, unfit_is_not_encoded);
	tcase_add_test(t, typical_shadow_is_small);
	tcase_add_test(t, unanswered_files_are_left_out_for_a_while);
	tcase_add_test(t, exact_if_each_file_with_pages_is);
	tcase_add_test(t, a_partial_decode_has_all_pages_and_some_names);
	tcase_add_test(t, a_partial_decode_of_few_names_is_whole);
	suite_add_tcase(s, t);

	return run_suite(s);
}
