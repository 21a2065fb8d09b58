/*
 * agent_fit.h - which programs the agent (agent/) may be loaded into.
 */
#ifndef PBRUN_AGENT_FIT_H
#define PBRUN_AGENT_FIT_H

#include <stdbool.h>

/*
 * May the program at path, or the interpreter of that script, be given the agent by LD_PRELOAD? It has to
 * have the dynamic loader and the C library that own_program (pbrun itself) has: so no static program, none
 * of another architecture or C library, in which nobody would take the agent out of the environment. And no
 * sanitizer, whose libraries insist on being the first. That it gets no privileges by its file is for the
 * caller to know.
 */
bool agent_fits(const char *path, const char *own_program);

#endif
