/*
 * mute_scanner PATH... -- COMMAND...: executes COMMAND while this process is asked before any of the files,
 * or anything in the directories, is opened (fanotify(7), as a virus scanner is), and never answers. A PATH
 * with "." as its last component stands for the directory alone. The exit status is that of COMMAND; 77: it
 * cannot be had.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/wait.h>
#include <unistd.h>

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

	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execvp(argv[i + 1], argv + i + 1);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
