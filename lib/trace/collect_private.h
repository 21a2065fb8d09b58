/* collect_private.h - what the loop of collect.c and the stops of collect_stops.c share. */
#ifndef PBRUN_COLLECT_PRIVATE_H
#define PBRUN_COLLECT_PRIVATE_H

#include "record/fileuse.h"
#include "trace/collect.h"
#include "trace/onecpu.h"
#include "trace/proctree.h"

struct collect_state {
	struct collect_options options;
	struct tracer tracer;
	struct proctree tree;
	struct fileuse fileuse;
	struct procmaps_text maps_text;
	pid_t main_pid;
	struct onecpu onecpu;
	uint64_t running_ns; /* since the exec, while nobody stood still for us or waited for the disk */
	pid_t last_tid;      /* that stopped last */
	uint64_t n_stops_in_company; /* while others were executing, too */
	uint64_t last_new_ns;        /* when something new was last seen */
	uint64_t next_scan_ns;
	uint64_t last_n_new;
	struct tracee_stop main_stop; /* at COLLECT_MAIN_EXITING */
	bool holds_main;
	bool main_is_gone;
	/* An attacher that waits, at its entry, for a process to be let go. */
	struct tracee_stop waiting_stop;
	bool has_waiting_stop;
	uint64_t waiting_deadline_ns;
};

/* The time since the exec without what the stops took, as extents have it: about that of an untraced program.
 */
uint32_t collect_use_time_us(const struct collect *self);

/* Looks at the pages of every process. 0 or -ENOMEM. */
must_check int collect_scan_all(struct collect *self);

/* Takes in one event of a task. 0 or -errno. */
must_check int collect_dispatch(struct collect *self, struct tracee_stop *stop);

/* NULL: the task is not followed. */
struct process *collect_find_process_of(const struct collect *self, pid_t tid);
/* Lets the attacher go on that waited for a process to be let go. */
void collect_resume_waiting(struct collect *self);

#endif
