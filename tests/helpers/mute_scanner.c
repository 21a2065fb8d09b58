/*
 * mute_scanner PATH... -- COMMAND...: executes COMMAND while this process is asked before any of the files,
 * or anything in the directories, is opened (fanotify(7), as a virus scanner is), and never answers; with
 * ANSWER_AFTER_MS in the environment, after that time. A PATH with "." as its last component stands for the
 * directory alone. The exit status is that of COMMAND; 77: it cannot be had.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/wait.h>
#include <unistd.h>

/* The end of the process answers what is left. */
static void answer_after(int fd, unsigned int ms)
{
	char buffer[4096] __attribute__((aligned(8)));
	struct pollfd asked = { .fd = fd, .events = POLLIN };

	if (poll(&asked, 1, 20) <= 0)
		return;
	ssize_t left = read(fd, buffer, sizeof(buffer));

	usleep(ms * 1000);
	for (const struct fanotify_event_metadata *event = (const void *)buffer; FAN_EVENT_OK(event, left);
	     event = FAN_EVENT_NEXT(event, left)) {
		struct fanotify_response response = { .fd = event->fd, .response = FAN_ALLOW };

		(void)!write(fd, &response, sizeof(response));
		close(event->fd);
	}
}

int main(int argc, char **argv)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *slash = strrchr(argv[i], '/');
		uint64_t children = slash && strcmp(slash, "/.") == 0 ? 0 : FAN_EVENT_ON_CHILD;

		if (fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ONDIR | children, AT_FDCWD, argv[i]) <
		    0) {
			perror(argv[i]);
			return 77;
		}
	}
	if (i + 1 >= argc)
		return 2;

	const char *delay = getenv("ANSWER_AFTER_MS");
	pid_t pid = fork(), r = 0;
	int status = 0;

	if (pid == 0) {
		execvp(argv[i + 1], argv + i + 1);
		_exit(127);
	}
	while (delay && pid > 0 && (r = waitpid(pid, &status, WNOHANG)) == 0)
		answer_after(fd, (unsigned int)atoi(delay));
	if (!delay && pid > 0)
		r = waitpid(pid, &status, 0);
	if (pid < 0 || r != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
