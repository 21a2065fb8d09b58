#include "sys/fileid.h"

#include <elf.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "support.h"

/* An ELF file that is little but a build-id of 20 bytes, each of this value. */
static void write_elf(const char *path, uint8_t build_id_byte)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		Elf64_Nhdr note;
		char name[4];
		uint8_t desc[20];
	} image = {
		.header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
					 EV_CURRENT },
			    .e_type = ET_DYN,
			    .e_version = EV_CURRENT,
			    .e_phoff = sizeof(Elf64_Ehdr),
			    .e_ehsize = sizeof(Elf64_Ehdr),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 1 },
		.segment = { .p_type = PT_NOTE,
			     .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			     .p_filesz = sizeof(Elf64_Nhdr) + 4 + 20,
			     .p_align = 4 },
		.note = { 4, 20, NT_GNU_BUILD_ID },
		.name = "GNU",
	};

	memset(image.desc, build_id_byte, sizeof(image.desc));
	write_file(path, &image, sizeof(image), 0600);
}

static void set_mtime(const char *path, time_t seconds, long nanoseconds)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
					   { .tv_sec = seconds, .tv_nsec = nanoseconds } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static struct fileid id_of(const char *path)
{
	struct stat st;
	struct fileid id;
	cleanup_close int fd = fileid_open(path, &st);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fileid_from_fd(fd, &id), 0);
	return id;
}

static bool is_still_valid(const struct fileid *recorded, const char *path)
{
	struct stat st;
	cleanup_close int fd = fileid_open(path, &st);

	ck_assert_int_ge(fd, 0);
	return fileid_still_valid(recorded, fd, &st);
}

START_TEST(takes_size_and_mtime)
{
	struct stat st = { .st_size = 12345, .st_mtim = { .tv_sec = 2, .tv_nsec = 3 } };

	ck_assert_uint_eq(fileid_from_stat(&st).size_bytes, 12345);
	ck_assert_int_eq(fileid_from_stat(&st).mtime_ns, 2000000003);
	ck_assert_uint_eq(fileid_from_stat(&st).build_id_size, 0);
	st.st_mtim.tv_sec = -2;
	ck_assert_int_eq(fileid_from_stat(&st).mtime_ns, -1999999997);
	st.st_mtim.tv_sec = INT64_MAX;
	ck_assert_int_eq(fileid_from_stat(&st).mtime_ns, INT64_MAX);
	st.st_mtim.tv_sec = INT64_MIN;
	ck_assert_int_eq(fileid_from_stat(&st).mtime_ns, INT64_MIN);
	st.st_mtim.tv_sec = INT64_MAX / 1000000000;
	st.st_mtim.tv_nsec = 999999999;
	ck_assert_int_eq(fileid_from_stat(&st).mtime_ns, INT64_MAX);
}
END_TEST

START_TEST(takes_build_id)
{
	struct fileid id;

	write_elf("elf", 7);
	set_mtime("elf", 1000, 1);
	id = id_of("elf");
	ck_assert_uint_eq(id.build_id_size, 20);
	ck_assert_uint_eq(id.build_id[19], 7);
	ck_assert_int_eq(id.mtime_ns, 1000000000001);
	write_file("text", "text", 4, 0600);
	id = id_of("text");
	ck_assert_uint_eq(id.build_id_size, 0);
	ck_assert_uint_eq(id.size_bytes, 4);
}
END_TEST

START_TEST(identifies_regular_files_only)
{
	cleanup_close int directory = open("/", O_RDONLY | O_CLOEXEC);
	struct fileid id = { .size_bytes = 7 };

	ck_assert_int_eq(fileid_from_fd(directory, &id), -EINVAL);
	ck_assert_int_eq(fileid_from_fd(-1, &id), -EBADF);
	ck_assert_uint_eq(id.size_bytes, 7);
}
END_TEST

START_TEST(opens_for_reading_without_side_effects)
{
	struct stat st;
	cleanup_close int fd = -1;

	write_file("open", "text", 4, 0400);
	fd = fileid_open("open", &st);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NOATIME | O_NONBLOCK),
			 O_RDONLY | O_NOATIME | O_NONBLOCK);
}
END_TEST

START_TEST(opens_regular_files_only)
{
	struct stat st = { .st_size = 7 };

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(symlink("fifo", "link"), 0);
	ck_assert_int_eq(fileid_open("fifo", &st), -EINVAL);
	ck_assert_int_eq(fileid_open("link", &st), -EINVAL);
	ck_assert_int_eq(fileid_open("/dev/null", &st), -EINVAL);
	ck_assert_int_eq(fileid_open("/", &st), -EINVAL);
	ck_assert_int_eq(fileid_open("missing", &st), -ENOENT);
	ck_assert_int_eq(fileid_open("fifo/below", &st), -ENOTDIR);
	ck_assert_int_eq(st.st_size, 7);
}
END_TEST

START_TEST(opens_files_of_others)
{
	struct stat st;

	write_file("readable", "text", 4, 0444);
	write_file("secret", "text", 4, 0400);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_ge(fileid_open("readable", &st), 0);
	ck_assert_int_eq(fileid_open("secret", &st), -EACCES);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(compares_size_and_build_ids_or_mtime)
{
	const struct fileid a = { .size_bytes = 1, .mtime_ns = 2, .build_id_size = 2, .build_id = { 3, 4 } };
	struct fileid b = a;

	ck_assert(fileid_equal(&a, &b));
	b.build_id[1] = 5;
	ck_assert(!fileid_equal(&a, &b));
	b.build_id[1] = 4;
	b.build_id_size = 1;
	ck_assert(!fileid_equal(&a, &b));
	b.build_id_size = 0;
	ck_assert(fileid_equal(&a, &b) && fileid_equal(&b, &a));
	b.mtime_ns = 3;
	ck_assert(!fileid_equal(&a, &b));
	/* The same program, copied or touched. */
	b.build_id_size = 2;
	ck_assert(fileid_equal(&a, &b));
	b = a;
	b.size_bytes = 3;
	ck_assert(!fileid_equal(&a, &b));
}
END_TEST

START_TEST(is_valid_while_size_and_mtime_stay)
{
	struct fileid recorded;

	write_file("text", "text", 4, 0600);
	set_mtime("text", 1000, 0);
	recorded = id_of("text");
	ck_assert(is_still_valid(&recorded, "text"));
	set_mtime("text", 1000, 1);
	ck_assert(!is_still_valid(&recorded, "text"));
	write_file("text", "texts", 5, 0600);
	set_mtime("text", 1000, 0);
	ck_assert(!is_still_valid(&recorded, "text"));
}
END_TEST

/* The same package unpacked again, and a rebuild that pretends to be as old. */
START_TEST(is_valid_by_build_id)
{
	struct fileid recorded;

	write_elf("elf", 7);
	set_mtime("elf", 1000, 0);
	recorded = id_of("elf");
	set_mtime("elf", 2000, 0);
	ck_assert(is_still_valid(&recorded, "elf"));
	/* Stripped, say: the same build-id, but other pages. */
	ck_assert_int_eq(truncate("elf", 5000), 0);
	ck_assert(!is_still_valid(&recorded, "elf"));
	write_elf("elf", 8);
	set_mtime("elf", 2000, 0);
	ck_assert(!is_still_valid(&recorded, "elf"));
	set_mtime("elf", 1000, 0);
	ck_assert(!is_still_valid(&recorded, "elf"));
	/* One that has no build-id cannot contradict, nor vouch for another mtime. */
	recorded.build_id_size = 0;
	ck_assert(is_still_valid(&recorded, "elf"));
	set_mtime("elf", 2000, 0);
	ck_assert(!is_still_valid(&recorded, "elf"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fileid");
	TCase *t = tcase_create("core");

	tcase_add_unchecked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, takes_size_and_mtime);
	tcase_add_test(t, takes_build_id);
	tcase_add_test(t, identifies_regular_files_only);
	tcase_add_test(t, opens_for_reading_without_side_effects);
	tcase_add_test(t, opens_regular_files_only);
	if (can_test(geteuid() == 0, "files of other users (needs root)"))
		tcase_add_test(t, opens_files_of_others);
	tcase_add_test(t, compares_size_and_build_ids_or_mtime);
	tcase_add_test(t, is_valid_while_size_and_mtime_stay);
	tcase_add_test(t, is_valid_by_build_id);
	suite_add_tcase(s, t);
	return run_suite(s);
}
