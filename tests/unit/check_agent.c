/*
 * What the library of agent/ notes in a program that is made without sanitizers (helpers/do_calls.c).
 */
#include "trace/agent_log.h"

#include <libgen.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "support.h"
#include "sys/clock.h"

enum { MAX_CALLS = 16, MAX_NOTED = 6000, LONG_PATH = 4000 };

static char agent[PATH_MAX], helper[PATH_MAX];

/* What a program has left in the area. */
struct noted {
	enum agent_kind kind;
	pid_t pid;
	uint64_t time_ns;
	void *data; /* terminated */
	size_t size;
};
static struct noted noted[MAX_NOTED];
static size_t n_noted;
static struct agent_log log_area;
static int area_fd;

static void set_up(void)
{
	scratch_enter();
	write_file("file", "x", 1, 0600);
	ck_assert_int_eq(agent_log_create(&log_area, &area_fd), 0);
}

static void tear_down(void)
{
	for (size_t i = 0; i < n_noted; i++)
		free(noted[i].data);
	agent_log_release(&log_area);
	close(area_fd);
	scratch_leave();
}

static void take_notes(void)
{
	struct agent_entry entry;

	while (agent_log_next(&log_area, AGENT_LOG_IS_OVER, &entry)) {
		ck_assert_uint_lt(n_noted, MAX_NOTED);
		struct noted *note = &noted[n_noted++];

		*note = (struct noted){ entry.kind, entry.pid, entry.time_ns, calloc(1, entry.size + 1),
					entry.size };
		ck_assert_ptr_nonnull(note->data);
		memcpy(note->data, entry.data, entry.size);
	}
}

/* Runs the helper with that environment; the area is open at fd. */
static void run_with(char *const environment[], int fd, char *const argv[])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (fd >= 0)
			(void)!dup2(area_fd, fd);
		execve(helper, argv, environment);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "wait status %d", status);
	take_notes();
}

/* As the observer's launcher has it: the two variables are the last ones. */
static char first_variable[] = "HOME=/", preload[PATH_MAX + 16], number[] = "PBRUN_AGENT=200";
static char *const environment_as_it_should_be[] = { first_variable, preload, number, NULL };
/* Which nothing else has, here or there. */
enum { AREA_FD = 200 };

#define RUN_WITH(environment, ...)                                                                           \
	run_with(environment, AREA_FD, (char *const[]){ helper, __VA_ARGS__ __VA_OPT__(, ) NULL })
#define RUN(...) RUN_WITH(environment_as_it_should_be, __VA_ARGS__)

static size_t count(enum agent_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < n_noted; i++)
		n += noted[i].kind == kind;
	return n;
}

static size_t count_opened(const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < n_noted; i++)
		n += noted[i].kind == AGENT_OPENED && strcmp(noted[i].data, scratch_path(name)) == 0;
	return n;
}

START_TEST(what_is_opened_for_reading_is_noted_however_it_is_opened)
{
	static const char *const calls[] = { "read", "both", "open64", "at", "at64", "fread", "fread64" };
	char call[PATH_MAX + 16];
	uint64_t before_ns = clock_now_ns();

	snprintf(call, sizeof(call), "%s:%s", calls[_i / 2], _i % 2 ? "file" : scratch_path("file"));
	RUN(call);
	ck_assert_uint_eq(count_opened("file"), 1);
	ck_assert_uint_eq(count(AGENT_OPENED), 1);
	ck_assert_uint_ge(noted[0].time_ns, before_ns);
	ck_assert_uint_le(noted[0].time_ns, clock_now_ns());
}
END_TEST

START_TEST(what_is_written_and_what_is_no_file_of_a_disk_is_not)
{
	RUN((char[]){ "write:written" }, (char[]){ "fwrite:written" }, (char[]){ "read:/proc/self/stat" },
	    (char[]){ "read:/dev/null" }, (char[]){ "read:/sys/kernel" });
	ck_assert_uint_eq(count(AGENT_OPENED), 0);
	ck_assert_uint_eq(count(AGENT_MAPS), 1);
}
END_TEST

START_TEST(room_that_is_not_needed_is_given_back)
{
	RUN((char[]){ "times:5000" }, (char[]){ "read:file" });
	ck_assert_uint_eq(count_opened("file"), 5000);
}
END_TEST

START_TEST(a_full_area_is_no_obstacle)
{
	char call[LONG_PATH + sizeof("read:")] = "read:";
	const char *path = scratch_path("file");

	memset(call + 5, '/', LONG_PATH);
	strcpy(call + 5 + LONG_PATH - strlen(path), path);
	RUN((char[]){ "times:5000" }, call);
	ck_assert_uint_lt(n_noted, AGENT_LOG_BYTES / LONG_PATH);
	ck_assert_uint_gt(count(AGENT_OPENED), AGENT_LOG_BYTES / (LONG_PATH + 100));
}
END_TEST

/* "START-END PERMISSIONS OFFSET DEVICE INODE   /PATH": is a page in a line that names a file? */
static bool is_in_file(const struct noted *maps, uint64_t address)
{
	for (const char *line = maps->data; line && *line; line = strchr(line, '\n')) {
		unsigned long start, end;
		char path[2] = "";

		line += *line == '\n';
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %1[/]", &start, &end, path) == 3 &&
		    address >= start && address < end)
			return true;
	}
	return false;
}

static bool kernel_can_scan(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	ck_assert_int_eq(uname(&name), 0);
	(void)sscanf(name.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 7);
}

START_TEST(at_the_end_it_is_noted_which_pages_of_files_are_there)
{
	RUN();
	ck_assert_uint_eq(n_noted, 2);
	ck_assert_int_eq(noted[0].kind, AGENT_MAPS);
	ck_assert_int_eq(noted[1].kind, AGENT_PAGES);
	ck_assert_ptr_nonnull(strstr(noted[0].data, helper));
	ck_assert_uint_eq(noted[1].size % sizeof(struct agent_pages), 0);
	const struct agent_pages *pages = noted[1].data;
	size_t n_pages = noted[1].size / sizeof(*pages);

	if (can_test(kernel_can_scan(), "PAGEMAP_SCAN: it came with Linux 6.7"))
		ck_assert_uint_gt(n_pages, 3);
	for (size_t i = 0; i < n_pages; i++) {
		ck_assert_uint_lt(pages[i].start, pages[i].end);
		ck_assert(is_in_file(&noted[0], pages[i].start));
		ck_assert(is_in_file(&noted[0], pages[i].end - 1));
	}
}
END_TEST

START_TEST(each_process_tells_each_end_once)
{
	RUN((char[]){ "times:3" }, (char[]){ "exec:/nowhere" }, (char[]){ "child:file" },
	    (char[]){ "exec:/nowhere" });
	ck_assert_uint_eq(count(AGENT_EXEC_MAPS), 1);
	ck_assert_uint_eq(count(AGENT_MAPS), 2);
	ck_assert_uint_eq(count(AGENT_PAGES), 3);
	ck_assert_int_ne(noted[0].pid, noted[2].pid);
	ck_assert_int_eq(noted[0].pid, noted[n_noted - 1].pid);
	ck_assert_uint_eq(count_opened("file"), 1);
}
END_TEST

START_TEST(who_confines_itself_is_left_alone_from_then_on)
{
	RUN((char[]){ "name:other" }, (char[]){ "read:file" }, (char[]){ "confine:" }, (char[]){ "times:3" },
	    (char[]){ "read:file" }, (char[]){ "child:file" });
	ck_assert_uint_eq(n_noted, 1);
	ck_assert_uint_eq(count_opened("file"), 1);
}
END_TEST

START_TEST(who_is_confined_as_the_observer_says_is_left_alone)
{
	agent_log_confine(&log_area);
	RUN((char[]){ "read:file" });
	ck_assert_uint_eq(n_noted, 0);
}
END_TEST

/* errno would tell of the agent's own call that failed. */
START_TEST(what_cannot_be_found_out_changes_nothing)
{
	ck_assert_int_eq(mkdir("root", 0700), 0);
	write_file("root/file", "x", 1, 0600);
	if (!can_test(geteuid() == 0, "a program without /proc: only root may make one"))
		return;
	RUN((char[]){ "chroot:root" }, (char[]){ "times:2" }, (char[]){ "at:root/file" });
	ck_assert_uint_eq(count(AGENT_OPENED), 2);
	ck_assert_str_eq(noted[0].data, "");
	ck_assert_uint_eq(count(AGENT_PAGES), 1);
}
END_TEST

/* Then they are not pbrun's, and the descriptor is somebody else's. */
START_TEST(variables_that_are_not_the_last_two_or_no_number_are_not_looked_at)
{
	static char last[] = "LAST=1", none[] = "PBRUN_AGENT=", word[] = "PBRUN_AGENT=200x",
		    other[] = "AGENT=200";
	char *const environments[][5] = {
		{ preload, number, last, NULL }, { number, preload, NULL }, { preload, last, number, NULL },
		{ preload, none, NULL },         { preload, word, NULL },   { preload, other, NULL },
	};

	for (size_t i = 0; i < sizeof(environments) / sizeof(environments[0]); i++)
		RUN_WITH(environments[i], (char[]){ "read:file" }, (char[]){ "holds:200" });
	ck_assert_uint_eq(n_noted, 0);
}
END_TEST

START_TEST(what_is_no_area_is_not_written_to)
{
	struct agent_head *head = (void *)log_area.area;
	int fd = area_fd;

	head->magic++;
	RUN((char[]){ "read:file" });
	ck_assert_uint_eq(n_noted, 0);
	area_fd = open("other", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(area_fd, AGENT_LOG_BYTES - 1), 0);
	head->magic--;
	ck_assert_int_eq(pwrite(area_fd, head, sizeof(*head), 0), sizeof(*head));
	RUN((char[]){ "read:file" }, (char[]){ "holds:200" });
	close(area_fd);
	area_fd = fd;
	ck_assert_uint_eq(n_noted, 0);
}
END_TEST

int main(void)
{
	const char *pbrun = getenv("PBRUN"), *helpers = getenv("PBRUN_HELPERS");
	Suite *s = suite_create("agent");
	TCase *t = tcase_create("core");

	if (!can_test(pbrun && helpers, "the agent: PBRUN and PBRUN_HELPERS say where it is"))
		return 77;
	snprintf(helper, sizeof(helper), "%s/do_calls", helpers);
	snprintf(agent, sizeof(agent), "%s", pbrun);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/libpbrun-agent.so", dirname(agent));
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, what_is_opened_for_reading_is_noted_however_it_is_opened, 0, 14);
	tcase_add_test(t, what_is_written_and_what_is_no_file_of_a_disk_is_not);
	tcase_add_test(t, room_that_is_not_needed_is_given_back);
	tcase_add_test(t, a_full_area_is_no_obstacle);
	tcase_add_test(t, at_the_end_it_is_noted_which_pages_of_files_are_there);
	tcase_add_test(t, each_process_tells_each_end_once);
	tcase_add_test(t, who_confines_itself_is_left_alone_from_then_on);
	tcase_add_test(t, who_is_confined_as_the_observer_says_is_left_alone);
	tcase_add_test(t, what_cannot_be_found_out_changes_nothing);
	tcase_add_test(t, variables_that_are_not_the_last_two_or_no_number_are_not_looked_at);
	tcase_add_test(t, what_is_no_area_is_not_written_to);
	suite_add_tcase(s, t);
	return run_suite(s);
}
