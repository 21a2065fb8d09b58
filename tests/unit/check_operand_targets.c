#include "operand_targets.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "support.h"

static struct operand_targets targets;
static char here[PATH_MAX];

static void prepare(void)
{
	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	targets = (struct operand_targets){ 0 };
}

static void release(void)
{
	operand_targets_release(&targets);
}

static const char *in_here(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int n;
	char *path = paths[n++ % 8];

	snprintf(path, PATH_MAX, "%.2000s/%.2000s", here, name);
	return path;
}

static void make_file(const char *name, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

static void add(const char *name, uint8_t code, enum operand_look look)
{
	ck_assert_int_eq(operand_targets_add(&targets, in_here(name), code, look), 0);
	operand_targets_sort(&targets);
}

START_TEST(a_link_names_what_it_leads_to)
{
	make_file("file", 1000);
	ck_assert_int_eq(symlink("file", "link"), 0);
	add("link", 2, OPERAND_LOOK_AND_WAIT);

	const struct operand_target *target = operand_targets_find(&targets, in_here("file"));

	ck_assert_ptr_nonnull(target);
	ck_assert_int_eq((int)target->kind, OPERAND_FILE);
	ck_assert_uint_eq(target->id.size_bytes, 1000);
	/* The link itself has no pages of its own. */
	ck_assert_int_ne((int)operand_targets_find(&targets, in_here("link"))->kind, OPERAND_FILE);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("link")), 2);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("file")), 2);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("other")), PAGESET_NO_OPERAND);
}
END_TEST

START_TEST(a_directory_names_what_lies_below)
{
	ck_assert_int_eq(mkdir("real", 0755), 0);
	ck_assert_int_eq(symlink("real", "way"), 0);
	add("way", 3, OPERAND_LOOK_AND_WAIT);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("real")), 3);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("real/a/b")), PAGESET_OPERAND_BELOW);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("way/a")), PAGESET_OPERAND_BELOW);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("realm")), PAGESET_NO_OPERAND);
	ck_assert_uint_eq(operand_targets_code(&targets, here), PAGESET_NO_OPERAND);
}
END_TEST

START_TEST(the_root_directory_names_nothing_below)
{
	ck_assert_int_eq(operand_targets_add(&targets, "/", 2, OPERAND_LOOK_AND_WAIT), 0);
	operand_targets_sort(&targets);
	ck_assert_uint_eq(operand_targets_code(&targets, "/"), 2);
	ck_assert_uint_eq(operand_targets_code(&targets, "/etc/passwd"), PAGESET_NO_OPERAND);
}
END_TEST

START_TEST(what_is_still_to_be_made_is_named_as_well)
{
	ck_assert_int_eq(mkdir("out", 0755), 0);
	ck_assert_int_eq(symlink("out", "to"), 0);
	add("to/new", 2, OPERAND_LOOK_AND_WAIT);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("out/new")), 2);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("to/new")), 2);
}
END_TEST

START_TEST(nothing_but_files_and_directories)
{
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	add("fifo", 2, OPERAND_LOOK_AND_WAIT); /* and nobody waits for a writer */
	ck_assert_int_eq((int)operand_targets_find(&targets, in_here("fifo"))->kind, OPERAND_MISSING);
	ck_assert_int_eq(operand_targets_add(&targets, "/proc/self/status", 2, OPERAND_LOOK_AND_WAIT), 0);
	ck_assert_int_eq(operand_targets_add(&targets, "/dev/../dev/zero", 2, OPERAND_LOOK_AND_WAIT), 0);
	ck_assert_uint_eq(targets.n, 1);
}
END_TEST

START_TEST(a_name_alone_may_be_anything)
{
	add("x", 2, OPERAND_LOOK_AT_NOTHING);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("x")), 2);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("x/y")), PAGESET_OPERAND_BELOW);
}
END_TEST

/* Kernels before 5.12 cannot look in memory alone. */
START_TEST(memory_tells_the_same)
{
	make_file("seen", 5);
	add("seen", 2, OPERAND_LOOK_AND_WAIT);

	struct operand_targets cached = { 0 };
	int r = operand_targets_add(&cached, in_here("seen"), 2, OPERAND_LOOK_IN_MEMORY);

	ck_assert(r == 0 || r == -EAGAIN);
	if (r == 0) {
		ck_assert_int_eq((int)cached.items[0].kind, OPERAND_FILE);
		ck_assert_uint_eq(cached.items[0].id.size_bytes, 5);
	}
	operand_targets_release(&cached);
}
END_TEST

/* What nobody has looked at is not in memory: it takes somebody who may wait. */
START_TEST(what_memory_does_not_know_is_not_guessed)
{
	ck_assert_int_eq(operand_targets_add(&targets, in_here("unheard-of"), 2, OPERAND_LOOK_IN_MEMORY),
			 -EAGAIN);
	ck_assert_uint_eq(targets.n, 0);
	make_file("known", 5);
	if (operand_targets_add(&targets, in_here("known"), 2, OPERAND_LOOK_IN_MEMORY) < 0)
		return; /* a kernel before 5.12 */
	/* That there is nothing is known as well, where file systems keep such names in mind. */
	struct statfs fs;

	ck_assert_int_eq(statfs(".", &fs), 0);
	if (fs.f_type != EXT4_SUPER_MAGIC)
		return;
	for (int i = 0, r = -EAGAIN; r < 0; i++) {
		ck_assert_int_ne(access("absent", F_OK), 0);
		r = operand_targets_add(&targets, in_here("absent"), 3, OPERAND_LOOK_IN_MEMORY);
		ck_assert(r == 0 || (r == -EAGAIN && i < 100)); /* memory may be short */
	}
	operand_targets_sort(&targets);
	ck_assert_int_eq((int)operand_targets_find(&targets, in_here("absent"))->kind, OPERAND_MISSING);
}
END_TEST

START_TEST(paths_are_whole_and_tidy)
{
	make_file("s", 7);
	ck_assert_int_eq(symlink("s", "a-name-that-is-longer-than-where-it-leads"), 0);
	add("a-name-that-is-longer-than-where-it-leads", 2, OPERAND_LOOK_AND_WAIT);
	ck_assert_uint_eq(targets.n, 2);
	ck_assert_uint_eq(operand_targets_find(&targets, in_here("s"))->id.size_bytes, 7);
	add(".//x/../s", 3, OPERAND_LOOK_AT_NOTHING);
	ck_assert_uint_eq(targets.n, 2);
	/* A link to what is the kernel's is a name, and no more. */
	ck_assert_int_eq(symlink("/proc/version", "to-kernel"), 0);
	add("to-kernel", 2, OPERAND_LOOK_AND_WAIT);
	ck_assert_uint_eq(targets.n, 3);
}
END_TEST

START_TEST(what_is_not_there_has_one_name)
{
	char path[64];

	add("nowhere/new", 2, OPERAND_LOOK_AND_WAIT);
	ck_assert_uint_eq(targets.n, 1);
	snprintf(path, sizeof(path), "/pbrun-check-%d", getpid());
	ck_assert_int_eq(operand_targets_add(&targets, path, 2, OPERAND_LOOK_AND_WAIT), 0);
	ck_assert_uint_eq(targets.n, 2);
}
END_TEST

START_TEST(each_of_many_is_found)
{
	char name[16];

	for (uint8_t i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "many%d", i * 7 % 30);
		add(name, (uint8_t)(2 + i % 5), OPERAND_LOOK_AT_NOTHING);
	}
	ck_assert_uint_eq(targets.n, 30);
	for (uint8_t i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "many%d", i * 7 % 30);
		ck_assert_uint_eq(operand_targets_code(&targets, in_here(name)), 2 + i % 5);
	}
}
END_TEST

static struct pageset_file *see(struct pageset *seen, const char *path)
{
	struct pageset_file *file = NULL;

	ck_assert_int_eq(pageset_add(seen, path, 0, &file), 0);
	return file;
}

START_TEST(programs_in_a_directory_are_not_marked)
{
	struct pageset seen = { 0 };

	make_file("named", 1);
	ck_assert_int_eq(mkdir("tree", 0755), 0);
	add("named", 2, OPERAND_LOOK_AND_WAIT);
	add("tree", 3, OPERAND_LOOK_AND_WAIT);

	struct pageset_file *named = see(&seen, in_here("named"));
	struct pageset_file *data = see(&seen, in_here("tree/data"));
	struct pageset_file *library = see(&seen, in_here("tree/lib.so"));
	struct pageset_file *program = see(&seen, in_here("tree/program"));
	struct pageset_file *other = see(&seen, "/etc/passwd");

	library->access = data->access = named->access = PAGESET_MAPPED;
	library->id.build_id_size = named->id.build_id_size = 4;
	operand_targets_mark(&targets, in_here("tree/program"), &seen);
	ck_assert_uint_eq(named->operand, 2);
	ck_assert_uint_eq(data->operand, PAGESET_OPERAND_BELOW);
	ck_assert_uint_eq(library->operand, PAGESET_NO_OPERAND);
	ck_assert_uint_eq(program->operand, PAGESET_NO_OPERAND);
	ck_assert_uint_eq(other->operand, PAGESET_NO_OPERAND);
	pageset_release(&seen);
}
END_TEST

START_TEST(of_two_codes_that_of_the_profile_wins)
{
	struct operand_targets more = { 0 };

	add("a", 5, OPERAND_LOOK_AT_NOTHING);
	ck_assert_int_eq(
		operand_targets_add(&more, in_here("a"), PAGESET_NO_OPERAND, OPERAND_LOOK_AT_NOTHING), 0);
	ck_assert_int_eq(operand_targets_join(&targets, &more), 0);
	operand_targets_sort(&targets);
	ck_assert_uint_eq(targets.n, 1);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("a")), PAGESET_NO_OPERAND);
	ck_assert_uint_eq(operand_targets_code(&targets, in_here("a/b")), PAGESET_NO_OPERAND);
	operand_targets_release(&more);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operand_targets");
	TCase *core = tcase_create("core");

	tcase_add_unchecked_fixture(core, scratch_enter, scratch_leave);
	tcase_add_checked_fixture(core, prepare, release);
	tcase_add_test(core, a_link_names_what_it_leads_to);
	tcase_add_test(core, a_directory_names_what_lies_below);
	tcase_add_test(core, the_root_directory_names_nothing_below);
	tcase_add_test(core, what_is_still_to_be_made_is_named_as_well);
	tcase_add_test(core, nothing_but_files_and_directories);
	tcase_add_test(core, a_name_alone_may_be_anything);
	tcase_add_test(core, memory_tells_the_same);
	tcase_add_test(core, what_memory_does_not_know_is_not_guessed);
	tcase_add_test(core, paths_are_whole_and_tidy);
	tcase_add_test(core, what_is_not_there_has_one_name);
	tcase_add_test(core, each_of_many_is_found);
	tcase_add_test(core, programs_in_a_directory_are_not_marked);
	tcase_add_test(core, of_two_codes_that_of_the_profile_wins);
	suite_add_tcase(suite, core);
	return run_suite(suite);
}
