/*
 * leave WAY
 *
 * Reads the file "read" and ends in one of several ways: by return, exit, _exit, _Exit or quick_exit, or in a
 * signal handler; or it executes true(1) by execv, execve, execvp or execvpe. Says what its environment has
 * of the dynamic loader, and which descriptors it has.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS 9

static void on_signal(int signal)
{
	(void)signal;
	_exit(STATUS);
}

static void at_exit(void)
{
	/* What is registered first comes last. */
	fputs("at exit\n", stdout);
}

static void show(void)
{
	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, "LD_", 3) == 0 || strncmp(*variable, "PBRUN_A", 7) == 0)
			puts(*variable);
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	puts("");
}

int main(int argc, char **argv)
{
	char name[] = "true";
	char *const words[] = { name, NULL };
	const char *way = argc > 1 ? argv[1] : "return";
	char byte;
	int fd = open("read", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &byte, 1) != 1 || close(fd) < 0)
		return 1;
	atexit(at_exit);
	show();
	fflush(stdout);
	if (strcmp(way, "exit") == 0)
		exit(STATUS);
	if (strcmp(way, "_exit") == 0)
		_exit(STATUS);
	if (strcmp(way, "_Exit") == 0)
		_Exit(STATUS);
	if (strcmp(way, "quick_exit") == 0)
		quick_exit(STATUS);
	if (strcmp(way, "signal") == 0) {
		signal(SIGUSR1, on_signal);
		raise(SIGUSR1);
	}
	if (strcmp(way, "execv") == 0)
		execv("/bin/true", words);
	if (strcmp(way, "execve") == 0)
		execve("/bin/true", words, environ);
	if (strcmp(way, "execvp") == 0)
		execvp("true", words);
	if (strcmp(way, "execvpe") == 0)
		execvpe("true", words, environ);
	return STATUS;
}
