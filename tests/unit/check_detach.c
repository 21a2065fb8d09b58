#include "trace/detach.h"

#include <linux/capability.h>
#include <linux/ptrace.h>
#include <linux/xattr.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "support.h"

static void make_program(const char *name, const char *text, mode_t mode)
{
	write_file(name, text, strlen(text), mode);
}

static void make_script(const char *name, const char *interpreter, const char *argument)
{
	char text[512];

	snprintf(text, sizeof(text), "#! %s%s\nrest\n", interpreter, argument);
	make_program(name, text, 0755);
}

static bool grants(const char *name)
{
	return detach_grants_privilege(scratch_path(name));
}

START_TEST(the_ordinary_grant_nothing)
{
	make_program("plain", "\177ELF", 0755);
	make_program("empty", "", 0755);
	make_program("cut", "#!", 0755);
	make_script("script", scratch_path("plain"), "");
	make_script("lost", "/nowhere/at/all", "");
	ck_assert(!grants("plain"));
	ck_assert(!grants("empty"));
	ck_assert(!grants("cut"));
	ck_assert(!grants("script"));
	ck_assert(!grants("lost"));
	ck_assert(!grants("missing"));
}
END_TEST

START_TEST(set_ids_grant)
{
	make_program("setuid", "x", 04755);
	make_program("setgid", "x", 02755);
	ck_assert(grants("setuid"));
	ck_assert(grants("setgid"));
}
END_TEST

START_TEST(a_scripts_interpreter_counts)
{
	make_program("setuid", "x", 04755);
	make_script("direct", scratch_path("setuid"), "");
	make_script("with-argument", scratch_path("setuid"), " -x y");
	make_script("indirect", scratch_path("direct"), "\t-x");
	ck_assert(grants("direct"));
	ck_assert(grants("with-argument"));
	ck_assert(grants("indirect"));
}
END_TEST

START_TEST(an_endless_chain_ends)
{
	make_script("itself", scratch_path("itself"), "");
	ck_assert(!grants("itself"));
}
END_TEST

START_TEST(file_capabilities_grant)
{
	struct vfs_cap_data data = { .magic_etc = VFS_CAP_REVISION_2,
				     .data = { { .permitted = 1u << CAP_NET_RAW } } };

	make_program("capable", "x", 0755);
	ck_assert(!grants("capable"));
	ck_assert_int_eq(setxattr("capable", XATTR_NAME_CAPS, &data, sizeof(data), 0), 0);
	ck_assert(grants("capable"));
}
END_TEST

/* A call of this very process. */
static enum detach at_entry(uint64_t nr, uint64_t arg0, uint64_t arg1, uint64_t arg4, pid_t *ret_pid)
{
	struct process process = { .pid = 0x7fffffff }; /* a leader that has exited before this task */
	struct task task = {
		.tid = getpid(),
		.process = &process,
		.call = { .nr = nr, .row = syscall_table_find(nr), .args = { arg0, arg1, 0, 0, arg4 } }
	};
	enum detach detach = detach_at_entry(&task, ret_pid);

	free(process.working_directory);
	return detach;
}

static uint64_t address_of(const char *text)
{
	return (uint64_t)(uintptr_t)text;
}

START_TEST(an_exec_is_looked_at)
{
	pid_t pid = -5;

	make_program("setuid", "x", 04755);
	make_program("plain", "x", 0755);
	ck_assert_int_eq(at_entry(SYS_execve, address_of("./setuid"), 0, 0, &pid),
			 DETACH_CALLER_UNLESS_CAPABLE);
	ck_assert_int_eq(at_entry(SYS_execve, address_of(scratch_path("setuid")), 0, 0, &pid),
			 DETACH_CALLER_UNLESS_CAPABLE);
	ck_assert_int_eq(at_entry(SYS_execve, address_of("plain"), 0, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(at_entry(SYS_execve, 8, 0, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(pid, -5);
}
END_TEST

START_TEST(an_exec_by_descriptor_is_looked_at)
{
	pid_t pid = -5;

	make_program("setuid", "x", 04755);
	make_program("plain", "x", 0755);
	cleanup_close int dir = open(".", O_PATH | O_CLOEXEC);
	cleanup_close int setuid_fd = open("setuid", O_PATH | O_CLOEXEC);
	cleanup_close int plain_fd = open("plain", O_PATH | O_CLOEXEC);

	ck_assert_int_eq(at_entry(SYS_execveat, (uint64_t)dir, address_of("setuid"), 0, &pid),
			 DETACH_CALLER_UNLESS_CAPABLE);
	ck_assert_int_eq(at_entry(SYS_execveat, (uint64_t)dir, address_of("plain"), 0, &pid), DETACH_NONE);
	ck_assert_int_eq(at_entry(SYS_execveat, (uint64_t)setuid_fd, address_of(""), AT_EMPTY_PATH, &pid),
			 DETACH_CALLER_UNLESS_CAPABLE);
	ck_assert_int_eq(at_entry(SYS_execveat, (uint64_t)plain_fd, address_of(""), AT_EMPTY_PATH, &pid),
			 DETACH_NONE);
}
END_TEST

START_TEST(debuggers_get_their_way)
{
	pid_t pid = -5;

	ck_assert_int_eq(at_entry(SYS_ptrace, PTRACE_TRACEME, 0, 0, &pid), DETACH_CALLER);
	ck_assert_int_eq(at_entry(SYS_ptrace, PTRACE_CONT, 42, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(at_entry(SYS_read, PTRACE_ATTACH, 42, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(pid, -5);
	ck_assert_int_eq(at_entry(SYS_ptrace, PTRACE_ATTACH, 42, 0, &pid), DETACH_OTHER);
	ck_assert_int_eq(pid, 42);
	ck_assert_int_eq(at_entry(SYS_ptrace, PTRACE_SEIZE, 43, 0, &pid), DETACH_OTHER);
	ck_assert_int_eq(pid, 43);
}
END_TEST

START_TEST(unseen_children_may_trace)
{
	struct {
		uint64_t flags;
		uint64_t rest[10];
	} args = { .flags = CLONE_VM | CLONE_UNTRACED };
	pid_t pid = -5;

	ck_assert_int_eq(at_entry(SYS_clone, CLONE_VM | CLONE_FS | CLONE_UNTRACED, 0, 0, &pid),
			 DETACH_PROCESS);
	ck_assert_int_eq(at_entry(SYS_clone, CLONE_VM | SIGCHLD, 0, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(at_entry(SYS_clone3, (uint64_t)(uintptr_t)&args, 88, 0, &pid), DETACH_PROCESS);
	args.flags = CLONE_VM;
	ck_assert_int_eq(at_entry(SYS_clone3, (uint64_t)(uintptr_t)&args, 88, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(at_entry(SYS_clone3, 8, 88, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(pid, -5);
}
END_TEST

START_TEST(who_is_asked_before_files_are_opened_must_not_stand_still)
{
	pid_t pid = -5;

	ck_assert_int_eq(at_entry(SYS_fanotify_init, FAN_CLASS_CONTENT | FAN_CLOEXEC, 0, 0, &pid),
			 DETACH_PROCESS);
	ck_assert_int_eq(at_entry(SYS_fanotify_init, FAN_CLASS_PRE_CONTENT, 0, 0, &pid), DETACH_PROCESS);
	ck_assert_int_eq(at_entry(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_CLOEXEC, 0, 0, &pid), DETACH_NONE);
	ck_assert(detach_is_served_by("/dev/fuse"));
	ck_assert(!detach_is_served_by("/dev/null"));
}
END_TEST

START_TEST(a_tracer_that_is_allowed_gets_its_way)
{
	pid_t pid = -5;

	ck_assert_int_eq(at_entry(SYS_prctl, PR_SET_PTRACER, 42, 0, &pid), DETACH_FOR);
	ck_assert_int_eq(pid, 42);
	ck_assert_int_eq(at_entry(SYS_prctl, PR_SET_PTRACER, 0, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(at_entry(SYS_prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, &pid), DETACH_NONE);
	ck_assert_int_eq(at_entry(SYS_prctl, PR_SET_NAME, 42, 0, &pid), DETACH_NONE);
}
END_TEST

static void ignore_it(int signal)
{
	(void)signal;
}

START_TEST(handlers_of_crashes_are_told_apart)
{
	struct tracee_stop stop = { .tid = getpid(), .signal = SIGBUS };
	static const int crashes[] = { SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGABRT, SIGTRAP };

	/* A sanitizer has its own. */
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		ck_assert_ptr_ne(signal(crashes[i], SIG_DFL), SIG_ERR);
	ck_assert_int_eq(detach_at_crash(&stop), DETACH_NO_HANDLER);
	ck_assert_ptr_ne(signal(SIGBUS, ignore_it), SIG_ERR);
	ck_assert_int_eq(detach_at_crash(&stop), DETACH_LAST_HANDLER);
	ck_assert_ptr_ne(signal(SIGSEGV, ignore_it), SIG_ERR);
	stop.signal = SIGSEGV;
	ck_assert_int_eq(detach_at_crash(&stop), DETACH_ANY_HANDLER);
	stop.signal = SIGILL;
	ck_assert_int_eq(detach_at_crash(&stop), DETACH_NO_HANDLER);
}
END_TEST

static enum detach in_handler(uint64_t nr, uint64_t arg0, uint64_t arg1)
{
	struct process process = { .pid = getpid() };
	struct task task = { .tid = getpid(),
			     .process = &process,
			     .call = { .nr = nr, .row = syscall_table_find(nr), .args = { arg0, arg1 } } };

	return detach_in_handler(&task);
}

START_TEST(a_handler_that_makes_a_process_or_allows_tracing_is_the_last)
{
	ck_assert_int_eq(in_handler(SYS_clone, SIGCHLD, 0), DETACH_PROCESS);
	ck_assert_int_eq(in_handler(SYS_clone, CLONE_VM | CLONE_THREAD, 0), DETACH_NONE);
#ifdef SYS_fork
	ck_assert_int_eq(in_handler(SYS_fork, 0, 0), DETACH_PROCESS);
	ck_assert_int_eq(in_handler(SYS_vfork, 0, 0), DETACH_PROCESS);
#endif
	ck_assert_int_eq(in_handler(SYS_prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY), DETACH_PROCESS);
	ck_assert_int_eq(in_handler(SYS_prctl, PR_SET_PTRACER, 0), DETACH_NONE);
	ck_assert_int_eq(in_handler(SYS_mprotect, 1, 1), DETACH_NONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("detach");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, the_ordinary_grant_nothing);
	tcase_add_test(t, set_ids_grant);
	tcase_add_test(t, a_scripts_interpreter_counts);
	tcase_add_test(t, an_endless_chain_ends);
	if (can_test(geteuid() == 0, "file capabilities (needs root)"))
		tcase_add_test(t, file_capabilities_grant);
	tcase_add_test(t, an_exec_is_looked_at);
	tcase_add_test(t, an_exec_by_descriptor_is_looked_at);
	tcase_add_test(t, debuggers_get_their_way);
	tcase_add_test(t, unseen_children_may_trace);
	tcase_add_test(t, who_is_asked_before_files_are_opened_must_not_stand_still);
	tcase_add_test(t, a_tracer_that_is_allowed_gets_its_way);
	tcase_add_test(t, handlers_of_crashes_are_told_apart);
	tcase_add_test(t, a_handler_that_makes_a_process_or_allows_tracing_is_the_last);
	suite_add_tcase(s, t);
	return run_suite(s);
}
