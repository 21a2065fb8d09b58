/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
#include "trace/onlooker.h"

#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "target.h"
#include "trace/onlooker_private.h"

/* What was told, as far as tests ask. */
static struct onlooker onlooker;
static pid_t told_pid[2]; /* of those that map "first", "second" */
static uint32_t told_space[2];
static size_t n_execed, n_marked, n_left, n_others;
static pid_t first_pid;
static int emit_result;
static bool keeps_gates_shut;
static bool is_mapped[2]; /* in the list that is told now */
static size_t n_opened, n_read_bytes, n_touched_bytes, n_huge_bytes;
static uint32_t touched_space;

/* With the program itself, more than are looked at. */
enum { N_CHILDREN = ONLOOKER_MAX_PROCESSES + 20, N_LOOKED_AT = ONLOOKER_MAX_PROCESSES - 1 };
static pid_t seen_children[4 * N_CHILDREN];
static size_t n_seen_children;

static void release(const char *gate)
{
	write_file(gate, "", 0, 0600);
}

/* A target waits here until its file was told of. */
static void await(const char *gate)
{
	for (int i = 0; access(gate, F_OK) != 0 && i < 20000; i++)
		(void)poll(NULL, 0, 1);
}

static void note_mapped(const struct event *event)
{
	const char *name = strrchr(event->path, '/') + 1;

	is_mapped[0] |= strcmp(name, "first") == 0;
	is_mapped[1] |= strcmp(name, "second") == 0;
	n_others += strcmp(name, "excluded") == 0;
	ck_assert_ptr_nonnull(event->id);
}

/* Those who wait at the first gate leave others behind when as many as can be were seen, and these end when
 * one of them was. */
static void note_child(pid_t pid)
{
	for (size_t i = 0; i < n_seen_children; i++)
		if (seen_children[i] == pid)
			return;
	ck_assert_uint_lt(n_seen_children, 4 * N_CHILDREN);
	seen_children[n_seen_children++] = pid;
	if (n_seen_children == N_LOOKED_AT)
		release("replace-gate");
	if (n_seen_children == N_LOOKED_AT + 1)
		release("end-gate");
}

static int note(const struct event *event, void *context)
{
	static const char *const gates[] = { "first-gate", "second-gate" };

	ck_assert_ptr_eq(context, &onlooker);
	/* The first one is announced, without a task. */
	if (event->kind == EVENT_EXECED && first_pid == 0)
		first_pid = event->pid;
	n_execed += event->kind == EVENT_EXECED && event->tid != 0;
	if (event->kind == EVENT_MAPS_BEGIN)
		is_mapped[0] = is_mapped[1] = false;
	if (event->kind == EVENT_MAPPED)
		note_mapped(event);
	for (int i = 0; event->kind == EVENT_TICK && !keeps_gates_shut && i < 2; i++) {
		if (!is_mapped[i])
			continue;
		told_pid[i] = event->pid;
		told_space[i] = event->space;
		release(gates[i]);
	}
	if (event->kind == EVENT_TICK && event->pid != first_pid)
		note_child(event->pid);
	n_opened += event->kind == EVENT_OPENED;
	n_read_bytes += event->kind == EVENT_READ ? (size_t)event->n_bytes : 0;
	if (event->kind == EVENT_TOUCHED) {
		n_touched_bytes += event->end - event->start;
		n_huge_bytes += event->flags & EVENT_IS_HUGE ? event->end - event->start : 0;
		touched_space = event->space;
	}
	n_marked += event->kind == EVENT_EXECING && event->tid == 0;
	n_left += event->kind == EVENT_LEFT && event->space > 1;
	return emit_result;
}

static int map(const char *name)
{
	cleanup_close int fd = open(name, O_RDONLY | O_CLOEXEC);
	const volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return 1;
	(void)map[0];
	return TARGET_STATUS;
}

static int map_first(void)
{
	int r = map("first");

	await("first-gate");
	return r;
}

static int map_second(void)
{
	int r = map("second");

	await("second-gate");
	return r;
}

static int map_first_and_exec(void)
{
	if (map_first() == TARGET_STATUS)
		target_exec("map_second");
	return 1;
}

static int map_second_in_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(map_second());
	return map_first() == TARGET_STATUS ? target_await(pid) : 1;
}

static int map_excluded_too(void)
{
	return map("excluded") == TARGET_STATUS ? map_first() : 1;
}

static int hide(void)
{
	return prctl(PR_SET_DUMPABLE, 0) == 0 ? TARGET_STATUS : 1;
}

static int replace_children(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return 1;
	for (int i = 0; i < N_CHILDREN; i++) {
		if (fork() != 0)
			continue;
		await("replace-gate");
		if (fork() == 0)
			await("end-gate");
		_exit(0);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return TARGET_STATUS;
}

static const struct target targets[] = {
	{ "replace_children", replace_children },
	{ "map_first", map_first },
	{ "map_second", map_second },
	{ "map_first_and_exec", map_first_and_exec },
	{ "map_second_in_child", map_second_in_child },
	{ "map_excluded_too", map_excluded_too },
	{ "hide", hide },
};

static void set_up(void)
{
	scratch_enter();
	write_file("first", "x", 1, 0600);
	write_file("second", "x", 1, 0600);
	write_file("excluded", "x", 1, 0600);
	emit_result = 0;
	keeps_gates_shut = false;
}

static void tear_down(void)
{
	onlooker_release(&onlooker);
	scratch_leave();
}

/* Looks at a target from its beginning to its end. Returns what onlooker_run() did. */
static int look_at(const char *name, struct follow_options options)
{
	pid_t pid = target_fork(name, NULL);
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status = 0;

	options.emit = note;
	options.context = &onlooker;
	options.window_ms = options.window_ms ? options.window_ms : 60000;
	options.quiet_ms = options.quiet_ms ? options.quiet_ms : 60000;
	ck_assert_int_eq(onlooker_init(&onlooker, pid, pidfd, &options), 0);
	target_go();
	int r = onlooker_run(&onlooker);

	if (r != FOLLOW_ALL_GONE) {
		release("first-gate");
		release("second-gate");
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, TARGET_STATUS << 8);
	return r;
}

START_TEST(what_is_mapped_is_told)
{
	ck_assert_int_eq(look_at("map_first", (struct follow_options){ .mode = FOLLOW_EVERYBODY }),
			 FOLLOW_ALL_GONE);
	ck_assert_int_ne(told_pid[0], 0);
	ck_assert_int_eq(told_pid[0], first_pid);
	ck_assert_uint_eq(n_execed, 1);
	ck_assert_uint_gt(onlooker.start_ns, 0);
	ck_assert_uint_gt(onlooker.n_looks, 0);
}
END_TEST

START_TEST(what_is_news_is_said_by_who_is_told)
{
	emit_result = _i;
	ck_assert_int_eq(look_at("map_first", (struct follow_options){ .mode = FOLLOW_EVERYBODY }),
			 FOLLOW_ALL_GONE);
	ck_assert_int_eq(onlooker.state->last_new_ns > onlooker.start_ns, _i);
}
END_TEST

START_TEST(another_exec_is_another_address_space)
{
	ck_assert_int_eq(look_at("map_first_and_exec", (struct follow_options){ .mode = FOLLOW_EVERYBODY }),
			 FOLLOW_ALL_GONE);
	ck_assert_int_ne(told_pid[1], 0);
	ck_assert_int_eq(told_pid[1], told_pid[0]);
	ck_assert_uint_ne(told_space[1], told_space[0]);
	ck_assert_uint_eq(n_execed, 2);
	/* What was used before the exec is marked, without a look at what is there now. */
	ck_assert_uint_eq(n_marked, 1);
	ck_assert_uint_eq(n_left, 1);
}
END_TEST

START_TEST(children_are_looked_at)
{
	ck_assert_int_eq(look_at("map_second_in_child", (struct follow_options){ .mode = FOLLOW_EVERYBODY }),
			 FOLLOW_ALL_GONE);
	ck_assert_int_ne(told_pid[1], 0);
	ck_assert_int_ne(told_pid[1], told_pid[0]);
	ck_assert_int_eq(told_pid[0], first_pid);
}
END_TEST

/* Those that are gone count until the end of the look after. */
START_TEST(of_many_processes_some_are_looked_at)
{
	ck_assert_int_eq(look_at("replace_children", (struct follow_options){ .mode = FOLLOW_EVERYBODY }),
			 FOLLOW_ALL_GONE);
	ck_assert_uint_gt(n_seen_children, N_LOOKED_AT);
}
END_TEST

START_TEST(what_is_excluded_is_not_told)
{
	cleanup_with(exclusions_release) struct exclusions excluded = { 0 };

	ck_assert_int_eq(exclusions_add(&excluded, "excluded", NULL), 0);
	ck_assert_int_eq(look_at("map_excluded_too",
				 (struct follow_options){ .mode = FOLLOW_EVERYBODY, .excluded = &excluded }),
			 FOLLOW_ALL_GONE);
	ck_assert_int_ne(told_pid[0], 0);
	ck_assert_uint_eq(n_others, 0);
}
END_TEST

START_TEST(the_window_closes)
{
	ck_assert_int_eq(
		look_at("map_second", (struct follow_options){ .mode = FOLLOW_TO_EXIT, .window_ms = 20 }),
		FOLLOW_WINDOW_CLOSED);
	ck_assert_uint_eq(n_execed, 0);
}
END_TEST

START_TEST(without_news_the_window_closes_early)
{
	keeps_gates_shut = true;
	ck_assert_int_eq(
		look_at("map_second",
			(struct follow_options){ .mode = FOLLOW_EVERYBODY, .excluded = NULL, .quiet_ms = 1 }),
		FOLLOW_WINDOW_CLOSED);
}
END_TEST

START_TEST(an_error_ends_the_looks)
{
	emit_result = -ENOMEM;
	ck_assert_int_eq(look_at("map_second", (struct follow_options){ .mode = FOLLOW_EVERYBODY }), -ENOMEM);
}
END_TEST

START_TEST(who_hides_or_ends_early_is_not_seen)
{
	ck_assert_int_eq(look_at("hide", (struct follow_options){ .mode = FOLLOW_EVERYBODY }),
			 FOLLOW_ALL_GONE);
	ck_assert_int_eq(told_pid[0], 0);
}
END_TEST

/* As the agent does it. */
static void write_record(unsigned char *area, enum agent_kind kind, pid_t pid, const void *data, size_t size)
{
	struct agent_head *head = (void *)area;
	struct agent_record *record = (void *)(area + head->n_bytes);

	record->n_bytes = (uint32_t)(sizeof(*record) + size + 7) & ~7u;
	record->pid = pid;
	record->n_data = (uint32_t)size;
	memcpy(record + 1, data, size);
	record->kind = kind;
	head->n_bytes += record->n_bytes;
}

static void write_agents_records(int fd, pid_t pid, enum agent_kind maps_kind)
{
	const struct agent_pages pages[] = { { 0x10000, 0x11000, 0 },
					     { 0x12000, 0x11000, 0 },
					     { 0x11000, 0x12000, AGENT_PAGES_ARE_HUGE } };
	unsigned char *area = mmap(NULL, AGENT_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char maps[PATH_MAX + 128];
	struct stat st;

	ck_assert_ptr_ne(area, MAP_FAILED);
	ck_assert_int_eq(stat(scratch_path("excluded"), &st), 0);
	snprintf(maps, sizeof(maps), "10000-12000 r--p 00000000 %02x:%02x %lu    %s\n", major(st.st_dev),
		 minor(st.st_dev), (unsigned long)st.st_ino, scratch_path("excluded"));
	write_record(area, AGENT_PAGES, pid, pages, sizeof(pages)); /* of no maps: not heard */
	write_record(area, AGENT_OPENED, pid, scratch_path("second"), strlen(scratch_path("second")));
	write_record(area, AGENT_OPENED, pid, scratch_path("limit"), strlen(scratch_path("limit")));
	write_record(area, AGENT_OPENED, pid, scratch_path("large"), strlen(scratch_path("large")));
	write_record(area, AGENT_OPENED, pid, "second", 6);
	write_record(area, AGENT_OPENED, pid, "/proc/self/maps", 15);
	write_record(area, AGENT_OPENED, pid, "/\0x", 3);
	write_record(area, AGENT_OPENED, pid, "", 0);
	write_record(area, maps_kind, pid, maps, strlen(maps));
	write_record(area, AGENT_PAGES, pid + 1, pages, sizeof(pages)); /* somebody else's */
	write_record(area, AGENT_PAGES, pid, pages, sizeof(pages));
	munmap(area, AGENT_LOG_BYTES);
}

static void make_sparse(const char *name, off_t size_bytes)
{
	write_file(name, "", 0, 0600);
	ck_assert_int_eq(truncate(name, size_bytes), 0);
}

START_TEST(what_an_agent_tells_is_told)
{
	enum { READ_WHOLE_BYTES = 1 << 20 }; /* of a larger file nobody knows which part was read */
	const struct follow_options options = { .mode = FOLLOW_EVERYBODY,
						.window_ms = 60000,
						.quiet_ms = 60000,
						.emit = note,
						.context = &onlooker };
	pid_t pid = target_fork("map_first", NULL);
	int status = 0;

	make_sparse("limit", READ_WHOLE_BYTES);
	make_sparse("large", READ_WHOLE_BYTES + 1);
	ck_assert_int_eq(onlooker_init(&onlooker, pid, -1, &options), 0);
	int fd = -1;

	ck_assert_int_eq(onlooker_offer_agent(&onlooker, &fd), 0);
	write_agents_records(fd, pid, _i ? AGENT_EXEC_MAPS : AGENT_MAPS);
	close(fd);
	release("first-gate");
	target_go();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, TARGET_STATUS << 8);
	/* It has ended before anybody looked. */
	ck_assert_int_eq(onlooker_run(&onlooker), FOLLOW_ALL_GONE);
	ck_assert_uint_eq(n_opened, 3);
	ck_assert_uint_eq(n_read_bytes, READ_WHOLE_BYTES + 1);
	ck_assert_uint_eq(n_others, 1);
	ck_assert_uint_eq(n_touched_bytes, 0x2000);
	ck_assert_uint_eq(n_huge_bytes, 0x1000);
	/* Of all address spaces, how much of each was used is settled. */
	ck_assert_uint_eq(n_left, 1);
	ck_assert_uint_gt(touched_space, 1);
	ck_assert_int_eq(first_pid, pid);
	ck_assert_uint_eq(n_marked, _i ? 1 : 0);
	ck_assert_uint_eq(onlooker.flags,
			  _i ? ONLOOKER_HEARD_AGENT : ONLOOKER_HEARD_AGENT | ONLOOKER_SAW_END);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("onlooker");
	TCase *t = tcase_create("core");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, what_is_mapped_is_told);
	tcase_add_loop_test(t, what_is_news_is_said_by_who_is_told, 0, 2);
	tcase_add_test(t, another_exec_is_another_address_space);
	tcase_add_test(t, children_are_looked_at);
	tcase_add_test(t, of_many_processes_some_are_looked_at);
	tcase_add_test(t, what_is_excluded_is_not_told);
	tcase_add_test(t, the_window_closes);
	tcase_add_test(t, without_news_the_window_closes_early);
	tcase_add_test(t, an_error_ends_the_looks);
	tcase_add_test(t, who_hides_or_ends_early_is_not_seen);
	tcase_add_loop_test(t, what_an_agent_tells_is_told, 0, 2);
	suite_add_tcase(s, t);
	return run_suite(s);
}
