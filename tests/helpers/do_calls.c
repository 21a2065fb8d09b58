/*
 * do_calls CALL...
 *
 * Makes calls, one after the other, and ends by return:
 *   read:PATH write:PATH both:PATH   open(2) for that, and close(2)
 *   open64:PATH at:PATH at64:PATH    the same for reading, by these functions
 *   fread:PATH fread64:PATH fwrite:PATH   fopen(3) for that, and fclose(3)
 *   times:NUMBER                     makes the next call so often
 *   exec:PATH                        execv(3), which fails
 *   child:PATH                       a child reads it and ends by _exit(2)
 *   name:NAME                        prctl(PR_SET_NAME)
 *   confine:                         prctl(PR_SET_SECCOMP), which fails
 *   chroot:PATH                      chroot(2)
 *   holds:FD                         fails if the descriptor is not open
 * Fails with status 1 if a call that should not have failed has, and with 2 if one that has not set errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int close_both(int fd, FILE *stream)
{
	if (stream)
		return fclose(stream);
	return fd < 0 ? -1 : close(fd);
}

static int in_child(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(close_both(open(path, O_RDONLY | O_CLOEXEC), NULL) == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

/* 0, or -1 of a call that failed. */
static int do_call(const char *call, const char *path)
{
	char *const words[] = { (char[]){ "x" }, NULL };

	if (strcmp(call, "read") == 0)
		return close_both(open(path, O_RDONLY | O_CLOEXEC), NULL);
	if (strcmp(call, "write") == 0)
		return close_both(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), NULL);
	if (strcmp(call, "both") == 0)
		return close_both(open(path, O_RDWR | O_CLOEXEC), NULL);
	if (strcmp(call, "open64") == 0)
		return close_both(open64(path, O_RDONLY | O_CLOEXEC), NULL);
	if (strcmp(call, "at") == 0)
		return close_both(openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC), NULL);
	if (strcmp(call, "at64") == 0)
		return close_both(openat64(AT_FDCWD, path, O_RDONLY | O_CLOEXEC), NULL);
	if (strcmp(call, "fread") == 0)
		return close_both(-1, fopen(path, "re"));
	if (strcmp(call, "fread64") == 0)
		return close_both(-1, fopen64(path, "re"));
	if (strcmp(call, "fwrite") == 0)
		return close_both(-1, fopen(path, "we"));
	if (strcmp(call, "exec") == 0)
		return execv(path, words) < 0 && errno == ENOENT ? (errno = 0) : -1;
	if (strcmp(call, "child") == 0)
		return in_child(path);
	if (strcmp(call, "name") == 0)
		return prctl(PR_SET_NAME, path);
	if (strcmp(call, "confine") == 0)
		return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 ? (errno = 0) : -1;
	if (strcmp(call, "chroot") == 0)
		return chroot(path);
	if (strcmp(call, "holds") == 0)
		return fcntl(atoi(path), F_GETFD) < 0 ? -1 : 0;
	return -1;
}

int main(int argc, char **argv)
{
	int n_times = 1;

	for (int i = 1; i < argc; i++) {
		char *colon = strchr(argv[i], ':');

		if (!colon)
			return 1;
		*colon = '\0';
		if (strcmp(argv[i], "times") == 0) {
			n_times = atoi(colon + 1);
			continue;
		}
		for (; n_times > 0; n_times--) {
			errno = 0;
			if (do_call(argv[i], colon + 1) < 0) {
				perror(argv[i]);
				return 1;
			}
			if (errno != 0)
				return 2;
		}
		n_times = 1;
	}
	return 0;
}
