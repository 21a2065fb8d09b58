/* packages: btrfs-progs */
#include "sys/procmaps.h"

#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "own_mounts.h"
#include "support.h"

/* Parses from memory of just the line's size, so that a sanitizer sees a read beyond it. */
static int parse(const char *line, struct procmaps_entry *ret_entry)
{
	static char *copy;
	size_t size = strlen(line);

	free(copy);
	copy = malloc(size ? size : 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, line, size);
	return procmaps_parse_line(copy, size, ret_entry);
}

static bool has_name(const struct procmaps_entry *entry, const char *name)
{
	return entry->name_size == strlen(name) && memcmp(entry->name, name, entry->name_size) == 0;
}

START_TEST(parses_every_field)
{
	struct procmaps_entry e;

	ck_assert_int_eq(
		parse("7f0c2a600000-7f0c2a622000 r-xp 00028000 fe:10 1835427   /usr/lib/libc.so.6", &e), 0);
	ck_assert_uint_eq(e.start, 0x7f0c2a600000);
	ck_assert_uint_eq(e.end, 0x7f0c2a622000);
	ck_assert_uint_eq(e.offset_bytes, 0x28000);
	ck_assert_uint_eq(e.device_major, 0xfe);
	ck_assert_uint_eq(e.device_minor, 0x10);
	ck_assert_uint_eq(e.inode, 1835427);
	ck_assert(!e.is_shared);
	ck_assert(has_name(&e, "/usr/lib/libc.so.6"));

	ck_assert_int_eq(
		parse("0-ffffffffffffffff -w-s ffffffffffffffff fffff:fffff 18446744073709551615 ", &e), 0);
	ck_assert(e.is_shared);
	ck_assert_uint_eq(e.inode, UINT64_MAX);
	ck_assert_uint_eq(e.offset_bytes, UINT64_MAX);
	ck_assert_uint_eq(e.end, UINT64_MAX);
	ck_assert_uint_eq(e.name_size, 0);

	ck_assert_int_eq(parse("1000-2000 rwxp 00000000 00:00 0       /a \t b  ", &e), 0);
	ck_assert(has_name(&e, "/a \t b  "));
}
END_TEST

static const char *const malformed[] = {
	"",
	"1000",
	"1000-2000",
	"1000-2000 ",
	"1000-2000 r-xp",
	"1000-2000 r-xp ",
	"1000-2000 r-x",
	"1000-2000 r-xp 0 00:00",
	"1000-2000 r-xp 0 00:00 ",
	"1000-2000 r-xp 0 00:00 7",
	"1000-2000 r-xp 0 00 00:00 7 /a",
	"1000-2000 r-xp 0 00-00 7 /a",
	"1000-2000 r-xP 0 00:00 7 /a",
	"1000-2000 x-rp 0 00:00 7 /a",
	"1000-2000 r-xp 0 00:00 7a /a",
	"1000-2000 r-xp 0 00:00 -7 /a",
	"1000-2000  r-xp 0 00:00 7 /a",
	"-2000 r-xp 0 00:00 7 /a",
	"1000- r-xp 0 00:00 7 /a",
	"2000-1000 r-xp 0 00:00 7 /a",
	"1000-1000 r-xp 0 00:00 7 /a",
	"0x1000-0x2000 r-xp 0 00:00 7 /a",
	"1000-10000000000000000 r-xp 0 00:00 7 /a",
	"1000-2000 r-xp 0 100000000:00 7 /a",
	"1000-2000 r-xp 0 00:100000000 7 /a",
	"1000-2000 r-xp 0 00:00 18446744073709551616 /a",
	" 1000-2000 r-xp 0 00:00 7 /a",
};

START_TEST(refuses_malformed)
{
	struct procmaps_entry e, untouched;

	memset(&e, 0x5a, sizeof(e));
	memset(&untouched, 0x5a, sizeof(untouched));
	ck_assert_int_eq(parse(malformed[_i], &e), -EBADMSG);
	ck_assert_mem_eq(&e, &untouched, sizeof(e));
}
END_TEST

static const struct {
	const char *rest; /* of the line, from the inode on */
	const char *path; /* NULL: none */
} names[] = {
	{ "7 /usr/bin/cat", "/usr/bin/cat" },
	{ "7 /a\\012b", "/a\nb" },
	{ "7 /\\012\\012", "/\n\n" },
	{ "7 /a\\b", "/a\\b" },
	{ "7 /a\\011b\\01", "/a\\011b\\01" },
	{ "7 /a \tb ", "/a \tb " },
	{ "7 /a (deleted)", "/a (deleted)" },
	{ "7 /memfd:a", "/memfd:a" },
	{ "7 /device", "/device" },
	{ "7 /memfd:a (deleted)", NULL },
	{ "7 /SYSV00000000 (deleted)", NULL },
	{ "7 /dev/zero", NULL },
	{ "7 /dev/zero (deleted)", NULL },
	{ "7 /dev/shm/a", NULL },
	{ "7 anon_inode:[perf_event]", NULL },
	{ "7 ", NULL },
	{ "0 ", NULL },
	{ "0 [heap]", NULL },
	{ "0 [anon:/a]", NULL },
	{ "0 /a", NULL },
};

START_TEST(tells_paths_from_other_names)
{
	struct procmaps_entry e;
	char line[200], path[PATH_MAX] = "untouched";

	snprintf(line, sizeof(line), "1000-2000 r-xp 0 00:00 %s", names[_i].rest);
	ck_assert_int_eq(parse(line, &e), 0);
	ck_assert_int_eq(procmaps_name_to_path(&e, path, sizeof(path)), names[_i].path != NULL);
	ck_assert_str_eq(path, names[_i].path ? names[_i].path : "untouched");
}
END_TEST

START_TEST(path_fits_or_is_refused)
{
	struct procmaps_entry e;
	char path[4] = "xyz";

	ck_assert_int_eq(parse("1000-2000 r-xp 0 00:00 7 /abc", &e), 0);
	ck_assert(!procmaps_name_to_path(&e, path, sizeof(path)));
	ck_assert_str_eq(path, "xyz");
	ck_assert_int_eq(parse("1000-2000 r-xp 0 00:00 7 /a\\012", &e), 0);
	ck_assert(procmaps_name_to_path(&e, path, sizeof(path)));
	ck_assert_str_eq(path, "/a\n");
	e = (struct procmaps_entry){ .inode = 7, .name = "/a\0b", .name_size = 4 };
	ck_assert(!procmaps_name_to_path(&e, path, sizeof(path)));
}
END_TEST

START_TEST(iterates_and_passes_over_bad_lines)
{
	char data[] = "1000-2000 r-xp 0 00:00 7 /a\nnonsense\n\n2000-3000 r-xp 0 00:00 7 /b";
	const struct procmaps_text text = { .data = data, .size = sizeof(data) - 1 };
	const struct procmaps_text empty = { 0 };
	struct procmaps_entry e;
	size_t offset = 0;

	ck_assert(procmaps_next(&text, &offset, &e) && has_name(&e, "/a"));
	ck_assert(procmaps_next(&text, &offset, &e) && has_name(&e, "/b"));
	ck_assert(!procmaps_next(&text, &offset, &e));
	ck_assert(!procmaps_next(&text, &offset, &e));
	offset = 0;
	ck_assert(!procmaps_next(&empty, &offset, &e));
}
END_TEST

static struct procmaps_text text;

/* The entry for address in our own maps, read anew. */
static struct procmaps_entry find_mapping(const void *address)
{
	struct procmaps_entry e;

	ck_assert_int_eq(procmaps_read(getpid(), &text), 0);
	for (size_t offset = 0; procmaps_next(&text, &offset, &e);) {
		if (e.start <= (uintptr_t)address && (uintptr_t)address < e.end)
			return e;
	}
	ck_abort_msg("no mapping at %p", address);
}

static void *map_fd(int fd, int flags)
{
	void *map = mmap(NULL, 4096, PROT_READ, flags, fd, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	return map;
}

static void *map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map;

	ck_assert_msg(fd >= 0, "%s: %m", path);
	map = map_fd(fd, MAP_PRIVATE);
	close(fd);
	return map;
}

/* Whether the mapping at address is recognised as a file, and if so, as this one. */
static bool is_recognised(const void *address, const char *expected_path)
{
	struct procmaps_entry e = find_mapping(address);
	char path[PATH_MAX];
	struct stat st, expected_st;

	if (!procmaps_name_to_path(&e, path, sizeof(path)) || !procmaps_is_file(&e, path, &st))
		return false;
	ck_assert_str_eq(path, expected_path);
	ck_assert_int_eq(stat(expected_path, &expected_st), 0);
	ck_assert_uint_eq(st.st_ino, expected_st.st_ino);
	return true;
}

static const char *const real_names[] = {
	"plain",       "new\nline",    "\n",   "back\\slash", "tab\tand space ",
	"a (deleted)", "\xc3\xa9\xff", "\\01", "[heap]",
};

START_TEST(recognises_files_by_any_name)
{
	const char *path = scratch_path(real_names[_i]);

	write_file(path, "x", 1, 0600);
	ck_assert(is_recognised(map_file(path), path));
}
END_TEST

/* The kernel escapes newlines but not backslashes: this name is read as one with a newline. */
START_TEST(does_not_confuse_literal_escape)
{
	char with_newline[PATH_MAX];
	void *map;

	write_file(scratch_path("b\\012b"), "x", 1, 0600);
	map = map_file(scratch_path("b\\012b"));
	strcpy(with_newline, scratch_path("b\nb"));
	ck_assert(!is_recognised(map, with_newline));
	write_file(with_newline, "x", 1, 0600);
	ck_assert(!is_recognised(map, with_newline));
}
END_TEST

START_TEST(does_not_confuse_deleted)
{
	char path[PATH_MAX], path_deleted[PATH_MAX];
	void *old;

	strcpy(path, scratch_path("c"));
	strcpy(path_deleted, scratch_path("c (deleted)"));
	write_file(path, "x", 1, 0600);
	old = map_file(path);
	ck_assert(is_recognised(old, path));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(!is_recognised(old, path));
	/* Another file of just the name that maps now shows, and another one of the old name. */
	write_file(path_deleted, "x", 1, 0600);
	write_file(path, "x", 1, 0600);
	ck_assert(!is_recognised(old, path));
	ck_assert(is_recognised(map_file(path_deleted), path_deleted));
	ck_assert(is_recognised(map_file(path), path));
}
END_TEST

START_TEST(does_not_take_what_is_not_regular)
{
	const char *path = scratch_path("d");
	struct procmaps_entry e;
	struct stat st;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	e = (struct procmaps_entry){ .inode = st.st_ino,
				     .device_major = major(st.st_dev),
				     .device_minor = minor(st.st_dev) };
	ck_assert(!procmaps_is_file(&e, path, &st));
	ck_assert(!procmaps_is_file(&e, scratch_path("missing"), &st));
}
END_TEST

START_TEST(does_not_take_memory_for_files)
{
	int memfd = memfd_create("/usr/bin/cat", MFD_CLOEXEC);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	int shm = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	void *segment = shmat(shm, NULL, 0);

	shmctl(shm, IPC_RMID, NULL);
	ck_assert(memfd >= 0 && zero >= 0 && segment != (void *)-1);
	ck_assert_int_eq(ftruncate(memfd, 4096), 0);
	ck_assert(!is_recognised(segment, ""));
	ck_assert(!is_recognised(map_fd(memfd, MAP_PRIVATE), ""));
	ck_assert(!is_recognised(map_fd(zero, MAP_PRIVATE), ""));
	ck_assert(!is_recognised(map_fd(zero, MAP_SHARED), ""));
	ck_assert(!is_recognised(map_fd(-1, MAP_SHARED | MAP_ANONYMOUS), ""));
	ck_assert(!is_recognised(map_fd(-1, MAP_PRIVATE | MAP_ANONYMOUS), ""));
	ck_assert(!is_recognised(&memfd, ""));
}
END_TEST

START_TEST(reads_own_maps_whole)
{
	enum { N_MAPS = 600 };
	const char *path = scratch_path("e");
	struct procmaps_entry e;
	int n_found = 0;

	/* Every other one, so that they stay apart: several buffers full. */
	write_file(path, "x", 1, 0600);
	for (int i = 0; i < N_MAPS; i++)
		ck_assert_int_eq(mprotect(map_file(path), 4096, i % 2 ? PROT_NONE : PROT_READ), 0);
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(procmaps_read(getpid(), &text), 0);
		ck_assert_uint_eq(strlen(text.data), text.size);
		ck_assert_uint_gt(text.size, 32768);
	}
	for (size_t offset = 0; procmaps_next(&text, &offset, &e);)
		n_found += has_name(&e, path);
	ck_assert_int_eq(n_found, N_MAPS);
	procmaps_text_release(&text);
	ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(reads_tasks_without_address_space)
{
	pid_t child = fork();
	siginfo_t info;

	if (child == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(procmaps_read(child, &text), 0);
	ck_assert_uint_eq(text.size, 0);
	ck_assert_str_eq(text.data, "");
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
	ck_assert_int_eq(procmaps_read(child, &text), -ENOENT);
}
END_TEST

static void enter_mount_namespace(void)
{
	ck_assert(own_mounts());
	ck_assert_int_eq(mount("tmpfs", scratch, "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(chdir(scratch), 0);
}

static void mount_overlay(bool has_two_filesystems, const char *options)
{
	char all_options[300];

	ck_assert(mkdir("lower", 0755) == 0 && mkdir("work", 0755) == 0 && mkdir("overlay", 0755) == 0);
	if (has_two_filesystems)
		ck_assert_int_eq(mount("tmpfs", "lower", "tmpfs", 0, NULL), 0);
	ck_assert(mkdir("work/upper", 0755) == 0 && mkdir("work/work", 0755) == 0);
	write_file("lower/below", "x", 1, 0600);
	write_file("work/upper/above", "x", 1, 0600);
	snprintf(all_options, sizeof(all_options), "lowerdir=lower,upperdir=work/upper,workdir=work/work,%s",
		 options);
	ck_assert_msg(mount("overlay", "overlay", "overlay", 0, all_options) == 0, "%s: %m", all_options);
}

static const struct {
	bool has_two_filesystems;
	const char *options;
} overlays[] = { { false, "xino=off" }, { false, "xino=on" }, { true, "xino=off" }, { true, "xino=on" } };

START_TEST(recognises_files_on_overlay)
{
	char path[PATH_MAX];
	void *map;

	enter_mount_namespace();
	mount_overlay(overlays[_i].has_two_filesystems, overlays[_i].options);
	strcpy(path, scratch_path("overlay/above"));
	ck_assert(is_recognised(map_file(path), path));
	strcpy(path, scratch_path("overlay/below"));
	map = map_file(path);
	ck_assert(is_recognised(map, path));
	/* A copy-up changes what is under the overlay's inode. */
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert(is_recognised(map_file(path), path));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(!is_recognised(map, path));
	write_file(scratch_path("overlay/below (deleted)"), "x", 1, 0600);
	ck_assert(!is_recognised(map, path));
}
END_TEST

/* What Linux before 6.7 shows for a copied-up file: the layer's device, and an inode of its own. */
START_TEST(recognises_files_on_old_overlay)
{
	struct procmaps_entry e = { .device_major = 254, .device_minor = 1, .inode = 4711 };
	struct stat st, directory;

	enter_mount_namespace();
	mount_overlay(true, "xino=off");
	ck_assert(procmaps_is_file(&e, scratch_path("overlay/below"), &st));
	ck_assert_int_eq(stat("overlay", &directory), 0);
	e.device_major = major(directory.st_dev);
	e.device_minor = minor(directory.st_dev);
	ck_assert(!procmaps_is_file(&e, scratch_path("overlay/below"), &st));
	e.device_major = 254;
	ck_assert(!procmaps_is_file(&e, scratch_path("lower/below"), &st));
}
END_TEST

START_TEST(recognises_files_on_btrfs)
{
	static const char *const paths[] = { "btrfs/top", "btrfs/subvolume/inner" };
	char path[PATH_MAX];
	void *map;

	enter_mount_namespace();
	ck_assert_int_eq(system("truncate -s 128M image && mkfs.btrfs -q image >/dev/null 2>&1 &&"
				"mkdir btrfs && mount -o loop image btrfs &&"
				"btrfs -q subvolume create btrfs/subvolume"),
			 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		strcpy(path, scratch_path(paths[i]));
		write_file(path, "x", 1, 0600);
		map = map_file(path);
		ck_assert(is_recognised(map, path));
		ck_assert_int_eq(unlink(path), 0);
		strcat(path, " (deleted)");
		write_file(path, "x", 1, 0600);
		ck_assert(!is_recognised(map, path));
		ck_assert_int_eq(munmap(map, 4096), 0);
	}
	ck_assert_int_eq(umount("btrfs"), 0);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *s = suite_create("procmaps");
	TCase *text_case = tcase_create("text");
	TCase *files_case = tcase_create("files");
	TCase *mounts_case = tcase_create("mounts");
	bool is_root = geteuid() == 0;

	tcase_add_test(text_case, parses_every_field);
	tcase_add_loop_test(text_case, refuses_malformed, 0, COUNT(malformed));
	tcase_add_loop_test(text_case, tells_paths_from_other_names, 0, COUNT(names));
	tcase_add_test(text_case, path_fits_or_is_refused);
	tcase_add_test(text_case, iterates_and_passes_over_bad_lines);
	suite_add_tcase(s, text_case);

	tcase_add_unchecked_fixture(files_case, scratch_enter, scratch_leave);
	tcase_add_loop_test(files_case, recognises_files_by_any_name, 0, COUNT(real_names));
	tcase_add_test(files_case, does_not_confuse_literal_escape);
	tcase_add_test(files_case, does_not_confuse_deleted);
	tcase_add_test(files_case, does_not_take_what_is_not_regular);
	tcase_add_test(files_case, does_not_take_memory_for_files);
	tcase_add_test(files_case, reads_own_maps_whole);
	tcase_add_test(files_case, reads_tasks_without_address_space);
	suite_add_tcase(s, files_case);

	tcase_add_unchecked_fixture(mounts_case, scratch_enter, scratch_leave);
	if (can_test(is_root, "overlayfs (needs root)")) {
		tcase_add_loop_test(mounts_case, recognises_files_on_overlay, 0, COUNT(overlays));
		tcase_add_test(mounts_case, recognises_files_on_old_overlay);
	}
	if (can_test(is_root && system("command -v mkfs.btrfs >/dev/null") == 0,
		     "btrfs (needs root, mkfs.btrfs)"))
		tcase_add_test(mounts_case, recognises_files_on_btrfs);
	suite_add_tcase(s, mounts_case);
	return run_suite(s);
}
