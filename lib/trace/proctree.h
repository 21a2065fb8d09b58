/*
 * proctree.h - the tasks (threads), processes and address spaces that are being followed: who they are, and
 * what is remembered of each between the stops.
 */
#ifndef PBRUN_PROCTREE_H
#define PBRUN_PROCTREE_H

#include "sys/far_wait.h"
#include "sys/procfs.h"
#include "trace/descriptors.h"
#include "trace/syscall_table.h"
#include "trace/tracee.h"

#define PROCTREE_N_BUCKETS 256

/* An address space. More than one process has it after vfork(2), or clone(2) with CLONE_VM. */
struct space {
	uint32_t id; /* in events */
	unsigned int n_users;
	struct process *owner; /* the user through whom its pages are looked at */
	int uffd;              /* -1: none */
};

/* What is known of a process beyond who it is; the bits add up. */
enum process_flag {
	PROCESS_IS_FILTERED = 1 << 0,  /* by seccomp(2): then no system call of ours is put into it */
	PROCESS_IS_FOREIGN = 1 << 1,   /* of another architecture or ABI: its mappings are read from /proc */
	PROCESS_IS_ELSEWHERE = 1 << 2, /* another root or mount namespace: its paths are not ours */
	PROCESS_IS_HALF_SEEN = 1 << 3, /* its mappings, descriptors and directory may change unseen */
	PROCESS_IS_DETACHING = 1 << 4, /* each of its tasks is detached at its next stop */
	PROCESS_NEEDS_STOPS = 1 << 5,  /* none of its tasks is to run without them: detach_is_sanitized() */
	PROCESS_HAS_RUN = 1 << 6,      /* since its pages were last looked at */
	PROCESS_IS_LEAVING = 1 << 7,   /* as PROCESS_IS_DETACHING, but nobody is asked for a stop */
	PROCESS_SERVES_FILES = 1 << 8, /* detach_is_served_by() */
};

struct process {
	pid_t pid;
	unsigned int flags;         /* PROCESS_ bits */
	unsigned int n_living;      /* tasks that have not reached their exit */
	unsigned int n_known_tasks; /* and all of them */
	unsigned int n_in_syscall;  /* of all: neither TASK_RUNNING nor TASK_WITHOUT_STOPS */
	struct space *space;        /* NULL: none yet, or none any more */
	char *working_directory;    /* NULL: not known (yet) */
	struct descriptors descriptors;
	/* The exit stop of the first task to come to it when all of them are on their way; tid 0: none. */
	struct tracee_stop exit_stop;
	uint64_t exit_deadline_ns;
	struct far_wait far_wait;
	struct process *next; /* in the proctree's list */
};

enum task_state {
	TASK_RUNNING,       /* executes its program */
	TASK_IN_SYSCALL,    /* since its entry stop; or at its exit */
	TASK_WITHOUT_STOPS, /* executes its program, and is not stopped at its system calls for now */
	TASK_EXITING,       /* has reached its exit, and executes nothing any more */
};

/* The system call that a task is in, or was in last. */
struct task_call {
	const struct syscall_row *row;
	uint64_t nr;
	uint64_t args[6];
	bool needs_exit; /* its exit stop says something */
};

struct task {
	pid_t tid;
	struct process *process;
	enum task_state state; /* changed by proctree_set_state() */
	struct task_call call;
	unsigned int n_idle;    /* stops since it used a file */
	unsigned int n_dry;     /* stops since it opened, read or mapped one */
	unsigned int n_watched; /* stops that are left to it in a handler (detach_in_handler()); 0: in none */
	unsigned int n_nested;  /* so many other handlers have interrupted that one */
	uint64_t on_cpu_ns;     /* in all, when it was last looked at; 0: never yet */
	uint64_t short_ns;      /* and how long it ran since, in pieces so short that it was not looked at */
	struct task *next;      /* in its bucket */
};

struct proctree {
	struct task *buckets[PROCTREE_N_BUCKETS];
	struct process *processes;
	size_t n_tasks;
	size_t n_running;       /* of them: TASK_RUNNING */
	uint32_t last_space_id; /* that was given to anybody */
};

void proctree_release(struct proctree *self);

struct task *proctree_find(const struct proctree *self, pid_t tid);
struct process *proctree_find_process(const struct proctree *self, pid_t pid);
/* The process of a task. NULL: it is not followed. */
struct process *proctree_find_process_of(const struct proctree *self, pid_t tid);

/*
 * Adds a task, and its process where it is the first of it (then its n_known_tasks is 1), which has no
 * address space yet. 0 or -ENOMEM.
 */
must_check int proctree_add(struct proctree *self, pid_t tid, const struct procfs_status *status,
			    struct task **ret_task);

/* Forgets a task, and its process with its last one, which leaves its address space if it has one. */
void proctree_remove(struct proctree *self, struct task *task);

void proctree_set_state(struct proctree *self, struct task *task, enum task_state state);

/* A task by which the address space of a process can be looked at: the leader, unless it exited before its
 * threads. 0: none is left. */
pid_t proctree_living_task(const struct proctree *self, const struct process *process);

/* Gives a process that has none an address space of its own, without a userfaultfd. 0 or -ENOMEM. */
must_check int proctree_new_space(struct proctree *self, struct process *process);
/* Gives a process that has none the address space of another. */
void proctree_share_space(struct process *process, const struct process *other);
/* Takes a process's address space from it, if it has one: it goes to the other users of it. Without any, it
 * is freed, its userfaultfd closed, and its number is returned, else 0. */
uint32_t proctree_leave_space(struct proctree *self, struct process *process);
/* Is it looked at through this process? */
bool process_owns_space(const struct process *process);

/* Finds out whether path resolution in the process may differ from ours: PROCESS_IS_ELSEWHERE, also if it
 * cannot be told. */
void process_find_elsewhere(struct process *self);

#endif
