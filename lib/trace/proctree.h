/*
 * proctree.h - the tasks (threads) and processes that are being followed: who they are, and what is
 * remembered of each between its stops.
 */
#ifndef PBRUN_PROCTREE_H
#define PBRUN_PROCTREE_H

#include "record/addrspace.h"
#include "record/descriptors.h"
#include "sys/procfs.h"

#define PROCTREE_N_BUCKETS 256

struct process {
	pid_t pid;
	unsigned int n_tasks;       /* that have not reached their exit */
	unsigned int n_known_tasks; /* and all of them */
	unsigned int n_in_syscall;  /* of them, as far as is known */
	bool has_run;               /* since it was last looked at */
	struct addrspace *addrspace;
	bool shares_addrspace;   /* a vfork(2) child before its exec: the parent's scan covers it */
	bool has_seccomp_filter; /* then no system call of ours is put into it */
	bool is_foreign;         /* of another architecture or ABI: its mappings are read from /proc */
	bool is_elsewhere;       /* another root or mount namespace: its paths are not ours */
	bool is_half_seen;       /* a task of it was let be: its mappings and directory may change unseen */
	bool is_released;        /* let go: only the ends of its tasks are still awaited */
	char *working_directory; /* NULL: not known (yet) */
	struct descriptors descriptors;
	struct process *next; /* in the proctree's list */
};

struct task {
	pid_t tid;
	struct process *process;
	bool is_exiting;
	bool is_wanted; /* tracee_interrupt() was sent: to be released at the next stop */
	/* The system call that it is in, from its entry stop. */
	bool in_syscall;     /* or at its exit; changed by proctree_set_in_syscall() */
	bool wants_exit;     /* the call's exit says something */
	bool is_let_be;      /* its calls are not stopped at for now; changed by proctree_let_be() */
	unsigned int n_idle; /* stops since it used a file */
	uint64_t nr;
	uint64_t args[6];
	uint64_t on_cpu_ns; /* in all, when it was last looked at; 0: never yet */
	uint64_t short_ns;  /* and how long it ran since, in pieces so short that it was not looked at */
	struct task *next;  /* in its bucket */
};

struct proctree {
	struct task *buckets[PROCTREE_N_BUCKETS];
	struct process *processes;
	size_t n_tasks;
	size_t n_in_syscall; /* of them */
	size_t n_let_be;     /* of the others */
};

void proctree_release(struct proctree *self);

struct task *proctree_find(const struct proctree *self, pid_t tid);

/*
 * Adds a task, and its process where it is the first of it; ret_is_new_process says so, and then the
 * process has no address space yet. 0 or -ENOMEM.
 */
must_check int proctree_add(struct proctree *self, pid_t tid, const struct procfs_status *status,
			    struct task **ret_task, bool *ret_is_new_process);

struct process *proctree_find_process(const struct proctree *self, pid_t pid);

/* A task by which the address space of a process can be looked at: the leader, unless it exited before its
 * threads. 0: none is left. */
pid_t proctree_living_task(const struct proctree *self, const struct process *process);

/* Does the task execute nothing of its program from now on, for a while or, at its exit, for ever? */
void proctree_set_in_syscall(struct proctree *self, struct task *task, bool in_syscall);

/* Does the task, which is in no system call, go on without stops at them? */
void proctree_let_be(struct proctree *self, struct task *task, bool is_let_be);

/* Forgets a task, and its process with its last one. */
void proctree_remove(struct proctree *self, struct task *task);

/* True if path resolution in the process may differ from ours (another root or mount namespace, or it
 * cannot be told). */
bool process_is_elsewhere(pid_t pid);

#endif
