/* Waits for one and a half seconds in system calls that fail with EINTR if the process is only stopped and
 * continued meanwhile (signal(7)), and says how they ended.
 *
 * usage: wait_for_long                         in each, one a thread
 *        wait_for_long CALL ignored|handled    in one, while two signals arrive: SIGCHLD, and SIGUSR1 that is
 *                                              ignored or handled */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const struct timespec one_and_a_half = { .tv_sec = 1, .tv_nsec = 500000000 };

static int wait_for_events(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, 1500);
}

static int wait_for_semaphore(void)
{
	struct sembuf operation = { .sem_op = -1 };
	int id = semget(IPC_PRIVATE, 1, 0600);
	int r = semtimedop(id, &operation, 1, &one_and_a_half);
	int error = errno;

	(void)semctl(id, 0, IPC_RMID);
	errno = error;
	return r;
}

static int wait_for_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &one_and_a_half);
}

static int receive(void)
{
	const struct timeval timeout = { .tv_sec = 1, .tv_usec = 500000 };
	int fds[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ||
	    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -1;
	return (int)recv(fds[0], &byte, 1, 0);
}

static int sleep_for_long(void)
{
	return nanosleep(&one_and_a_half, NULL);
}

static struct wait {
	const char *name;
	int (*function)(void);
	pthread_t thread;
	int result;
	int error;
} waits[] = { { .name = "epoll_wait", .function = wait_for_events },
	      { .name = "semtimedop", .function = wait_for_semaphore },
	      { .name = "sigtimedwait", .function = wait_for_signal },
	      { .name = "recv", .function = receive },
	      { .name = "nanosleep", .function = sleep_for_long } };

enum { N_WAITS = sizeof(waits) / sizeof(waits[0]) };

static void *run(void *context)
{
	struct wait *self = context;

	self->result = self->function();
	self->error = self->result < 0 ? errno : 0;
	return NULL;
}

static void say(const struct wait *wait)
{
	printf("%s: %d %s\n", wait->name, wait->result, strerror(wait->error));
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A child that sends SIGUSR1, and by its end SIGCHLD, during the wait. */
static int wait_with_signals(struct wait *wait, void (*handler)(int))
{
	pid_t parent = getpid();

	signal(SIGUSR1, handler);
	pid_t child = fork();

	if (child == 0) {
		usleep(300000);
		_exit(kill(parent, SIGUSR1) != 0);
	}
	run(wait);
	say(wait);
	return child < 0;
}

static int wait_in_threads(void)
{
	for (size_t i = 0; i < N_WAITS; i++)
		if (pthread_create(&waits[i].thread, NULL, run, &waits[i]) != 0)
			return 2;
	for (size_t i = 0; i < N_WAITS; i++) {
		pthread_join(waits[i].thread, NULL);
		say(&waits[i]);
	}
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 1)
		return wait_in_threads();
	for (size_t i = 0; i < N_WAITS && argc == 3; i++)
		if (strcmp(argv[1], waits[i].name) == 0)
			return wait_with_signals(&waits[i],
						 strcmp(argv[2], "handled") == 0 ? on_signal : SIG_IGN);
	return 2;
}
