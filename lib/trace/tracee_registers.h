/* tracee_registers.h - what differs between architectures, for tracee.c alone. */
#ifndef PBRUN_TRACEE_REGISTERS_H
#define PBRUN_TRACEE_REGISTERS_H

#include <linux/audit.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "trace/tracee.h"

#if defined(__x86_64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_X86_64
#define X32_SYSCALL_BIT 0x40000000u
static const unsigned char syscall_instruction[] = { 0x0f, 0x05 };

static inline void registers_for_call(struct user_regs_struct *regs, uint64_t instruction,
				      const struct tracee_call *call)
{
	regs->rip = instruction;
	regs->rax = (unsigned long)call->nr;
	regs->orig_rax = (unsigned long)-1; /* else the kernel might restart the interrupted call */
	regs->rdi = call->args[0];
	regs->rsi = call->args[1];
	regs->rdx = call->args[2];
	regs->r10 = call->args[3];
	regs->r8 = call->args[4];
	regs->r9 = call->args[5];
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
static const unsigned char syscall_instruction[] = { 0x01, 0x00, 0x00, 0xd4 }; /* svc #0 */

static inline void registers_for_call(struct user_regs_struct *regs, uint64_t instruction,
				      const struct tracee_call *call)
{
	regs->pc = instruction;
	regs->regs[8] = (unsigned long)call->nr;
	for (size_t i = 0; i < 6; i++)
		regs->regs[i] = call->args[i];
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
#error "tracee_registers.h knows x86_64 and aarch64: add the architecture's registers and syscall instruction"
#endif

#endif
