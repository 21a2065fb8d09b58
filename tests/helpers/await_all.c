/*
 * Runs a command, and ends when nobody is left of all that it started, orphans too: with the command's exit
 * status, or by SIGALRM a minute after the command.
 *
 *   await_all [--without-close-range] COMMAND [ARG]...
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/refuse.h"

int main(int argc, char **argv)
{
	int i = 1;
	int command_status = 0;
	int status = 0;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "--without-close-range") == 0) {
		if (!refuse_call(SYS_close_range, ENOSYS))
			return perror("seccomp"), 77;
		i++;
	}
	if (i >= argc || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return 125;
	pid_t command = fork();

	if (command == 0) {
		execvp(argv[i], argv + i);
		_exit(127);
	}
	close(1); /* a reader of the command's output does not wait for us */
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (pid == command) {
			command_status = status;
			alarm(60);
		}
	}
	return WIFEXITED(command_status) ? WEXITSTATUS(command_status) : 128 + WTERMSIG(command_status);
}
