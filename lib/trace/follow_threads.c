/* follow_threads.c - threads of whose births nobody tells: they are found in /proc, now and then. */
#include "trace/follow_private.h"

/* So many are looked at. */
#define MAX_THREADS 1024

bool follow_has_late_threads(const struct follow *self)
{
	return self->state->tracer.births == TRACER_NOBODY;
}

static void meet_thread(struct follow *self, pid_t tid)
{
	struct follow_state *state = self->state;
	struct procfs_status status;
	struct task *task;

	/* One that cannot be attached to is about to go. */
	if (proctree_find(&state->tree, tid) || tracee_seize(&state->tracer, tid) < 0 ||
	    procfs_read_status(tid, &status) < 0)
		return;
	if (proctree_add(&state->tree, tid, &status, &task) < 0)
		state->error = -ENOMEM;
}

void follow_meet_threads(struct follow *self)
{
	struct follow_state *state = self->state;
	const struct process *program = proctree_find_process(&state->tree, state->main_pid);
	pid_t tids[MAX_THREADS];
	struct procfs_status status;

	if (!program || (program->flags & (PROCESS_IS_DETACHING | PROCESS_IS_LEAVING)) ||
	    procfs_read_status(state->main_pid, &status) < 0 || status.n_threads <= program->n_known_tasks)
		return;
	size_t n = procfs_read_threads(state->main_pid, tids, MAX_THREADS);

	for (size_t i = 0; i < n && state->error == 0; i++)
		meet_thread(self, tids[i]);
}
