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

static bool is_trusted(const char *directory)
{
	cleanup_close int dir_fd = trust_open_directory(directory, 0);
	cleanup_close int fd =
		dir_fd < 0 ? -1 : openat(dir_fd, AGENT_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && trust_check_file(&st) == 0;
}

char *agent_find(void)
{
	/* From the directory that pbrun is in. */
	static const char *const places[] = { PBRUN_AGENT_DIR, "." };
	char own[PATH_MAX];
	ssize_t n = is_unwelcome() ? -1 : readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(own, '/');

	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		cleanup_free char *directory = NULL;
		char *path;

		*slash = '\0';
		if (asprintf(&directory, "%s/%s", own, places[i]) < 0)
			return NULL;
		/* These separate the names of LD_PRELOAD, or stand for something else (ld.so(8)). */
		if (strpbrk(directory, " :$") || !is_trusted(directory))
			continue;
		return asprintf(&path, "%s/%s", directory, AGENT_NAME) < 0 ? NULL : path;
	}
	return NULL;
}

/* Of two variables of one name the dynamic loader takes the last, and everybody else finds the first: what
 * was there stays as it is. */
void agent_load(int fd)
{
	const char *before = getenv("LD_PRELOAD");
	cleanup_free char *path = agent_find();
	char *preload = NULL, *variable = NULL;
	char **grown = NULL;
	size_t n = 0;

	while (environ[n])
		n++;
	if (path &&
	    asprintf(&preload, "%s%s%s%s", AGENT_LOG_PRELOAD, path, before ? ":" : "",
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
