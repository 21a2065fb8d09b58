/* agent.c - finds the agent, and writes the two variables by which it is loaded. */
#include "agent.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sys/cleanup.h"
#include "sys/trust.h"
#include "trace/agent_log.h"

#define AGENT_NAME "libpbrun-agent.so"

/* Who looks into the dynamic loader does not want to see us there; and room that is counted is the program's.
 */
static bool is_unwelcome(void)
{
	static const char *const variables[] = { "LD_AUDIT", "LD_DEBUG", "LD_TRACE_LOADED_OBJECTS",
						 "LD_PROFILE" };
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (getenv(variables[i]))
			return true;
	return getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY;
}

/* 0; -errno of there being none, or none that is trusted. */
static int check_place(const char *directory)
{
	cleanup_free char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", directory, AGENT_NAME) < 0)
		return -ENOMEM;
	if (access(path, F_OK) < 0)
		return -errno;
	cleanup_close int dir_fd = trust_open_directory(directory, 0);
	cleanup_close int fd =
		dir_fd < 0 ? -1 : openat(dir_fd, AGENT_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (dir_fd < 0)
		return dir_fd;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return trust_check_file(&st);
}

int agent_find(char **ret_path)
{
	/* From the directory that pbrun is in. */
	static const char *const places[] = { PBRUN_AGENT_DIR, "." };
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	int r = is_unwelcome() ? -EOPNOTSUPP : -ENOENT;

	own[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(own, '/');

	for (size_t i = 0; r != -EOPNOTSUPP && slash && i < sizeof(places) / sizeof(places[0]); i++) {
		cleanup_free char *directory = NULL;

		*slash = '\0';
		if (asprintf(&directory, "%s/%s", own, places[i]) < 0)
			return -ENOMEM;
		int found = check_place(directory);

		/* These separate the names of LD_PRELOAD, or stand for something else (ld.so(8)). */
		if (found == 0 && strpbrk(directory, " :$"))
			found = -EILSEQ;
		if (found == 0)
			return asprintf(ret_path, "%s/%s", directory, AGENT_NAME) < 0 ? -ENOMEM : 0;
		r = found == -ENOENT ? r : found;
	}
	return r;
}

/* Of two variables of one name the dynamic loader takes the last, and everybody else finds the first: what
 * was there stays as it is. */
void agent_load(int fd, const char *path)
{
	const char *before = getenv("LD_PRELOAD");
	char *preload = NULL, *variable = NULL;
	char **grown = NULL;
	size_t n = 0;

	while (environ[n])
		n++;
	if (asprintf(&preload, "%s%s%s%s", AGENT_LOG_PRELOAD, path, before ? ":" : "",
		     before ? before : "") >= 0 &&
	    asprintf(&variable, "%s%d", AGENT_LOG_VARIABLE, fd) >= 0)
		grown = calloc(n + 3, sizeof(*grown));
	if (!grown) {
		close(fd);
		return;
	}
	memcpy(grown, environ, n * sizeof(*grown));
	grown[n] = preload;
	grown[n + 1] = variable;
	environ = grown;
}
