/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
/* wraps: detach_is_sanitized */
#include "trace/follow.h"

#include <poll.h>
#include <sys/syscall.h>

#include "target.h"
#include "unsanitized.h"

/* The events of a launch, as they came. */
struct told {
	enum event_kind kind;
	unsigned int flags;
	pid_t pid;
	uint32_t space;
	char name[32]; /* the last part of the path */
};

enum { MAX_TOLD = 16384 };

static struct told told[MAX_TOLD];
static size_t n_told;
static struct follow follow;
static int emit_result;
static enum follow_cost cost;
static uint32_t known_us; /* so long the program takes alone, as far as is known */
static bool (*is_known)(const char *path, const void *known);
/* Called with each event. */
static void (*on_event)(const struct event *event);

static int note(const struct event *event, void *context)
{
	const char *name = event->path ? strrchr(event->path, '/') + 1 : "";

	ck_assert_ptr_eq(context, told);
	ck_assert_uint_lt(n_told, MAX_TOLD);
	told[n_told] = (struct told){ event->kind, event->flags, event->pid, event->space, "" };
	snprintf(told[n_told++].name, sizeof(told[0].name), "%s", name);
	if (on_event)
		on_event(event);
	return emit_result;
}

static enum follow_threads threads;

static void set_up(void)
{
	scratch_enter();
	write_file("file", "0123456789", 10, 0644);
	n_told = 0;
	emit_result = 0;
	on_event = NULL;
	cost = FOLLOW_AT_ANY_COST;
	known_us = 0;
	is_known = NULL;
	threads = FOLLOW_THREADS_FROM_BIRTH;
}

static void tear_down(void)
{
	follow_release(&follow);
	scratch_leave();
}

static pid_t attach(const char *name, enum follow_mode mode)
{
	struct follow_options options = {
		.mode = mode,
		.window_ms = 60000,
		.quiet_ms = 60000,
		.cost = cost,
		.known_us = known_us,
		.threads = threads,
		.is_known = is_known,
		.known = told,
		.emit = note,
		.context = told,
	};
	pid_t pid = target_fork(name, NULL);

	ck_assert_int_eq(follow_attach(&follow, pid, &options), 0);
	return pid;
}

/* The first such event from the one with number from on. The number; n_told: there is none. */
static size_t find(size_t from, enum event_kind kind, const char *name)
{
	while (from < n_told && (told[from].kind != kind || strcmp(told[from].name, name) != 0))
		from++;
	return from;
}

static size_t assert_told(size_t from, enum event_kind kind, const char *name)
{
	size_t found = find(from, kind, name);

	ck_assert_msg(found < n_told, "no event %d of \"%s\"", kind, name);
	return found;
}

static int use_files(void)
{
	char byte;
	int fd = open("file", O_RDONLY | O_CLOEXEC);

	return read(fd, &byte, 1) == 1 && access("missing", F_OK) != 0 ? TARGET_STATUS : 1;
}

START_TEST(events_come_in_order)
{
	pid_t pid = attach("use_files", FOLLOW_EVERYBODY);

	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert_int_eq(told[0].kind, EVENT_EXECED);
	ck_assert_int_eq(told[0].pid, pid);
	ck_assert_int_eq(told[1].kind, EVENT_MAPS_BEGIN);
	size_t i = assert_told(0, EVENT_MAPPED, "check_follow");

	i = assert_told(i, EVENT_MAPS_END, "");
	i = assert_told(i, EVENT_OPENED, "file");
	ck_assert_uint_eq(told[i].flags, 0);
	i = assert_told(i, EVENT_READ, "file");
	i = assert_told(i, EVENT_LOOKED_UP, "missing");
	ck_assert_uint_eq(told[i].flags, EVENT_IS_MISSING);
	i = assert_told(i, EVENT_EXITING, "");
	ck_assert_int_eq(told[i + 1].kind, EVENT_LEFT);
	ck_assert_uint_eq(told[i + 1].space, told[0].space);
	ck_assert_uint_eq(n_told, i + 2);
	ck_assert_int_eq(follow.phase, FOLLOW_MAIN_HELD);
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
	ck_assert_int_eq(follow.phase, FOLLOW_MAIN_GONE);
	ck_assert_uint_eq(n_told, i + 2);
}
END_TEST

static int fork_and_exec(void)
{
	pid_t pid = fork();

	if (pid == 0)
		target_exec("use_files");
	return target_await(pid);
}

START_TEST(each_address_space_comes_and_goes)
{
	pid_t pid = attach("fork_and_exec", FOLLOW_EVERYBODY);
	size_t n_spaces = 0;

	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	for (size_t i = 0; i < n_told; i++) {
		if (told[i].kind != EVENT_EXECED && told[i].kind != EVENT_FORKED)
			continue;
		n_spaces++;
		ck_assert_uint_eq(told[i].space, n_spaces);
		ck_assert_int_eq(told[i].pid == pid, n_spaces == 1);
		size_t left = i;

		while (left < n_told && (told[left].kind != EVENT_LEFT || told[left].space != n_spaces))
			left++;
		ck_assert_uint_lt(left, n_told);
	}
	ck_assert_uint_eq(n_spaces, 3);
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}
END_TEST

START_TEST(who_takes_events_may_end_it)
{
	attach("use_files", FOLLOW_EVERYBODY);
	emit_result = -ENOMEM;
	target_go();
	ck_assert_int_eq(follow_run(&follow), -ENOMEM);
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

/* The state of a task as proc_pid_stat(5) names it; 0: it is not there. */
static char state_of(pid_t pid, pid_t tid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strrchr(text, ')')[2];
}

/* Waits until a task is in that state. False: it did not come to it in ten seconds. */
static bool await_state(pid_t pid, pid_t tid, char state)
{
	for (int i = 0; i < 10000 && state_of(pid, tid) != state; i++)
		(void)poll(NULL, 0, 1);
	return state_of(pid, tid) == state;
}

static void *end_all(void *unused)
{
	(void)unused;
	while (access("go", F_OK) != 0)
		(void)poll(NULL, 0, 1);
	if (!await_state(getpid(), getpid(), 't'))
		_exit(1);
	_exit(TARGET_STATUS);
}

/* The leader stands at its exit when another thread ends them all. */
static int leader_exits_first(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_all, NULL) != 0)
		return 1;
	if (mkdir("ready", 0700) < 0)
		return 1;
	while (access("go", F_OK) != 0)
		(void)poll(NULL, 0, 1);
	(void)syscall(SYS_exit, 0);
	return 1;
}

static pid_t other_thread_of(pid_t pid)
{
	char path[64];

	for (pid_t tid = pid + 1; tid < pid + 1000; tid++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (access(path, F_OK) == 0)
			return tid;
	}
	return 0;
}

/* While this takes its time, the leader is killed where it stands, and the thread comes to its exit. */
static void take_time(const struct event *event)
{
	pid_t thread = 0;

	if (event->kind != EVENT_TICK || access("ready", F_OK) != 0)
		return;
	on_event = NULL;
	write_file("go", "", 0, 0644);
	ck_assert(await_state(event->pid, event->pid, 'Z'));
	for (int i = 0; i < 10000 && !thread; i++)
		thread = other_thread_of(event->pid);
	ck_assert(await_state(event->pid, thread, 't'));
}

START_TEST(the_end_is_seen_though_the_last_was_not)
{
	pid_t pid = attach("leader_exits_first", FOLLOW_PAGES);

	on_event = take_time;
	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert_int_eq(state_of(pid, pid), 'Z');
	assert_told(0, EVENT_EXITING, "");
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}
END_TEST

enum { N_SHORT_THREADS = 50 };

static void *do_nothing(void *unused)
{
	return unused;
}

static void *await_and_end(void *unused)
{
	(void)unused;
	if (!await_state(getpid(), getpid(), 'Z'))
		_exit(1);
	_exit(TARGET_STATUS);
}

static void *end_at_once(void *unused)
{
	(void)unused;
	_exit(TARGET_STATUS);
}

static int make_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < N_SHORT_THREADS; i++)
		if (pthread_create(&thread, NULL, do_nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
			return 1;
	return TARGET_STATUS;
}

/* The leader calls exit(2) for itself, and the last thread exit_group(2). */
static int leave_threads_behind(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, await_and_end, NULL) != 0)
		return 1;
	pthread_exit(NULL);
}

/* A thread ends its process while the leader waits. */
static int end_by_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_at_once, NULL) == 0)
		(void)pthread_join(thread, NULL);
	return 1;
}

/* Stops: the exec, and exits; of a thread only if it happened to live when threads were looked for. */
START_TEST(nobody_stops_for_the_births_of_threads)
{
	static const char *const names[] = { "make_threads", "leave_threads_behind", "end_by_a_thread" };

	threads = FOLLOW_THREADS_LATER;
	attach(names[_i], FOLLOW_PAGES);
	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert_uint_lt(follow.n_stops, N_SHORT_THREADS);
	assert_told(0, EVENT_EXITING, "");
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}
END_TEST

static size_t count_told(enum event_kind kind, const char *name)
{
	size_t n = 0;

	for (size_t i = find(0, kind, name); i < n_told; i = find(i + 1, kind, name))
		n++;
	return n;
}

enum { N_NAMES = 20000 };

static int look_up_many(void)
{
	for (int i = 0; i < N_NAMES; i++)
		if (access("missing", F_OK) == 0)
			return 1;
	return TARGET_STATUS;
}

START_TEST(names_alone_are_not_followed_for_ever)
{
	cost = FOLLOW_WITHIN_BUDGET;
	attach("look_up_many", FOLLOW_EVERYBODY);
	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert(follow.cuts & (FOLLOW_CUT_NAMES | FOLLOW_CUT_PROGRAM));
	ck_assert_uint_lt(count_told(EVENT_LOOKED_UP, "missing"), N_NAMES);
	assert_told(0, EVENT_EXITING, "");
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}
END_TEST

/* Many cheap calls, and among them so many that use a file that it is not only names that cost. */
static int open_file_between_calls(int n_rounds)
{
	for (int i = 0; i < n_rounds; i++) {
		int fd = open("file", O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return 1;
		close(fd);
		for (int k = 0; k < 50; k++)
			(void)getppid();
	}
	return TARGET_STATUS;
}

enum { N_OWN_ROUNDS = 2000, N_ROUNDS = 200, N_CHILDREN = 20 };

static int call_often(void)
{
	return open_file_between_calls(N_OWN_ROUNDS);
}

static int call_often_in_child(void)
{
	return open_file_between_calls(N_ROUNDS);
}

START_TEST(a_program_that_costs_too_much_goes_on_without_stops)
{
	cost = FOLLOW_WITHIN_BUDGET;
	attach("call_often", FOLLOW_EVERYBODY);
	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert(follow.cuts & FOLLOW_CUT_PROGRAM);
	ck_assert_uint_lt(count_told(EVENT_OPENED, "file"), N_OWN_ROUNDS);
	/* Its pages are looked at all the same. */
	size_t i = find(0, EVENT_EXITING, "");

	ck_assert_uint_lt(i, n_told);
	ck_assert_int_eq(told[i - 1].kind, EVENT_MAPS_END);
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}
END_TEST

static int run_children(void)
{
	for (int i = 0; i < N_CHILDREN; i++) {
		pid_t pid = fork();

		if (pid == 0)
			target_exec("call_often_in_child");
		if (target_await(pid) != TARGET_STATUS)
			return 1;
	}
	return access("missing", F_OK) != 0 ? TARGET_STATUS : 1;
}

START_TEST(children_that_cost_too_much_run_untraced)
{
	cost = FOLLOW_WITHIN_BUDGET;
	attach("run_children", FOLLOW_EVERYBODY);
	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert_uint_eq(follow.cuts, FOLLOW_CUT_CHILDREN);
	ck_assert_uint_lt(count_told(EVENT_OPENED, "file"), N_CHILDREN * N_ROUNDS);
	assert_told(0, EVENT_LOOKED_UP, "missing"); /* the program itself is still followed */
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}
END_TEST

static bool is_use_files(const char *path, const void *known)
{
	ck_assert_ptr_eq(known, told);
	return strcmp(strrchr(path, '/'), "/use_files") == 0;
}

/* It is an argument of the program that the child executes. */
START_TEST(children_that_name_what_is_known_run_untraced)
{
	cost = FOLLOW_WITHIN_BUDGET;
	/* What it costs, on however slow a machine, is no reason to cut anything. */
	known_us = 60 * 1000 * 1000;
	is_known = is_use_files;
	attach("fork_and_exec", FOLLOW_EVERYBODY);
	target_go();
	ck_assert_int_eq(follow_run(&follow), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(follow.wait_status, TARGET_STATUS << 8);
	ck_assert_uint_eq(follow.cuts, FOLLOW_SKIPPED_KNOWN);
	ck_assert_uint_eq(find(0, EVENT_OPENED, "file"), n_told);
	ck_assert_int_eq(follow_run(&follow), FOLLOW_ALL_GONE);
}
END_TEST

static const struct target targets[] = {
	{ "look_up_many", look_up_many },
	{ "call_often", call_often },
	{ "call_often_in_child", call_often_in_child },
	{ "run_children", run_children },
	{ "use_files", use_files },
	{ "fork_and_exec", fork_and_exec },
	{ "leader_exits_first", leader_exits_first },
	{ "make_threads", make_threads },
	{ "leave_threads_behind", leave_threads_behind },
	{ "end_by_a_thread", end_by_a_thread },
};

int main(int argc, char **argv)
{
	Suite *s = suite_create("follow");
	TCase *t = tcase_create("core");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, events_come_in_order);
	tcase_add_test(t, names_alone_are_not_followed_for_ever);
	tcase_add_test(t, a_program_that_costs_too_much_goes_on_without_stops);
	tcase_add_test(t, children_that_cost_too_much_run_untraced);
	tcase_add_test(t, children_that_name_what_is_known_run_untraced);
	tcase_add_test(t, each_address_space_comes_and_goes);
	tcase_add_test(t, who_takes_events_may_end_it);
	tcase_add_test(t, the_end_is_seen_though_the_last_was_not);
	tcase_add_loop_test(t, nobody_stops_for_the_births_of_threads, 0, 3);
	suite_add_tcase(s, t);
	return run_suite(s);
}
