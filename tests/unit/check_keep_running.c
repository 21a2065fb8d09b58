/* No thread sanitizer: it puts off the handler of a signal. */
#include "sys/keep_running.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "support.h"

static int number;

/* A child that reads a byte, and ends with 0 if nothing came in between. */
static pid_t fork_reader(void (*prepare)(void), int *ret_write_fd)
{
	int ready[2], bytes[2];
	char byte;

	ck_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(bytes, O_CLOEXEC) == 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(bytes[1]);
		number = keep_running_start();
		if (number < 0)
			_exit(2);
		if (prepare)
			prepare();
		if (write(ready[1], "", 1) != 1)
			_exit(3);
		_exit(read(bytes[0], &byte, 1) == 1 ? 0 : 4);
	}
	ck_assert_int_eq(close(ready[1]), 0);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(close(ready[0]), 0);
	ck_assert_int_eq(close(bytes[0]), 0);
	*ret_write_fd = bytes[1];
	return pid;
}

/* Has it taken the signal that continues it? Before that, a SIGSTOP sweeps it away, and the timer that sent
 * it comes no more. */
static bool has_pending_continue(pid_t pid)
{
	unsigned long long pending = 0;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *stream = fopen(path, "re");

	ck_assert_ptr_nonnull(stream);
	while (fgets(line, sizeof(line), stream) && sscanf(line, "ShdPnd: %llx", &pending) != 1)
		;
	fclose(stream);
	return pending >> (SIGCONT - 1) & 1;
}

/* Stops a process, waits until it goes on, and has seen that it did. False: it was killed instead. */
static bool stop_once(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	do
		ck_assert_int_eq(waitpid(pid, &status, WUNTRACED | WCONTINUED), pid);
	while (WIFSTOPPED(status));
	if (!WIFCONTINUED(status))
		return false;
	while (has_pending_continue(pid))
		sched_yield();
	return true;
}

/* Longer than KEEP_RUNNING_KILL_MS in all: it is killed only when it stands still. */
static bool goes_on_each_time(void)
{
	int write_fd, status = 0;
	pid_t pid = fork_reader(NULL, &write_fd);

	for (int i = 0; i < 12; i++)
		if (!stop_once(pid))
			return close(write_fd) != 0;
	ck_assert_int_eq(write(write_fd, "", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return true;
}

/* Where we are so late that the next SIGCONT is on its way, and twice, it is killed for good reason. */
START_TEST(the_stopped_goes_on)
{
	ck_assert(goes_on_each_time() || goes_on_each_time() || goes_on_each_time());
}
END_TEST

/* As if each SIGCONT had been swept away. */
static void block_continue(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCONT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

static void block_continue_and_spare(void)
{
	block_continue();
	keep_running_spare(number);
}

START_TEST(who_cannot_be_continued_is_killed_unless_it_is_spared)
{
	int spared_fd, write_fd, status = 0;
	pid_t spared = fork_reader(block_continue_and_spare, &spared_fd);
	pid_t pid = fork_reader(block_continue, &write_fd);

	/* The other one's time was over before. */
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, SIGKILL);
	ck_assert_int_eq(write(spared_fd, "", 1), 1);
	ck_assert_int_eq(waitpid(spared, &status, 0), spared);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(children_are_not_concerned)
{
	int status = 0;

	ck_assert_int_ge(keep_running_start(), 0);
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	/* Until one of our own has come. */
	sigset_t none;

	sigemptyset(&none);
	ck_assert_int_eq(sigsuspend(&none), -1);
	ck_assert_int_eq(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keep_running");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_stopped_goes_on);
	tcase_add_test(t, who_cannot_be_continued_is_killed_unless_it_is_spared);
	tcase_add_test(t, children_are_not_concerned);
	suite_add_tcase(s, t);
	return run_suite(s);
}
