/* tracee_private.h - what tracee.c and tracee_inject.c share. */
#ifndef PBRUN_TRACEE_PRIVATE_H
#define PBRUN_TRACEE_PRIVATE_H

#include <sys/user.h>

#include "trace/tracee.h"

/* The kind of a PTRACE_EVENT_ stop; 0: a signal's or a system call's. */
#define PTRACE_STOP_EVENT(status) ((unsigned int)(status) >> 16)

/* A task that was killed where it stood may stand before its exit by now, which waitpid(2) has yet to tell:
 * resumed there, it would be gone without a last look. */
bool tracee_has_moved_on(pid_t tid);

/* What PTRACE_GET_SYSCALL_INFO (since Linux 5.3) says. False: the task is gone. */
struct __ptrace_syscall_info;
bool tracee_read_syscall_info(pid_t tid, struct __ptrace_syscall_info *ret_info);

/* Makes a TRACEE_EXITING of a stop. */
void tracee_fill_exiting(struct tracee_stop *stop);

/* False: the task is gone, or has the registers of another ABI. */
bool tracee_get_registers(pid_t tid, struct user_regs_struct *ret_regs);
void tracee_set_registers(pid_t tid, const struct user_regs_struct *regs);

#endif
