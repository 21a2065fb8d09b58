/*
 * agent.h - the agent that is loaded into programs which may not be traced (agent/agent.c): where it is, and
 * how the program is given it.
 */
#ifndef PBRUN_AGENT_H
#define PBRUN_AGENT_H

/*
 * The agent that belongs to this pbrun: installed beside it, or built beside it. Only one that the user or
 * root could have put there (trust.h). NULL: there is none, or what is in the environment or in the limits
 * speaks against it. To be freed.
 */
char *agent_find(void);

/* Puts into the environment what loads the agent at the next exec(2), with the descriptor. The agent takes it
 * out again, and closes the descriptor. If there is none, closes it here. */
void agent_load(int fd);

#endif
