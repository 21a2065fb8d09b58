/* Waits two seconds in each of some system calls that fail with EINTR if the process is only stopped and
 * continued meanwhile (signal(7)), one a thread, and says how each of them ended. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <time.h>

static const struct timespec two_seconds = { .tv_sec = 2 };

static int wait_for_events(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, 2000);
}

static int wait_for_semaphore(void)
{
	struct sembuf operation = { .sem_op = -1 };
	int id = semget(IPC_PRIVATE, 1, 0600);
	int r = semtimedop(id, &operation, 1, &two_seconds);
	int error = errno;

	(void)semctl(id, 0, IPC_RMID);
	errno = error;
	return r;
}

static int wait_for_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &two_seconds);
}

static int receive(void)
{
	const struct timeval timeout = { .tv_sec = 2 };
	int fds[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ||
	    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -1;
	return (int)recv(fds[0], &byte, 1, 0);
}

static int sleep_two_seconds(void)
{
	return nanosleep(&two_seconds, NULL);
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
	      { .name = "nanosleep", .function = sleep_two_seconds } };

static void *run(void *context)
{
	struct wait *self = context;

	self->result = self->function();
	self->error = self->result < 0 ? errno : 0;
	return NULL;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (pthread_create(&waits[i].thread, NULL, run, &waits[i]) != 0)
			return 2;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		pthread_join(waits[i].thread, NULL);
		printf("%s: %d %s\n", waits[i].name, waits[i].result, strerror(waits[i].error));
	}
	return 0;
}
