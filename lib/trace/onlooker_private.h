/*
 * onlooker_private.h - what the files of onlooker share.
 *
 *     onlooker.c        finds processes, and knows the time
 *     onlooker_agent.c  what an agent in them tells
 */
#ifndef PBRUN_ONLOOKER_PRIVATE_H
#define PBRUN_ONLOOKER_PRIVATE_H

#include "trace/agent_log.h"
#include "trace/mapped_files.h"
#include "trace/onlooker.h"

#define ONLOOKER_MAX_PROCESSES 64

struct seen_process {
	pid_t pid;
	uint32_t space;
	uint64_t mark; /* procfs_exec_mark() */
	enum { AT_THIS_LOOK, BEFORE } last_seen;
};

struct onlooker_state {
	struct follow_options options;
	pid_t pid;
	int pidfd;
	uint64_t launcher_mark;
	size_t n_launcher_filters;
	struct seen_process processes[ONLOOKER_MAX_PROCESSES];
	size_t n_processes;
	uint32_t n_spaces;
	uint64_t last_new_ns;
	struct mapped_files maps;
	struct agent_log agent;
	struct seen_process
		told; /* of whom the agent has told the maps, and is to tell the pages; space 0: of none */
	bool told_before_exec;
	int error; /* of emit() */
};

/* Tells, with the process's id, the number of its address space and the time filled in. at_ns: of
 * CLOCK_MONOTONIC; 0: now. */
void onlooker_emit(struct onlooker *self, const struct seen_process *process, uint64_t at_ns,
		   struct event event);
/* Tells what is mapped, as it was read into maps. */
void onlooker_emit_maps(struct onlooker *self, const struct seen_process *process, uint64_t at_ns);
/* The address space of process was left: its pages were used before an exec, or by another process. */
void onlooker_leave_space(struct onlooker *self, const struct seen_process *process, uint64_t at_ns);

/* onlooker_agent.c: tells what the agent has told since. */
void onlooker_listen(struct onlooker *self, enum agent_log_end end);

#endif
