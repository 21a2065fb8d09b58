/* check_privs.c - what pbrun's own file grants is given up, and nothing else */
#include "sys/privs.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/xattr.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "support.h"

/*
 * Copies of this program, with a setuid bit or capabilities of their own, are run by an ordinary user.
 * "check_privs --drop" tells what it is before and after privs_drop_granted(). The kernel's own
 * structures rather than libcap, so that the test does not trust what it tests.
 */
enum { USER = 65534 };

struct state {
	uint32_t uids[3];
	uint32_t gids[3];
	uint64_t permitted;
	uint64_t effective;
	uint64_t inheritable;
	int is_dumpable;
	int can_regain; /* root again, or a capability again */
};

struct report {
	struct state before;
	struct state after;
	int result;
};

static int get_caps(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &header, data);
}

static int set_caps(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capset, &header, data);
}

static struct state current_state(void)
{
	struct __user_cap_data_struct caps[2];
	struct state state = { .is_dumpable = prctl(PR_GET_DUMPABLE) };

	if (getresuid(&state.uids[0], &state.uids[1], &state.uids[2]) != 0 ||
	    getresgid(&state.gids[0], &state.gids[1], &state.gids[2]) != 0 || get_caps(caps) != 0)
		_exit(1);
	state.permitted = caps[0].permitted | (uint64_t)caps[1].permitted << 32;
	state.effective = caps[0].effective | (uint64_t)caps[1].effective << 32;
	state.inheritable = caps[0].inheritable | (uint64_t)caps[1].inheritable << 32;
	return state;
}

static int report_drop(void)
{
	struct report report = { .before = current_state() };

	report.result = privs_drop_granted();
	report.after = current_state();
	report.after.can_regain =
		seteuid(0) == 0 || setegid(0) == 0 || prctl(PR_CAPBSET_DROP, CAP_SYSLOG) == 0;
	return write(STDOUT_FILENO, &report, sizeof(report)) == sizeof(report) ? 0 : 1;
}

static void copy_self(const char *path, mode_t mode)
{
	cleanup_close int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char buffer[65536];
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	ssize_t n;

	ck_assert(from >= 0 && to >= 0);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		ck_assert_int_eq(write(to, buffer, (size_t)n), n);
	ck_assert_int_eq(fchmod(to, mode), 0);
	ck_assert_int_eq(close(to), 0);
}

static void grant_file_caps(const char *path, uint32_t caps, bool is_effective)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | (is_effective ? VFS_CAP_FLAGS_EFFECTIVE : 0),
		.data = { { .permitted = caps } },
	};

	ck_assert_int_eq(setxattr(path, XATTR_NAME_CAPS, &data, sizeof(data), 0), 0);
}

static void become_user(void)
{
	if (setgroups(0, NULL) != 0 || setresgid(USER, USER, USER) != 0 || setresuid(USER, USER, USER) != 0)
		_exit(1);
}

/* An ordinary user whose caller gave it CAP_NET_RAW, as systemd's AmbientCapabilities= does. */
static void become_user_with_ambient(void)
{
	struct __user_cap_data_struct caps[2] = { { 0 } };

	caps[0].permitted = caps[0].effective = caps[0].inheritable = 1U << CAP_NET_RAW;
	if (prctl(PR_SET_KEEPCAPS, 1) != 0)
		_exit(1);
	become_user();
	if (set_caps(caps) != 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) != 0)
		_exit(1);
}

/* As under a set-user-ID program that starts others with its own effective ids. */
static void become_half_a_user(void)
{
	if (setgroups(0, NULL) != 0 || setresgid(USER, 0, 0) != 0 || setresuid(USER, 0, 0) != 0)
		_exit(1);
}

static void stay(void)
{
}

static struct report run_copy(const char *path, void (*become)(void))
{
	struct report report;
	int output[2], status;
	pid_t child;

	ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		dup2(output[1], STDOUT_FILENO);
		become();
		execl(path, path, "--drop", (char *)NULL);
		_exit(1);
	}
	close(output[1]);
	ck_assert_int_eq(read(output[0], &report, sizeof(report)), sizeof(report));
	close(output[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(report.result, 0);
	return report;
}

static void assert_ordinary_user(const struct state *state)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(state->uids[i], USER);
		ck_assert_uint_eq(state->gids[i], USER);
	}
	ck_assert_uint_eq(state->permitted, 0);
	ck_assert_uint_eq(state->effective, 0);
	ck_assert_int_eq(state->is_dumpable, 1);
	ck_assert_int_eq(state->can_regain, 0);
}

START_TEST(gives_up_setuid)
{
	struct report report;

	copy_self("setuid", 04755);
	report = run_copy("./setuid", become_user);
	ck_assert_uint_eq(report.before.uids[1], 0);
	ck_assert_uint_ne(report.before.effective, 0);
	ck_assert_int_ne(report.before.is_dumpable, 1);
	assert_ordinary_user(&report.after);
}
END_TEST

START_TEST(gives_up_setgid)
{
	struct report report;

	copy_self("setgid", 02755);
	report = run_copy("./setgid", become_user);
	ck_assert_uint_eq(report.before.gids[1], 0);
	ck_assert_uint_eq(report.before.uids[1], USER);
	assert_ordinary_user(&report.after);
}
END_TEST

START_TEST(gives_up_both)
{
	struct report report;

	copy_self("both", 06755);
	report = run_copy("./both", become_user);
	ck_assert_uint_eq(report.before.gids[1], 0);
	ck_assert_uint_eq(report.before.uids[1], 0);
	assert_ordinary_user(&report.after);
}
END_TEST

/* _i: with the effective bit or without. */
START_TEST(gives_up_file_capabilities)
{
	const uint32_t caps = 1U << CAP_SYS_ADMIN | 1U << CAP_SETPCAP | 1U << CAP_DAC_READ_SEARCH;
	struct report report;

	copy_self("filecaps", 0755);
	grant_file_caps("filecaps", caps, _i != 0);
	report = run_copy("./filecaps", become_user);
	ck_assert_uint_eq(report.before.permitted, caps);
	ck_assert_uint_eq(report.before.effective, _i ? caps : 0);
	ck_assert_int_ne(report.before.is_dumpable, 1);
	assert_ordinary_user(&report.after);
}
END_TEST

static void assert_untouched(const struct report *report)
{
	struct state after = report->after;

	after.can_regain = report->before.can_regain;
	ck_assert_mem_eq(&after, &report->before, sizeof(after));
}

START_TEST(leaves_ambient_capabilities)
{
	struct report report;

	copy_self("plain", 0755);
	report = run_copy("./plain", become_user_with_ambient);
	ck_assert_uint_eq(report.before.permitted, 1U << CAP_NET_RAW);
	ck_assert_uint_eq(report.before.effective, 1U << CAP_NET_RAW);
	assert_untouched(&report);
}
END_TEST

START_TEST(leaves_ordinary_user_alone)
{
	struct report report;

	copy_self("plain", 0755);
	report = run_copy("./plain", become_user);
	assert_untouched(&report);
	assert_ordinary_user(&report.after);
}
END_TEST

START_TEST(leaves_root_alone)
{
	struct report report;

	copy_self("plain", 0755);
	report = run_copy("./plain", stay);
	ck_assert_uint_ne(report.before.effective, 0);
	assert_untouched(&report);
}
END_TEST

/* Started by root, but for the owner of the file: root's again. */
START_TEST(leaves_root_what_setuid_took)
{
	struct report report;

	copy_self("user", 0755);
	ck_assert_int_eq(chown("user", USER, USER), 0);
	ck_assert_int_eq(chmod("user", 04755), 0);
	report = run_copy("./user", stay);
	ck_assert_uint_eq(report.before.uids[1], USER);
	ck_assert_uint_eq(report.before.effective, 0);
	ck_assert_uint_eq(report.after.uids[0], 0);
	ck_assert_uint_eq(report.after.uids[1], 0);
	ck_assert_uint_eq(report.after.uids[2], 0);
	ck_assert_uint_eq(report.after.effective, report.after.permitted);
	ck_assert_uint_ne(report.after.effective, 0);
}
END_TEST

/* Its ids differ through no doing of pbrun's file: they are its caller's. */
START_TEST(leaves_the_callers_ids_alone)
{
	struct report report;

	copy_self("plain", 0755);
	report = run_copy("./plain", become_half_a_user);
	ck_assert_uint_eq(report.before.uids[0], USER);
	ck_assert_uint_eq(report.before.uids[1], 0);
	ck_assert_mem_eq(report.after.uids, report.before.uids, sizeof(report.after.uids));
	ck_assert_mem_eq(report.after.gids, report.before.gids, sizeof(report.after.gids));
	ck_assert_int_eq(report.after.is_dumpable, 1);
}
END_TEST

/* Works for whoever runs the tests. */
START_TEST(does_nothing_when_nothing_was_granted)
{
	struct state before = current_state();
	struct state after;

	ck_assert_int_eq(privs_drop_granted(), 0);
	after = current_state();
	ck_assert_mem_eq(&after, &before, sizeof(after));
}
END_TEST

static bool refuse_prctl(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

/* _i: as an ordinary user with an ambient capability, or as whoever runs the tests. Not by way of exit(), see
 * main(). */
START_TEST(a_refused_prctl_matters_only_to_what_was_granted)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct state before, after;

		if (_i == 1)
			become_user_with_ambient();
		before = current_state();
		if (!refuse_prctl())
			_exit(77);
		if (privs_drop_granted() != 0)
			_exit(2);
		after = current_state();
		_exit(after.permitted == before.permitted && after.effective == before.effective ? 0 : 3);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

static bool honours_setuid(void)
{
	struct statvfs fs;

	return geteuid() == 0 && statvfs("/tmp", &fs) == 0 && !(fs.f_flag & ST_NOSUID) &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
}

START_TEST(who_may_trace_all)
{
	struct __user_cap_data_struct caps[2];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bool may = get_caps(caps) == 0 && caps[0].effective & 1U << CAP_SYS_PTRACE;

		if (privs_may_trace_all() != may)
			_exit(1);
		caps[0].effective &= ~(1U << CAP_SYS_PTRACE);
		_exit(set_caps(caps) != 0 || privs_may_trace_all() ? 2 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("privs");
	TCase *t = tcase_create("core");
	TCase *granted = tcase_create("granted");

	/* Not by way of exit(): a leak checker cannot look into a program that is not dumpable. */
	if (argc == 2 && strcmp(argv[1], "--drop") == 0)
		_exit(report_drop());

	tcase_add_test(t, does_nothing_when_nothing_was_granted);
	tcase_add_test(t, who_may_trace_all);
	tcase_add_loop_test(t, a_refused_prctl_matters_only_to_what_was_granted, 0, geteuid() == 0 ? 2 : 1);
	suite_add_tcase(s, t);
	tcase_add_unchecked_fixture(granted, scratch_enter, scratch_leave);
	if (can_test(honours_setuid(), "setuid, setgid and file capabilities (needs root, no nosuid /tmp)")) {
		tcase_add_test(granted, gives_up_setuid);
		tcase_add_test(granted, gives_up_setgid);
		tcase_add_test(granted, gives_up_both);
		tcase_add_loop_test(granted, gives_up_file_capabilities, 0, 2);
		tcase_add_test(granted, leaves_ambient_capabilities);
		tcase_add_test(granted, leaves_ordinary_user_alone);
		tcase_add_test(granted, leaves_root_alone);
		tcase_add_test(granted, leaves_the_callers_ids_alone);
		tcase_add_test(granted, leaves_root_what_setuid_took);
	}
	suite_add_tcase(s, granted);
	return run_suite(s);
}
