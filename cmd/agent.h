/*
 * agent.h - the agent that is loaded into programs which may not be traced (agent/agent.c): where it is, and
 * how the program is given it.
 */
#ifndef PBRUN_AGENT_H
#define PBRUN_AGENT_H

#include "sys/cleanup.h"

/*
 * The agent that belongs to this pbrun: installed beside it, or built beside it. Only one that the user or
 * root could have put there. 0 and its path, to be freed; -ENOENT: there is none; -EOPNOTSUPP: what is in the
 * environment or in the limits speaks against it; -EILSEQ: its path has a character
 * that LD_PRELOAD cannot name; what trust_check_file() and trust_open_directory() say; -ENOMEM.
 */
must_check int agent_find(char **ret_path);

/* Puts into the environment what loads the agent at path at the next exec(2), with the descriptor. The agent
 * takes it out again, and closes the descriptor. Without memory, closes it here. */
void agent_load(int fd, const char *path);

#endif
