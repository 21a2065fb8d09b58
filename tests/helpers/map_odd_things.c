/* Maps and touches, in the directory DIR: "new\nline", "real (deleted)", a deleted file; and a memfd, shared
 * anonymous memory, a SysV segment, /dev/zero. Usage: map_odd_things DIR */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

static void touch(int fd, int flags)
{
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (page == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	page[0] = 'x';
}

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "some text", 9) != 9) {
		perror(name);
		exit(1);
	}
	return fd;
}

int main(int argc, char *argv[])
{
	if (argc != 2 || chdir(argv[1]) < 0)
		return 2;
	touch(make("new\nline"), MAP_PRIVATE);
	touch(make("real (deleted)"), MAP_PRIVATE);
	int fd = make("gone");

	unlink("gone");
	touch(fd, MAP_PRIVATE);
	fd = memfd_create("a memfd", MFD_CLOEXEC);
	if (ftruncate(fd, 4096) == 0)
		touch(fd, MAP_SHARED);
	touch(-1, MAP_SHARED | MAP_ANONYMOUS);
	touch(open("/dev/zero", O_RDWR | O_CLOEXEC), MAP_PRIVATE);
	int segment = shmget(IPC_PRIVATE, 4096, 0600);
	void *shared = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);

	if (shared != (void *)-1)
		*(volatile char *)shared = 'x';
	if (segment >= 0)
		shmctl(segment, IPC_RMID, NULL);
	return 0;
}
