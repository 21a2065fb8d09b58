#include "trace/proctree.h"

#include <string.h>

static struct task **bucket_of(struct proctree *self, pid_t tid)
{
	return &self->buckets[(unsigned int)tid % PROCTREE_N_BUCKETS];
}

struct task *proctree_find(const struct proctree *self, pid_t tid)
{
	struct task *task = self->buckets[(unsigned int)tid % PROCTREE_N_BUCKETS];

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

void proctree_set_in_syscall(struct proctree *self, struct task *task, bool in_syscall)
{
	if (task->in_syscall == in_syscall)
		return;
	task->in_syscall = in_syscall;
	if (in_syscall) {
		self->n_in_syscall++;
		task->process->n_in_syscall++;
	} else {
		self->n_in_syscall--;
		task->process->n_in_syscall--;
	}
}

void proctree_let_be(struct proctree *self, struct task *task, bool is_let_be)
{
	if (task->is_let_be != is_let_be)
		self->n_let_be += is_let_be ? 1 : (size_t)-1;
	task->is_let_be = is_let_be;
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

int proctree_add(struct proctree *self, pid_t tid, const struct procfs_status *status, struct task **ret_task,
		 bool *ret_is_new_process)
{
	struct process *process = proctree_find_process(self, status->tgid);
	struct task *task = calloc(1, sizeof(*task));
	struct task **bucket = bucket_of(self, tid);

	if (!task)
		return -ENOMEM;
	*ret_is_new_process = !process;
	if (!process)
		process = add_process(self, status->tgid);
	if (!process) {
		free(task);
		return -ENOMEM;
	}
	process->has_seccomp_filter = status->has_seccomp_filter;
	process->n_tasks++;
	process->n_known_tasks++;
	task->tid = tid;
	task->process = process;
	task->next = *bucket;
	*bucket = task;
	self->n_tasks++;
	*ret_task = task;
	return 0;
}

static void free_process(struct process *process)
{
	addrspace_unref(process->addrspace);
	free(process->working_directory);
	free(process);
}

pid_t proctree_living_task(const struct proctree *self, const struct process *process)
{
	const struct task *leader = proctree_find(self, process->pid);

	if (leader && !leader->is_exiting)
		return leader->tid;
	for (size_t i = 0; i < PROCTREE_N_BUCKETS; i++)
		for (const struct task *task = self->buckets[i]; task; task = task->next)
			if (task->process == process && !task->is_exiting)
				return task->tid;
	return 0;
}

void proctree_remove(struct proctree *self, struct task *task)
{
	struct process *process = task->process;
	struct task **link = bucket_of(self, task->tid);

	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	self->n_tasks--;
	if (!task->is_exiting)
		process->n_tasks--;
	proctree_set_in_syscall(self, task, false);
	proctree_let_be(self, task, false);
	free(task);
	if (--process->n_known_tasks > 0)
		return;
	struct process **process_link = &self->processes;

	while (*process_link != process)
		process_link = &(*process_link)->next;
	*process_link = process->next;
	free_process(process);
}

void proctree_release(struct proctree *self)
{
	for (size_t i = 0; i < PROCTREE_N_BUCKETS; i++)
		while (self->buckets[i])
			proctree_remove(self, self->buckets[i]);
}

bool process_is_elsewhere(pid_t pid)
{
	return !procfs_is_same(pid, "root", "/") || !procfs_is_same(pid, "ns/mnt", "/proc/self/ns/mnt");
}
