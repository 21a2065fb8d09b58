/* aside.c - a thread for one deed, joined or left alone. */
#include "sys/aside.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/procfs.h"
#include "sys/threads.h"

/* The caller does not sleep before: what is done aside is mostly done by then, and to be woken takes long. */
#define AWAKE_NS 300000

/* More than the deepest of the callers needs; only what is used takes memory. */
#define STACK_BYTES ((size_t)512 << 10)

/* Shared by the caller and the thread; who leaves last frees it. */
struct aside {
	void (*work)(void *context);
	void *context;
	atomic_int tid;     /* 0: it has not begun */
	atomic_int is_done; /* a futex(2) */
	atomic_int n_users;
};

static void leave(struct aside *self)
{
	if (atomic_fetch_sub(&self->n_users, 1) == 1)
		free(self);
}

static void *run(void *context)
{
	struct aside *self = context;

	atomic_store(&self->tid, (int)syscall(SYS_gettid));
	self->work(self->context);
	atomic_store(&self->is_done, 1);
	(void)syscall(SYS_futex, &self->is_done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	leave(self);
	return NULL;
}

/* It runs, or waits for its turn. */
static bool is_ready(int tid)
{
	return tid == 0 || procfs_read_state(tid) == 'R';
}

static void pause_briefly(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
}

/* Not by the C library, which aborts the process if the kernel refuses futex(2). */
static void wait_until(struct aside *self, uint64_t until_ns)
{
	struct timespec until = clock_timespec(until_ns);

	while (!atomic_load(&self->is_done) && clock_now_ns() < until_ns) {
		long r = syscall(SYS_futex, &self->is_done, FUTEX_WAIT_BITSET_PRIVATE, 0, &until, NULL,
				 FUTEX_BITSET_MATCH_ANY);

		if (r < 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
			pause_briefly();
	}
}

/* False: it stands somewhere, as was seen twice: who has just been continued may not be ready yet. */
static bool join(struct aside *self, pthread_t thread, unsigned int ms)
{
	uint64_t slice_ns = ms * UINT64_C(500000);
	uint64_t last_ns = clock_now_ns() + ASIDE_BUSY_MS * UINT64_C(1000000);
	uint64_t until_ns = clock_now_ns() + slice_ns;
	unsigned int n_standing = 0;

	for (uint64_t sleep_ns = clock_now_ns() + AWAKE_NS;
	     !atomic_load(&self->is_done) && clock_now_ns() < sleep_ns;)
		(void)sched_yield();
	wait_until(self, until_ns);
	/* Whoever copies this process next must not find it in the middle of its end. */
	while (pthread_tryjoin_np(thread, NULL) != 0) {
		uint64_t now_ns = clock_now_ns();

		if (now_ns >= until_ns) {
			n_standing = is_ready(atomic_load(&self->tid)) ? 0 : n_standing + 1;
			if (n_standing == 2 || now_ns >= last_ns) {
				pthread_detach(thread);
				return false;
			}
			until_ns = now_ns + slice_ns;
		}
		wait_until(self, until_ns);
		(void)sched_yield();
	}
	/* Not if the thread was killed alone, by a filter of seccomp(2). */
	return atomic_load(&self->is_done);
}

bool aside_run(void (*work)(void *context), void *context, unsigned int ms)
{
	struct aside *self = malloc(sizeof(*self));
	pthread_t thread;

	if (self)
		*self = (struct aside){ .work = work, .context = context, .n_users = 2 };
	if (!self || threads_start(&thread, STACK_BYTES, run, self) < 0) {
		free(self);
		work(context);
		return true;
	}
	bool is_done = join(self, thread, ms);

	leave(self);
	return is_done;
}
