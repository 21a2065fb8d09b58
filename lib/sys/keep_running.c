/* keep_running.c - timers that continue a stopped process. */
#include "sys/keep_running.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/* By system calls: a library's timer_create() may allocate memory, and hides the number of the timer. */
static int make_timer(int signal, int value)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal };
	int timer = -1;

	event.sigev_value.sival_int = value;
	return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) < 0 ? -errno : timer;
}

static struct timespec timespec_of(int ms)
{
	return (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
}

/* period_ms 0: once. */
static void arm(int timer, int first_ms, int period_ms)
{
	struct itimerspec times = { .it_value = timespec_of(first_ms),
				    .it_interval = timespec_of(period_ms) };

	(void)syscall(SYS_timer_settime, timer, 0, &times, NULL);
}

/* It runs: not to be killed yet. The timer for that comes along with the signal. */
static void on_continue(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	(void)signal, (void)context;
	if (info->si_code == SI_TIMER)
		arm(info->si_value.sival_int, KEEP_RUNNING_KILL_MS, 0);
	errno = saved_errno;
}

/*
 * The kernel starts a timer again when its signal is delivered. One whose signal is swept away by a SIGSTOP
 * comes no more: hence two that take turns, and one that kills.
 */
int keep_running_start(void)
{
	struct sigaction action = { .sa_sigaction = on_continue, .sa_flags = SA_RESTART | SA_SIGINFO };
	int timers[3] = { 0 };

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		timers[i] = make_timer(i == 0 ? SIGKILL : SIGCONT, timers[0]);
		if (timers[i] < 0) {
			int r = timers[i];

			while (i-- > 0)
				(void)syscall(SYS_timer_delete, timers[i]);
			return r;
		}
	}
	(void)sigaction(SIGCONT, &action, NULL);
	arm(timers[0], KEEP_RUNNING_KILL_MS, 0);
	arm(timers[1], KEEP_RUNNING_CONTINUE_MS, 2 * KEEP_RUNNING_CONTINUE_MS);
	arm(timers[2], 2 * KEEP_RUNNING_CONTINUE_MS, 2 * KEEP_RUNNING_CONTINUE_MS);
	return timers[0];
}

void keep_running_spare(int number)
{
	/* Deleted: a handler that is running could arm it again. */
	(void)syscall(SYS_timer_delete, number);
}
