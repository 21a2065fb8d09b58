/* tracee_registers.h - what differs between architectures, for tracee*.c alone. */
#ifndef PBRUN_TRACEE_REGISTERS_H
#define PBRUN_TRACEE_REGISTERS_H

#include <linux/audit.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "trace/tracee.h"

#if defined(__x86_64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_X86_64
#define X32_SYSCALL_BIT 0x40000000u

static inline void set_instruction(struct user_regs_struct *regs, uint64_t address)
{
	regs->rip = address;
}

/* Nothing of the call in which the task stands is to be begun again. */
static inline void forget_call(struct user_regs_struct *regs)
{
	regs->orig_rax = (unsigned long)-1;
}

/* Is the kernel about to begin an interrupted call again? -ERESTARTSYS to -ERESTART_RESTARTBLOCK,
 * linux/errno.h */
static inline bool is_to_be_restarted(const struct user_regs_struct *regs)
{
	return (int64_t)regs->orig_rax >= 0 && (int64_t)regs->rax <= -512 && (int64_t)regs->rax >= -516;
}

static inline uint64_t stack_pointer(const struct user_regs_struct *regs)
{
	return regs->rsp;
}

static inline void set_result(struct user_regs_struct *regs, int64_t result)
{
	regs->rax = (unsigned long)result;
}

/* Does it come from a call that waits, that failed because of a signal, and that the kernel does not begin
 * again? signal(7) */
static inline bool is_interrupted_wait(const struct user_regs_struct *regs)
{
	static const uint64_t waits[] = { SYS_epoll_wait, SYS_epoll_pwait,     SYS_epoll_pwait2,
					  SYS_semop,      SYS_semtimedop,      SYS_recvfrom,
					  SYS_recvmsg,    SYS_recvmmsg,        SYS_accept,
					  SYS_accept4,    SYS_rt_sigtimedwait, SYS_io_getevents };

	if ((int64_t)regs->rax != -EINTR)
		return false;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (regs->orig_rax == waits[i])
			return true;
	return false;
}

#elif defined(__aarch64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_AARCH64
#define X32_SYSCALL_BIT 0u

static inline void set_instruction(struct user_regs_struct *regs, uint64_t address)
{
	regs->pc = address;
}

static inline void forget_call(struct user_regs_struct *regs)
{
	(void)regs; /* the number of the call is kept elsewhere */
}

static inline bool is_to_be_restarted(const struct user_regs_struct *regs)
{
	return (int64_t)regs->regs[0] <= -512 && (int64_t)regs->regs[0] >= -516;
}

static inline uint64_t stack_pointer(const struct user_regs_struct *regs)
{
	return regs->sp;
}

static inline void set_result(struct user_regs_struct *regs, int64_t result)
{
	regs->regs[0] = (unsigned long)result;
}

/* At the stop for a signal the kernel has looked at the result already. */
static inline bool is_interrupted_wait(const struct user_regs_struct *regs)
{
	(void)regs;
	return false;
}

#else
#error "tracee_registers.h knows x86_64 and aarch64: add the architecture's registers"
#endif

#endif
