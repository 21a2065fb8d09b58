/*
 * hang_mount DIRECTORY: mounts a FUSE file system there that never answers, says "ready", and takes it away
 * when standard input ends. Whoever asks it for anything waits until then. Exit status 77: it cannot be
 * mounted.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64], byte;

	if (argc != 2 || fd < 0)
		return 77;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("hang", argv[1], "fuse", 0, options) != 0)
		return 77;
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return umount2(argv[1], MNT_DETACH) != 0;
}
