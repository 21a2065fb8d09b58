#include "embed.h"

#include <sys/wait.h>

#include "support.h"
#include "sys/elfinfo_section.h"

static struct fileid id_of(const char *path)
{
	struct stat st;
	struct fileid id = { 0 };
	cleanup_close int fd = fileid_open(path, &st);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fileid_from_fd(fd, &id), 0);
	return id;
}

/* A record of the program, with two of its pages and one of another file. */
static void make_record(const char *program, struct portable *portable)
{
	struct pageset_file *file;

	*portable = (struct portable){ 0 };
	ck_assert_int_eq(shadow_init(&portable->shadow, program, ""), 0);
	ck_assert_int_eq(pageset_add(&portable->shadow.files, program, 5, &file), 0);
	file->access = PAGESET_MAPPED;
	file->id = id_of(program);
	ck_assert_int_eq(pageset_file_add(file, (struct page_run){ 0, 2 }, 5), 2);
	ck_assert_int_eq(pageset_add(&portable->shadow.files, "/etc/some-file", 7, &file), 0);
	file->access = PAGESET_READ;
	file->id = (struct fileid){ .size_bytes = 100 };
	ck_assert_int_eq(pageset_file_add(file, (struct page_run){ 0, 1 }, 7), 1);
}

/* The test program itself is a large ELF file with debug information. */
static void copy_self(const char *to)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", getpid(), to);
	ck_assert_int_eq(system(command), 0);
}

static int embed(const char *from, const char *to, struct portable *portable)
{
	cleanup_close int from_fd = open(from, O_RDONLY | O_CLOEXEC);
	cleanup_close int to_fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	return embed_write(from_fd, to_fd, portable);
}

static int take_out(const char *from, const char *to)
{
	cleanup_close int from_fd = open(from, O_RDONLY | O_CLOEXEC);
	cleanup_close int to_fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	return embed_remove(from_fd, to_fd);
}

static int read_back(const char *path, struct portable *ret_portable)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return embed_read(fd, scratch_path(path), ret_portable);
}

static void embed_into(const char *from, const char *to)
{
	cleanup_with(portable_release) struct portable portable = { 0 };

	make_record(scratch_path(from), &portable);
	ck_assert_int_eq(embed(from, to, &portable), 0);
}

static void assert_same_content(const char *a, const char *b)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "cmp %s %s", a, b);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(what_was_embedded_is_read)
{
	cleanup_with(portable_release) struct portable portable = { 0 };

	copy_self("plain");
	ck_assert_int_eq(read_back("plain", &portable), -ENOENT);
	embed_into("plain", "marked");
	ck_assert_int_eq(read_back("marked", &portable), 0);
	ck_assert_str_eq(portable.shadow.program, scratch_path("marked"));
	ck_assert_uint_eq(pageset_count_pages(&portable.shadow.files), 3);
	/* Its own entry goes by the name that the file has now. */
	ck_assert_ptr_null(pageset_find(&portable.shadow.files, scratch_path("plain")));
	ck_assert_ptr_nonnull(pageset_find(&portable.shadow.files, scratch_path("marked")));
}
END_TEST

START_TEST(its_own_file_is_known_by_what_it_is_now)
{
	cleanup_with(portable_release) struct portable portable = { 0 };

	copy_self("program");
	embed_into("program", "marked");
	ck_assert_int_eq(rename("marked", "program"), 0);
	ck_assert_int_eq(read_back("program", &portable), 0);
	struct pageset_file *file = pageset_find(&portable.shadow.files, scratch_path("program"));
	struct fileid now = id_of("program");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(file->id.size_bytes, now.size_bytes);
	ck_assert_int_eq(file->id.mtime_ns, now.mtime_ns);
}
END_TEST

START_TEST(the_program_runs_as_before)
{
	ck_assert_int_eq(system("cp /bin/echo echo"), 0);
	embed_into("echo", "marked");
	ck_assert_int_eq(system("test \"$(./marked a b)\" = 'a b'"), 0);
}
END_TEST

START_TEST(taken_out_it_leaves_no_trace)
{
	copy_self("plain");
	embed_into("plain", "marked");
	ck_assert_int_eq(take_out("marked", "bare"), 0);
	assert_same_content("plain", "bare");
	ck_assert_int_eq(take_out("bare", "again"), -ENOENT);
}
END_TEST

START_TEST(a_record_replaces_the_one_before)
{
	cleanup_with(portable_release) struct portable portable = { 0 };

	copy_self("plain");
	embed_into("plain", "one");
	make_record(scratch_path("one"), &portable);
	ck_assert_int_eq(embed("one", "two", &portable), 0);
	ck_assert_int_eq(take_out("two", "bare"), 0);
	assert_same_content("plain", "bare");
}
END_TEST

START_TEST(what_has_data_behind_it_is_refused)
{
	cleanup_with(portable_release) struct portable portable = { 0 };

	copy_self("plain");
	ck_assert_int_eq(system("cp plain payload; echo data >> payload; printf text > text"), 0);
	make_record(scratch_path("plain"), &portable);
	ck_assert_int_eq(embed("payload", "marked", &portable), -EFBIG);
	ck_assert_int_eq(embed("text", "marked", &portable), -ENOEXEC);
}
END_TEST

START_TEST(another_layout_is_noticed)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	uint64_t more = 0xffff;

	copy_self("plain");
	embed_into("plain", "marked");
	/* The size in memory of the second program header: p_memsz. */
	cleanup_close int fd = open("marked", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, &more, sizeof(more), 64 + 56 + 40), sizeof(more));
	ck_assert_int_eq(read_back("marked", &portable), -ESTALE);
	ck_assert_int_eq(take_out("marked", "bare"), -ESTALE);
}
END_TEST

START_TEST(damaged_bytes_are_refused)
{
	struct elfinfo_section section;

	copy_self("plain");
	embed_into("plain", "marked");
	cleanup_close int fd = open("marked", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(elfinfo_find_section(fd, EMBED_SECTION, &section), 0);
	for (uint64_t i = 0; i < section.size_bytes; i++) {
		cleanup_with(portable_release) struct portable portable = { 0 };
		uint8_t byte;
		uint8_t other;
		off_t at = (off_t)(section.offset_bytes + i);

		/* Where the former table was concerns nobody who reads the record. */
		if (i >= 16 && i < 40)
			continue;
		ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
		other = byte ^ 0x40;
		ck_assert_int_eq(pwrite(fd, &other, 1, at), 1);
		ck_assert_int_lt(embed_read(fd, "/x", &portable), 0);
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	}
}
END_TEST

START_TEST(obstacles)
{
	copy_self("program");
	cleanup_close int fd = open("program", O_RDWR | O_CLOEXEC);
	cleanup_close int directory = open(".", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(fchmod(fd, 0755), 0);
	ck_assert_int_eq(embed_find_obstacle(fd), EMBED_NO_OBSTACLE);
	ck_assert_int_eq(embed_find_obstacle(directory), EMBED_NOT_REGULAR);
	ck_assert_int_eq(fchmod(fd, 04755), 0);
	ck_assert_int_eq(embed_find_obstacle(fd), EMBED_PRIVILEGED);
	ck_assert_int_eq(fchmod(fd, 02755), 0);
	ck_assert_int_eq(embed_find_obstacle(fd), EMBED_PRIVILEGED);
	ck_assert_int_eq(fchmod(fd, 0755), 0);
	ck_assert_int_eq(link("program", "other-name"), 0);
	ck_assert_int_eq(embed_find_obstacle(fd), EMBED_HARD_LINKED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("embed");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_was_embedded_is_read);
	tcase_add_test(t, its_own_file_is_known_by_what_it_is_now);
	tcase_add_test(t, the_program_runs_as_before);
	tcase_add_test(t, taken_out_it_leaves_no_trace);
	tcase_add_test(t, a_record_replaces_the_one_before);
	tcase_add_test(t, what_has_data_behind_it_is_refused);
	tcase_add_test(t, another_layout_is_noticed);
	tcase_add_test(t, damaged_bytes_are_refused);
	tcase_add_test(t, obstacles);
	suite_add_tcase(s, t);
	return run_suite(s);
}
