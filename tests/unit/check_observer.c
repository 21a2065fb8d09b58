/* wraps: detach_is_sanitized */
#include "observer.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "target.h"
#include "unsanitized.h"

#define PROGRAM "/the/program"

static int touch_and_end(void)
{
	cleanup_close int fd = open("mapped", O_RDONLY | O_CLOEXEC);
	const volatile char *map = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return 1;
	(void)map[0];
	return TARGET_STATUS;
}

static const struct target targets[] = { { "touch_and_end", touch_and_end } };

/* What the observer says of itself. */
struct report {
	pid_t pid;
	pid_t parent;
	pid_t session;
	bool has_stray_fd;
	bool has_null;
	bool is_reset;
	unsigned long fd_table_size;
	char directory[PATH_MAX];
};

static struct report describe(int stray_fd)
{
	struct report report = { .pid = getpid(), .parent = getppid(), .session = getsid(0) };
	struct sigaction action;
	struct stat null_st, st;
	sigset_t mask;

	report.has_stray_fd = fcntl(stray_fd, F_GETFD) >= 0;
	report.has_null = stat("/dev/null", &null_st) == 0;
	for (int fd = 0; fd < 3; fd++)
		report.has_null &= fstat(fd, &st) == 0 && st.st_rdev == null_st.st_rdev;
	report.is_reset = sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_DFL &&
			  sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGTERM);
	report.fd_table_size = fd_table_size();
	(void)!getcwd(report.directory, sizeof(report.directory));
	return report;
}

START_TEST(the_observer_is_apart)
{
	struct observer_link link = { .fd = -1 };
	struct report report;
	struct rlimit limit;
	sigset_t mask;
	int fds[2], stray_fd = open("/dev/zero", O_RDONLY);

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	signal(SIGINT, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	const int kept[] = { -1, fds[1] };
	int role = observer_fork(kept, 2, &link);

	if (role == OBSERVER_OBSERVER) {
		report = describe(stray_fd);
		(void)!write(fds[1], &report, sizeof(report));
		_exit(0);
	}
	ck_assert_int_eq(role, OBSERVER_LAUNCHER);
	ck_assert_int_eq(link.launcher_pid, getpid());
	ck_assert_int_eq(observer_await(&link), 0);
	ck_assert_int_eq(link.fd, -1);
	ck_assert_int_eq(read(fds[0], &report, sizeof(report)), sizeof(report));
	ck_assert_int_ne(report.pid, getpid());
	ck_assert_int_ne(report.parent, getpid());
	ck_assert_int_ne(report.session, getsid(0));
	ck_assert(!report.has_stray_fd);
	ck_assert(report.has_null);
	ck_assert(report.is_reset);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_ge(report.fd_table_size, limit.rlim_max < 1800 ? limit.rlim_max / 2 : 900);
	ck_assert_str_eq(report.directory, "/");
	/* No stranger for a child, no signal of one. */
	ck_assert_int_eq(waitpid(-1, NULL, __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(sigpending(&mask), 0);
	ck_assert(!sigismember(&mask, SIGCHLD));
}
END_TEST

/* Meanwhile it is not given them. */
START_TEST(who_is_given_orphans_meets_no_observer)
{
	struct observer_link link = { .fd = -1 };
	int is_subreaper = 0;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	if (observer_fork(NULL, 0, &link) == OBSERVER_OBSERVER)
		_exit(link.kinship == OBSERVER_ORPHAN ? 0 : 1);
	ck_assert_int_eq((int)link.kinship, OBSERVER_ORPHAN);
	ck_assert_int_eq(observer_await(&link), 0);
	ck_assert_int_eq(waitpid(-1, NULL, __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper), 0);
	ck_assert_int_eq(is_subreaper, 1);
}
END_TEST

/* One that ends by itself, and one that does not. */
START_TEST(who_has_children_whose_orphans_it_is_given_is_alone_with_them_again)
{
	struct observer_link link = { .fd = -1 };
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	if (observer_fork(NULL, 0, &link) == OBSERVER_OBSERVER)
		for (;;)
			_i ? (void)pause() : _exit(0);
	ck_assert_int_eq((int)link.kinship, OBSERVER_BRIEF);
	ck_assert_int_eq(observer_await(&link), 0);
	ck_assert_int_eq(kill(link.child_pid, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(-1, NULL, __WALL), child);
	ck_assert_int_eq(waitpid(-1, NULL, __WALL), -1);
}
END_TEST

static void send_account(const struct account *account, void *context)
{
	(void)!write(*(int *)context, account, sizeof(*account));
}

/* A launch of the target, whose launcher waits for the observer, or is gone on before the observer even
 * begins. Returns what came of it. */
static struct account run_if(bool waits, struct observer_options options)
{
	struct account account = { 0 };
	struct shadowdb db = { 0 };
	int fds[2], gate[2], status = 0;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	ck_assert_int_eq(shadowdb_open(&db, scratch_path("shadows"), NULL), 0);
	ck_assert_int_eq(shadowdb_prepare(&db, 0), 0);
	options.db = &db;
	options.program = PROGRAM;
	options.profile = "";
	options.window_ms = 60000;
	pid_t pid = fork();

	if (pid == 0) {
		struct observer_link link = { .fd = -1 };
		const int kept[] = { db.dir_fd, fds[1], gate[0] };

		if (observer_fork(kept, sizeof(kept) / sizeof(kept[0]), &link) == OBSERVER_OBSERVER) {
			if (!waits)
				(void)!read(gate[0], &status, 1);
			observer_run(&link, &options, send_account, &fds[1]);
		}
		if (waits)
			(void)!observer_await(&link);
		target_exec("touch_and_end"); /* which closes link.fd and gate[1] */
	}
	close(gate[0]);
	close(gate[1]);
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, TARGET_STATUS << 8);
	ck_assert_int_eq(read(fds[0], &account, sizeof(account)), sizeof(account));
	/* Told once, and the observer goes away. */
	ck_assert_int_eq(read(fds[0], &status, 1), 0);
	close(fds[0]);
	shadowdb_release(&db);
	return account;
}

/* The launcher had waited for OBSERVER_PATIENCE_MS, on a busy machine, and went on alone. */
static bool was_too_late(const struct account *account)
{
	return account->record.attach_error == -ESRCH ||
	       strstr(account->record.choice.reason, "the program did not wait");
}

static struct account run(struct observer_options options)
{
	struct account account;
	int attempts = 10;

	do
		account = run_if(true, options);
	while (was_too_late(&account) && --attempts > 0);
	return account;
}

/* 0 or -errno; a shadow is to be released. */
static int load(struct shadow *shadow)
{
	struct shadowdb db = { 0 };
	cleanup_free char *path = NULL;

	ck_assert_int_eq(shadowdb_open(&db, scratch_path("shadows"), NULL), 0);
	int r = shadowdb_load(&db, PROGRAM, "", shadow, &path);

	shadowdb_release(&db);
	return r;
}

static void set_up(void)
{
	scratch_enter();
	write_file("mapped", "x", 1, 0600);
}

START_TEST(a_launch_is_remembered)
{
	struct shadow shadow;
	struct account account = run((struct observer_options){ .requested = POLICY_TRAIN });

	ck_assert_int_eq((int)account.record.choice.mode, POLICY_TRAIN);
	ck_assert_int_eq(account.record.attach_error, 0);
	ck_assert_int_eq(account.record.update_error, 0);
	ck_assert_int_ne((int)account.progress, ACCOUNT_UNSEEN);
	ck_assert_int_eq((int)account.progress, ACCOUNT_ENDED);
	ck_assert_int_eq(account.launch.wait_status, TARGET_STATUS << 8);
	ck_assert_uint_gt(account.record.n_pages, 0);
	ck_assert_int_eq(load(&shadow), 0);
	ck_assert_uint_eq(shadow.stats.trained_runs, 1);
	ck_assert_ptr_nonnull(pageset_find(&shadow.files, scratch_path("mapped")));
	ck_assert_uint_eq(pageset_file_pages(pageset_find(&shadow.files, scratch_path("mapped"))), 1);

	/* And used: nothing of it has changed, so the next one is a sample. */
	account = run((struct observer_options){ .shadow = &shadow, .prefetch = OBSERVER_REPLAYS });
	ck_assert_int_eq((int)account.record.choice.mode, POLICY_SAMPLE);
	ck_assert_int_eq((int)account.shadow, ACCOUNT_SHADOW_FRESH);
	shadow_release(&shadow);
	ck_assert_int_eq(load(&shadow), 0);
	ck_assert_uint_eq(shadow.stats.runs, 2);
	ck_assert_uint_eq(shadow.stats.trained_runs, 1);
	shadow_release(&shadow);
}
END_TEST

START_TEST(unasked_nothing_is_remembered)
{
	struct shadow shadow;
	struct account account = run((struct observer_options){
		.requested = POLICY_NONE, .audience = _i ? OBSERVER_HEARD : OBSERVER_UNHEARD });

	ck_assert_int_eq((int)account.progress, _i ? ACCOUNT_ENDED : ACCOUNT_UNSEEN);
	ck_assert_int_eq(account.launch.wait_status, _i ? TARGET_STATUS << 8 : 0);
	ck_assert_uint_eq(account.record.n_files, 0);
	ck_assert_int_eq(load(&shadow), -ENOENT);
}
END_TEST

START_TEST(who_runs_already_is_not_attached_to)
{
	struct shadow shadow;
	struct account account = run_if(false, (struct observer_options){ .requested = POLICY_TRAIN });

	ck_assert_int_eq((int)account.record.choice.mode, POLICY_NONE);
	ck_assert_int_eq((int)account.progress, ACCOUNT_UNSEEN);
	ck_assert_int_eq(account.record.attach_error, 0);
	ck_assert_int_eq(load(&shadow), -ENOENT);
}
END_TEST

START_TEST(who_must_not_be_traced_is_not)
{
	struct shadow shadow;
	struct account account = run((struct observer_options){
		.requested = POLICY_TRAIN, .must_not_attach = true, .audience = OBSERVER_HEARD });

	ck_assert_int_eq((int)account.progress, ACCOUNT_UNSEEN);
	ck_assert_int_eq(account.record.attach_error, 0);
	ck_assert_int_eq(load(&shadow), -ENOENT);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("observer");
	TCase *t = tcase_create("core");

	target_main(targets, sizeof(targets) / sizeof(targets[0]), argc, argv);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, scratch_leave);
	tcase_add_test(t, the_observer_is_apart);
	tcase_add_test(t, who_is_given_orphans_meets_no_observer);
	tcase_add_loop_test(t, who_has_children_whose_orphans_it_is_given_is_alone_with_them_again, 0, 2);
	tcase_add_test(t, a_launch_is_remembered);
	tcase_add_loop_test(t, unasked_nothing_is_remembered, 0, 2);
	tcase_add_test(t, who_must_not_be_traced_is_not);
	tcase_add_test(t, who_runs_already_is_not_attached_to);
	suite_add_tcase(s, t);
	return run_suite(s);
}
