/* Meets every child that there is: before it has one of its own there must be none, afterwards just the
 * one. Exit status 0 if so. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status = 0;

	usleep(50000);
	if (waitpid(-1, &status, __WALL | WNOHANG) != -1 || errno != ECHILD)
		return printf("a stranger\n"), 1;
	pid_t child = fork();

	if (child == 0)
		_exit(7);
	if (wait(&status) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		return printf("not my child\n"), 2;
	if (wait(&status) != -1 || errno != ECHILD)
		return printf("another one\n"), 3;
	return 0;
}
