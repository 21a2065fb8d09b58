/* proctree.c - tasks in a hash table by id, processes in a list, address spaces by their users. */
#include "trace/proctree.h"

#include <string.h>

static size_t bucket_of(pid_t tid)
{
	return (unsigned int)tid % PROCTREE_N_BUCKETS;
}

struct task *proctree_find(const struct proctree *self, pid_t tid)
{
	struct task *task = self->buckets[bucket_of(tid)];

	while (task && task->tid != tid)
		task = task->next;
	return task;
}

struct process *proctree_find_process(const struct proctree *self, pid_t pid)
{
	struct process *process = self->processes;

	while (process && process->pid != pid)
		process = process->next;
	return process;
}

struct process *proctree_find_process_of(const struct proctree *self, pid_t tid)
{
	const struct task *task = proctree_find(self, tid);

	return task ? task->process : NULL;
}

static bool is_in_syscall(enum task_state state)
{
	return state == TASK_IN_SYSCALL || state == TASK_EXITING;
}

/* Takes a task in that state into the counts, or out of them. */
static void count(struct proctree *self, struct process *process, enum task_state state, int step)
{
	if (state == TASK_RUNNING)
		self->n_running += (size_t)step;
	if (is_in_syscall(state))
		process->n_in_syscall += (unsigned int)step;
	if (state != TASK_EXITING)
		process->n_living += (unsigned int)step;
}

void proctree_set_state(struct proctree *self, struct task *task, enum task_state state)
{
	count(self, task->process, task->state, -1);
	task->state = state;
	count(self, task->process, task->state, 1);
}

static struct process *add_process(struct proctree *self, pid_t pid)
{
	struct process *process = calloc(1, sizeof(*process));

	if (process) {
		process->pid = pid;
		process->next = self->processes;
		self->processes = process;
	}
	return process;
}

int proctree_add(struct proctree *self, pid_t tid, const struct procfs_status *status, struct task **ret_task)
{
	struct process *process = proctree_find_process(self, status->tgid);
	struct task *task = calloc(1, sizeof(*task));
	struct task **bucket = &self->buckets[bucket_of(tid)];

	if (!task)
		return -ENOMEM;
	if (!process)
		process = add_process(self, status->tgid);
	if (!process) {
		free(task);
		return -ENOMEM;
	}
	process->flags &= ~(unsigned int)PROCESS_IS_FILTERED;
	process->flags |= status->has_seccomp_filter ? PROCESS_IS_FILTERED : 0;
	process->n_known_tasks++;
	task->tid = tid;
	task->process = process;
	task->call.row = syscall_table_find(UINT64_MAX);
	task->next = *bucket;
	*bucket = task;
	self->n_tasks++;
	count(self, process, task->state, 1);
	*ret_task = task;
	return 0;
}

pid_t proctree_living_task(const struct proctree *self, const struct process *process)
{
	const struct task *leader = proctree_find(self, process->pid);

	if (leader && leader->state != TASK_EXITING)
		return leader->tid;
	for (size_t i = 0; i < PROCTREE_N_BUCKETS; i++)
		for (const struct task *task = self->buckets[i]; task; task = task->next)
			if (task->process == process && task->state != TASK_EXITING)
				return task->tid;
	return 0;
}

static void remove_process(struct proctree *self, struct process *process)
{
	struct process **link = &self->processes;

	while (*link != process)
		link = &(*link)->next;
	*link = process->next;
	(void)proctree_leave_space(self, process);
	free(process->working_directory);
	free(process);
}

void proctree_remove(struct proctree *self, struct task *task)
{
	struct process *process = task->process;
	struct task **link = &self->buckets[bucket_of(task->tid)];

	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	self->n_tasks--;
	count(self, process, task->state, -1);
	free(task);
	if (--process->n_known_tasks == 0)
		remove_process(self, process);
}

void proctree_release(struct proctree *self)
{
	for (size_t i = 0; i < PROCTREE_N_BUCKETS; i++)
		while (self->buckets[i])
			proctree_remove(self, self->buckets[i]);
}

int proctree_new_space(struct proctree *self, struct process *process)
{
	struct space *space = calloc(1, sizeof(*space));

	if (!space)
		return -ENOMEM;
	*space = (struct space){ .id = ++self->last_space_id, .n_users = 1, .owner = process, .uffd = -1 };
	process->space = space;
	return 0;
}

void proctree_share_space(struct process *process, const struct process *other)
{
	process->space = other->space;
	process->space->n_users++;
}

uint32_t proctree_leave_space(struct proctree *self, struct process *process)
{
	struct space *space = process->space;
	struct process *heir = self->processes;

	process->space = NULL;
	if (!space)
		return 0;
	if (--space->n_users > 0) {
		while (heir && heir->space != space)
			heir = heir->next;
		if (space->owner == process)
			space->owner = heir;
		return 0;
	}
	uint32_t id = space->id;

	if (space->uffd >= 0)
		close(space->uffd);
	free(space);
	return id;
}

bool process_owns_space(const struct process *process)
{
	return process->space && process->space->owner == process;
}

void process_find_elsewhere(struct process *self)
{
	self->flags &= ~(unsigned int)PROCESS_IS_ELSEWHERE;
	if (!procfs_is_same(self->pid, "root", "/") ||
	    !procfs_is_same(self->pid, "ns/mnt", "/proc/self/ns/mnt"))
		self->flags |= PROCESS_IS_ELSEWHERE;
}
