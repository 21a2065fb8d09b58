/*
 * seccomp.h - filters that kill.
 *
 * A filter of system calls (seccomp(2)) that refuses one is no trouble. One that kills for it would kill the
 * program that pbrun was to become: for calls that a launcher makes, and an ordinary program does not.
 */
#ifndef PBRUN_SECCOMP_H
#define PBRUN_SECCOMP_H

#include <stdbool.h>

/* A child that makes the calls is waited for so long. */
#define SECCOMP_PATIENCE_MS 1000

/*
 * Is there a filter that kills for a call that a launch needs? Where there is a filter at all, a child makes
 * these calls, with arguments that do nothing, and dies of it or not. The child is one of which its parent
 * gets no signal. A child that does not come back counts as killed.
 */
bool seccomp_kills(void);

#endif
