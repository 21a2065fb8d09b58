/* follow_spaces.c - address spaces of followed processes: which are new, which are shared, when to look. */
#include <sys/syscall.h>

#include "trace/follow_private.h"
#include "trace/uffd.h"

enum { COMPARE_MEMORY = 1, COMPARE_FILES = 2 }; /* KCMP_VM, KCMP_FILES in <linux/kcmp.h> */

/* What two processes have: the same one, each its own; or that cannot be told. */
enum sharing { SHARED, OWN, UNKNOWN_SHARING };

/* kcmp(2) may be missing from the kernel (CONFIG_KCMP), or refused by a seccomp filter, ours or a
 * container's.
 */
static enum sharing compare(const struct process *child, const struct process *parent, int what)
{
	long r = syscall(SYS_kcmp, child->pid, parent->pid, what, 0, 0);

	if (r < 0 && errno != ESRCH) /* else one of them is gone */
		return UNKNOWN_SHARING;
	return r == 0 ? SHARED : OWN;
}

void follow_leave_space(struct follow *self, struct process *process)
{
	uint32_t id = proctree_leave_space(&self->state->tree, process);

	if (id != 0)
		follow_emit(self, process, (struct event){ .kind = EVENT_LEFT, .space = id });
}

/* In a space that is neither of the two the child's and the parent's lists of mappings may both miss what the
 * other one does, so both are read anew at each look; and nothing is put into a task that may stand on the
 * parent's stack. Descriptors that may be closed unseen are asked for each time. Both are slower, and less is
 * exact, but nothing is booked to the wrong file. */
static void compare_with(struct follow *self, struct process *child, struct process *other)
{
	if (compare(child, other, COMPARE_FILES) != OWN) {
		descriptors_give_up(&child->descriptors);
		descriptors_give_up(&other->descriptors);
	}
	if (!other->space || (child->space && process_owns_space(child)))
		return;
	switch (compare(child, other, COMPARE_MEMORY)) {
	case SHARED: /* as after vfork(2) */
		proctree_share_space(child, other);
		child->flags |= other->flags & PROCESS_IS_ELSEWHERE;
		break;
	case UNKNOWN_SHARING:
		follow_enter_space_unseen(self, child);
		follow_lose_sight(self, child);
		follow_lose_sight(self, other);
		break;
	case OWN:
		break;
	}
}

void follow_compare(struct follow *self, struct process *child, pid_t parent_pid)
{
	struct process *parent = proctree_find_process(&self->state->tree, parent_pid);

	for (struct process *other = self->state->tree.processes; other; other = other->next)
		if (other != child && (other == parent || !parent))
			compare_with(self, child, other);
}

static bool make_space(struct follow *self, struct process *process)
{
	follow_leave_space(self, process);
	int r = proctree_new_space(&self->state->tree, process);

	if (r < 0)
		self->state->error = r;
	return r == 0;
}

void follow_enter_space_unseen(struct follow *self, struct process *process)
{
	if (make_space(self, process))
		follow_emit(self, process, (struct event){ .kind = EVENT_FORKED, .tid = process->pid });
}

enum arming follow_enter_space(struct follow *self, struct process *process, struct tracee_stop *stop,
			       enum event_kind kind)
{
	if (!make_space(self, process))
		return ARMED_OR_NOT;
	follow_emit(self, process, (struct event){ .kind = kind, .tid = process->pid });
	process_find_elsewhere(process);
	if (kind == EVENT_EXECED)
		views_forget(
			&self->state->views); /* what a sandbox needs is mounted before it runs anything */
	if (self->state->options.mode != FOLLOW_EVERYBODY)
		return ARMED_OR_NOT;
	if (!(process->flags & PROCESS_IS_FILTERED)) {
		int r = uffd_create_in(stop);

		if (tracee_is_ending(stop))
			return ARMING_CHANGED_STOP;
		process->space->uffd = r < 0 ? -1 : r;
	}
	follow_emit_maps(self, process, process->pid, MAPS_ARE_NEW);
	return ARMED_OR_NOT;
}

void follow_look(struct follow *self, struct process *process, pid_t tid, enum event_kind kind)
{
	struct follow_state *state = self->state;
	bool is_out_of_date = process->flags & (PROCESS_IS_FOREIGN | PROCESS_IS_HALF_SEEN);

	if (state->options.mode == FOLLOW_TO_EXIT || !process_owns_space(process) ||
	    (process->flags & (PROCESS_IS_DETACHING | PROCESS_IS_LEAVING)))
		return;
	if (state->options.mode == FOLLOW_PAGES || is_out_of_date)
		follow_emit_maps(self, process, tid, MAPS_ARE_LATE);
	follow_emit(self, process, (struct event){ .kind = kind, .tid = tid });
}

/* What stood in system calls all the time since the last look has touched nothing. */
static bool may_have_touched(const struct process *process)
{
	return (process->flags & PROCESS_HAS_RUN) || process->n_in_syscall < process->n_known_tasks;
}

void follow_look_at_all(struct follow *self)
{
	const struct proctree *tree = &self->state->tree;

	for (struct process *process = tree->processes; process; process = process->next) {
		if (may_have_touched(process))
			follow_look(self, process, proctree_living_task(tree, process), EVENT_TICK);
		process->flags &= ~(unsigned int)PROCESS_HAS_RUN;
	}
}

void follow_lose_sight(struct follow *self, const struct process *process)
{
	for (struct process *other = self->state->tree.processes; other; other = other->next) {
		if (other != process && other->space != process->space)
			continue;
		other->flags |= PROCESS_IS_HALF_SEEN;
		descriptors_give_up(&other->descriptors);
	}
}
