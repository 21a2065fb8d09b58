/* Reads page 1 of the file A; a child that shares the descriptors (CLONE_FILES) puts the file B in A's place;
 * then reads page 3 by the same descriptor, of B now. Usage: share_files A B */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int read_page(int fd, int page)
{
	char byte;

	return pread(fd, &byte, 1, (off_t)page * 4096) == 1;
}

int main(int argc, char *argv[])
{
	int fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
	int turn[2];

	if (fd < 0 || pipe(turn) < 0)
		return 2;
	long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);

	if (child == 0) {
		char byte;

		if (read(turn[0], &byte, 1) != 1)
			_exit(2);
		close(fd);
		_exit(open(argv[2], O_RDONLY) != fd);
	}
	int status = 1;

	if (!read_page(fd, 1) || write(turn[1], "", 1) != 1 || waitpid((pid_t)child, &status, 0) != child ||
	    status != 0)
		return 3;
	return !read_page(fd, 3);
}
