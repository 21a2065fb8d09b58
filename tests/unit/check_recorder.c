/* No thread sanitizer: it adds a thread to the program that is watched, which is this one. */
/* wraps: detach_is_sanitized */
#include "recorder.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "recorded.h"
#include "unsanitized.h"

static struct recorder recorder;
static bool is_exact; /* page by page, on this kernel */

static void set_up(void)
{
	cleanup_free char *data = calloc(TOUCHED_PAGES, page_bytes());

	scratch_enter();
	ck_assert_ptr_nonnull(data);
	write_file("mapped", data, TOUCHED_PAGES * page_bytes(), 0644);
	write_file("read", data, TOUCHED_PAGES * page_bytes(), 0644);
}

static void tear_down(void)
{
	recorder_release(&recorder);
	scratch_leave();
}

static pid_t start(const char *name, enum follow_mode mode, uint32_t window_ms)
{
	struct follow_options options = { .mode = mode, .window_ms = window_ms, .quiet_ms = 60000 };
	pid_t pid = target_fork(name, NULL);

	ck_assert_int_eq(recorder_attach(&recorder, pid, &options), 0);
	return pid;
}

/* The whole life of a target and those it leaves. */
static void watch(const char *name, enum follow_mode mode)
{
	start(name, mode, 60000);
	target_go();
	ck_assert_int_eq(recorder_run(&recorder), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(recorder.follow.phase, FOLLOW_MAIN_HELD);
	ck_assert_int_eq(recorder_run(&recorder), FOLLOW_ALL_GONE);
}

static struct pageset_file *seen(const char *name)
{
	return pageset_find(&recorder.record.seen, scratch_path(name));
}

static void assert_one_page_seen(uint64_t page)
{
	struct pageset_file *file = seen("mapped");

	ck_assert_ptr_nonnull(file);
	ck_assert(file->access & PAGESET_MAPPED);
	ck_assert(pageset_file_has(file, page));
	if (is_exact) {
		ck_assert(file->exact);
		ck_assert_uint_eq(pageset_file_pages(file), 1);
	}
}

/* Where the page is touched, and by whom. */
START_TEST(training_sees_the_page)
{
	static const char *const names[] = { "touch_one",      "touch_in_child", "leader_exits_first",
					     "share_and_exit", "share_and_wait", "make_sibling",
					     "vfork_and_exec" };

	watch(names[_i], FOLLOW_EVERYBODY);
	ck_assert_int_eq(recorder.follow.wait_status, TARGET_STATUS << 8);
	ck_assert(!recorder.follow.was_polite);
	assert_one_page_seen(20);
}
END_TEST

START_TEST(training_sees_reads_and_lookups)
{
	watch("touch_and_read", FOLLOW_EVERYBODY);
	assert_one_page_seen(20);
	ck_assert_ptr_nonnull(seen("read"));
	ck_assert_uint_eq(seen("read")->access, PAGESET_READ | PAGESET_OPENED);
	ck_assert_uint_eq(pageset_file_pages(seen("read")), 1);
	ck_assert(pageset_file_has(seen("read"), 3));
	ck_assert_ptr_nonnull(seen("missing"));
	ck_assert_uint_eq(seen("missing")->access, PAGESET_MISSING);
}
END_TEST

START_TEST(training_sees_what_was_before_an_exec)
{
	static const char *const names[] = { "touch_then_exec", "thread_execs" };

	watch(names[_i], FOLLOW_EVERYBODY);
	ck_assert_int_eq(recorder.follow.wait_status, TARGET_STATUS << 8);
	ck_assert(pageset_file_has(seen("mapped"), 20));
	ck_assert(pageset_file_has(seen("mapped"), 40));
	ck_assert(seen("mapped")->access & PAGESET_BEFORE_EXEC);
	ck_assert(!is_exact || pageset_file_pages(seen("mapped")) == 2);
}
END_TEST

static void assert_read_from_the_right_file(void)
{
	ck_assert_int_eq(recorder.follow.wait_status, TARGET_STATUS << 8);
	ck_assert_uint_eq(pageset_file_pages(seen("read")), 1);
	ck_assert(seen("mapped")->access & PAGESET_READ);
	ck_assert(pageset_file_has(seen("mapped"), 3));
}

START_TEST(descriptors_may_be_changed_by_others)
{
	static const char *const names[] = { "share_descriptors", "share_descriptors_with_sibling" };

	watch(names[_i], FOLLOW_EVERYBODY);
	assert_read_from_the_right_file();
}
END_TEST

/* For this process, that follows, but not for the target that it has already. */
static void take_kcmp_away(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kcmp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	ck_assert_int_eq(syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0), -1);
}

/* Who shares what is not known then. What is read or touched is found all the same, and in the right file. */
START_TEST(without_kcmp_nothing_is_taken_for_anothers)
{
	static const char *const names[] = { "share_descriptors", "share_descriptors_with_sibling",
					     "touch_in_child",    "share_and_wait",
					     "share_and_exit",    "vfork_and_exec" };

	start(names[_i / 2], FOLLOW_EVERYBODY, 60000);
	take_kcmp_away(_i % 2 ? ENOSYS : EPERM);
	target_go();
	ck_assert_int_eq(recorder_run(&recorder), FOLLOW_MAIN_EXITING);
	ck_assert_int_eq(recorder_run(&recorder), FOLLOW_ALL_GONE);
	ck_assert_int_eq(recorder.follow.wait_status, TARGET_STATUS << 8);
	if (_i / 2 < 2)
		assert_read_from_the_right_file();
	else
		ck_assert(pageset_file_has(seen("mapped"), 20));
}
END_TEST

START_TEST(sampling_sees_the_page)
{
	static const char *const names[] = { "touch_one", "leader_exits_first" };

	watch(names[_i], FOLLOW_PAGES);
	ck_assert_int_eq(recorder.follow.wait_status, TARGET_STATUS << 8);
	ck_assert_ptr_nonnull(seen("mapped"));
	ck_assert(pageset_file_has(seen("mapped"), 20));
	ck_assert(!seen("mapped")->exact);
}
END_TEST

START_TEST(sampling_lets_children_run)
{
	static const char *const names[] = { "touch_in_child", "vfork_and_exec", "make_sibling" };

	watch(names[_i], FOLLOW_PAGES);
	ck_assert_int_eq(recorder.follow.wait_status, TARGET_STATUS << 8);
}
END_TEST

START_TEST(who_only_waits_sees_nothing)
{
	watch("touch_one", FOLLOW_TO_EXIT);
	ck_assert_int_eq(recorder.follow.wait_status, TARGET_STATUS << 8);
	ck_assert_uint_eq(recorder.record.seen.n_files, 0);
}
END_TEST

START_TEST(the_killed_are_seen_too)
{
	watch("kill_itself", FOLLOW_EVERYBODY);
	ck_assert_int_eq(recorder.follow.wait_status, SIGKILL);
	assert_one_page_seen(20);
}
END_TEST

/* What it maps is found, but not exactly; what it reads, when it is brought back. */
START_TEST(who_is_idle_runs_without_stops)
{
	watch("talk_then_use", FOLLOW_EVERYBODY);
	ck_assert_uint_lt(recorder.follow.n_stops, 100000);
	ck_assert(pageset_file_has(seen("mapped"), 20));
	ck_assert(!seen("mapped")->exact);
	ck_assert(pageset_file_has(seen("read"), 3));
	ck_assert_uint_eq(seen("missing")->access, PAGESET_MISSING);
}
END_TEST

START_TEST(what_an_idle_task_maps_for_others_is_found)
{
	watch("talk_in_shared_child", FOLLOW_EVERYBODY);
	ck_assert_uint_lt(recorder.follow.n_stops, 110000);
	ck_assert(pageset_file_has(seen("mapped"), 20));
}
END_TEST

/* Nothing is registered with a userfaultfd any more (proc_pid_smaps(5)). */
static void assert_disarmed(pid_t pid)
{
	char path[64], *line = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	FILE *smaps = fopen(path, "re");

	ck_assert_ptr_nonnull(smaps);
	while (getline(&line, &size, smaps) > 0)
		ck_assert(strncmp(line, "VmFlags:", 8) != 0 || !strstr(line, " uw"));
	free(line);
	(void)fclose(smaps);
}

static void assert_untraced(pid_t pid)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\nTracerPid:\t0\n"));
}

struct watched {
	const char *name;
	enum follow_mode mode;
	pid_t pid;
	int milestone;
};

/* A thread that detaches by its end. */
static void *follow_for_a_while(void *context)
{
	struct watched *self = context;

	self->pid = start(self->name, self->mode, 300);
	target_go();
	self->milestone = recorder_run(&recorder);
	return NULL;
}

/* The window closes over one that runs, and one that is stopped. */
START_TEST(in_the_end_everybody_is_detached_from)
{
	static const char *const names[] = { "do_nothing_for_long", "stop_itself" };
	enum follow_mode modes[] = { FOLLOW_EVERYBODY, FOLLOW_PAGES, FOLLOW_TO_EXIT };
	struct watched watched = { .name = names[_i % 2], .mode = modes[_i / 2] };
	pthread_t thread;
	sigset_t alarm_only;
	int status = 0;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &alarm_only, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, follow_for_a_while, &watched), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(watched.milestone, FOLLOW_WINDOW_CLOSED);
	pid_t pid = watched.pid;

	assert_untraced(pid);
	assert_disarmed(pid);
	if (modes[_i / 2] != FOLLOW_TO_EXIT)
		ck_assert(pageset_file_has(seen("mapped"), 20));
	if (_i % 2) {
		ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
		ck_assert(WIFSTOPPED(status));
		kill(pid, SIGCONT);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, TARGET_STATUS << 8);
	} else {
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
}
END_TEST

START_TEST(a_program_that_cannot_be_executed_was_not_started)
{
	struct follow_options options = { .mode = FOLLOW_EVERYBODY, .window_ms = 60000, .quiet_ms = 60000 };
	pid_t pid = target_fork("touch_one", NULL);

	ck_assert_int_eq(recorder_attach(&recorder, pid, &options), 0);
	close(target_go_fd);
	ck_assert_int_eq(recorder_run(&recorder), FOLLOW_ALL_GONE);
	ck_assert_int_eq(recorder.follow.phase, FOLLOW_BEFORE_EXEC);
	ck_assert_uint_eq(recorder.record.seen.n_files, 0);
}
END_TEST

/* Killed at any moment, it never holds anybody up. */
START_TEST(killed_at_any_moment)
{
	static const char *const names[] = { "touch_in_child", "thread_execs", "vfork_and_exec" };
	pid_t pid = start(names[_i % 3], FOLLOW_EVERYBODY, 60000);

	target_go();
	pid_t killer = fork();

	if (killer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		nanosleep(&(struct timespec){ .tv_nsec = _i * 300000L }, NULL);
		kill(pid, SIGKILL);
		_exit(0);
	}
	int milestone = recorder_run(&recorder);

	while (milestone == FOLLOW_MAIN_EXITING)
		milestone = recorder_run(&recorder);
	ck_assert_int_eq(milestone, FOLLOW_ALL_GONE);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("recorder");
	TCase *t = tcase_create("core");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	is_exact = can_test(can_be_exact(), "page by page (needs a kernel since 6.7)");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, training_sees_the_page, 0, 7);
	tcase_add_test(t, training_sees_reads_and_lookups);
	tcase_add_loop_test(t, training_sees_what_was_before_an_exec, 0, 2);
	tcase_add_loop_test(t, descriptors_may_be_changed_by_others, 0, 2);
	tcase_add_loop_test(t, without_kcmp_nothing_is_taken_for_anothers, 0, 12);
	tcase_add_loop_test(t, sampling_sees_the_page, 0, 2);
	tcase_add_loop_test(t, sampling_lets_children_run, 0, 3);
	tcase_add_test(t, who_only_waits_sees_nothing);
	tcase_add_test(t, the_killed_are_seen_too);
	tcase_add_loop_test(t, in_the_end_everybody_is_detached_from, 0, 6);
	tcase_add_test(t, a_program_that_cannot_be_executed_was_not_started);
	tcase_add_loop_test(t, killed_at_any_moment, 0, 30);
	suite_add_tcase(s, t);
	t = tcase_create("idle tasks");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, who_is_idle_runs_without_stops);
	tcase_add_test(t, what_an_idle_task_maps_for_others_is_found);
	suite_add_tcase(s, t);
	return run_suite(s);
}
