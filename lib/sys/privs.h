/*
 * privs.h - giving up what pbrun was granted and its caller was not. libcap is used in privs.c alone.
 */
#ifndef PBRUN_PRIVS_H
#define PBRUN_PRIVS_H

#include <stdbool.h>

#include "sys/cleanup.h"

/*
 * Gives up, for good, whatever this process has because of pbrun's own file (setuid, setgid, file
 * capabilities): where the file is setuid or setgid, effective and saved ids become the real ones; without
 * real uid 0 the permitted and effective capabilities shrink to the ambient set, which is just what an exec
 * of an ordinary program would leave (capabilities(7)). What the caller had is not touched: a program started
 * by root is root's. Makes /proc/self readable again where the kernel hid it (PR_SET_DUMPABLE). Does nothing,
 * cheaply, when nothing was granted. 0 or -errno; on failure the process must not go on to run the program
 * with what is left, and exits 125.
 */
must_check int privs_drop_granted(void);

/* Has this process the capability to trace any other (CAP_SYS_PTRACE)? Then an exec that it traces raises
 * privileges as one that nobody traces (ptracer_capable() in the kernel's security/commoncap.c). */
bool privs_may_trace_all(void);

#endif
