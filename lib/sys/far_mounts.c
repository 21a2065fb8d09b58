/* far_mounts.c - a process makes one call, and is killed if that takes too long. */
#include "sys/far_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

#define NS_PER_MS UINT64_C(1000000)
#define FIRST_LOOK_NS 50000
#define LAST_LOOK_NS 5000000

/* In the child of a process with threads: nothing but system calls. It holds no descriptor that somebody
 * waits for to be closed. */
__attribute__((noreturn)) static void ask(const char *path)
{
	struct statx st;

	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	(void)syscall(SYS_close_range, 0, UINT_MAX, 0);
	(void)syscall(SYS_statx, AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_FORCE_SYNC, STATX_MODE, &st);
	for (;;)
		(void)syscall(SYS_exit_group, 0);
}

/* False: not until then. */
static bool await_end(pid_t pid, uint64_t until_ns)
{
	long look_ns = FIRST_LOOK_NS;

	for (;;) {
		pid_t r = waitpid(pid, NULL, __WALL | WNOHANG);

		/* -1: whoever waits for any child took it. */
		if (r == pid || (r < 0 && errno != EINTR))
			return true;
		if (clock_now_ns() >= until_ns)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = look_ns }, NULL);
		look_ns = 2 * look_ns < LAST_LOOK_NS ? 2 * look_ns : LAST_LOOK_NS;
	}
}

bool far_mounts_ask(const char *path, unsigned int timeout_ms)
{
	enum { END_MS = 50 };
	uint64_t until_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	pid_t pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);

	if (pid == 0)
		ask(path);
	if (pid < 0 || await_end(pid, until_ns))
		return true;
	(void)kill(pid, SIGKILL);
	(void)await_end(pid, clock_now_ns() + END_MS * NS_PER_MS);
	return false;
}

enum answer { ANSWER_NOT_ASKED, ANSWER_YES, ANSWER_NO };

struct far_mounts *far_mounts_new(void)
{
	struct far_mounts *self = calloc(1, sizeof(*self));

	if (self && mounts_read(&self->mounts) < 0)
		self->mounts = (struct mounts){ 0 };
	return self;
}

void far_mounts_free(struct far_mounts *self)
{
	if (self)
		mounts_release(&self->mounts);
	free(self);
}

static bool mount_answers(struct far_mounts *self, const struct mount *mount)
{
	size_t i = (size_t)(mount - self->mounts.entries);

	if (mount->kind != MOUNT_FAR)
		return true;
	if (self->answers[i] == ANSWER_NOT_ASKED)
		self->answers[i] =
			far_mounts_ask(mount->point, FAR_MOUNTS_PATIENCE_MS) ? ANSWER_YES : ANSWER_NO;
	return self->answers[i] == ANSWER_YES;
}

/* In doubt it does. */
static bool leads_by_link(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0)
		return errno != ENOENT && errno != ENOTDIR && errno != EACCES;
	close(fd);
	return false;
}

bool far_mounts_answer(struct far_mounts *self, const char *path)
{
	const struct mount *mount = mounts_find(&self->mounts, path);

	return !mount || mount_answers(self, mount);
}

bool far_mounts_answer_beyond(struct far_mounts *self, const char *path)
{
	if (!far_mounts_answer(self, path))
		return false;
	if (!leads_by_link(path))
		return true;
	for (size_t i = 0; i < self->mounts.n_entries; i++)
		if (!mount_answers(self, &self->mounts.entries[i]))
			return false;
	return true;
}

void far_mounts_ask_again(struct far_mounts *self)
{
	for (size_t i = 0; i < self->mounts.n_entries; i++)
		if (self->answers[i] == ANSWER_NO)
			self->answers[i] = ANSWER_NOT_ASKED;
}
