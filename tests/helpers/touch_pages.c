/*
 * Touches the named pages of a file, each through a mapping of the whole file, without any fault-around of
 * its own. Usage: touch_pages FILE [N | write:N | fork:N | thread:N | unmap | vfork-exec]... N          reads
 * page N              write:N   writes to a private copy of it fork:N     a forked child reads it   thread:N
 * a thread does unmap      unmaps the file and maps it anew vfork-exec starts /bin/true by vfork A file that
 * is not there is made, with 1024 pages, all in memory.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PAGES 1024

static volatile char *map;
static size_t page_size;

/* All its pages in memory, as far as that lasts: fault-around would map them. */
static void fill(int fd)
{
	char *page = calloc(1, page_size);

	for (int i = 0; page && i < N_PAGES; i++)
		if (write(fd, page, page_size) < 0)
			perror("write");
	free(page);
}

static void open_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	if (lseek(fd, 0, SEEK_END) == 0)
		fill(fd);
	map = mmap(NULL, N_PAGES * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
}

static void *touch(void *argument)
{
	(void)map[(size_t)argument * page_size];
	return NULL;
}

static void act(const char *path, const char *what)
{
	const char *colon = strchr(what, ':');
	size_t page = strtoul(colon ? colon + 1 : what, NULL, 10);
	pthread_t thread;

	if (strcmp(what, "unmap") == 0) {
		munmap((void *)(size_t)map, N_PAGES * page_size);
		open_map(path);
	} else if (strcmp(what, "vfork-exec") == 0) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	} else if (strncmp(what, "fork:", 5) == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			touch((void *)page);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	} else if (strncmp(what, "thread:", 7) == 0) {
		if (pthread_create(&thread, NULL, touch, (void *)page) == 0)
			pthread_join(thread, NULL);
	} else if (strncmp(what, "write:", 6) == 0) {
		map[page * page_size] = 1;
	} else {
		touch((void *)page);
	}
}

int main(int argc, char *argv[])
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	if (argc < 2)
		return 2;
	open_map(argv[1]);
	for (int i = 2; i < argc; i++)
		act(argv[1], argv[i]);
	return 0;
}
