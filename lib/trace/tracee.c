#include "trace/tracee.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "sys/procfs.h"
#include "trace/tracee_registers.h"

#define PTRACE_STOP_EVENT(status) ((unsigned int)(status) >> 16)

int tracee_seize(const struct tracer *tracer, pid_t tid)
{
	unsigned long options =
		PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE;

	if (tracer->with_children)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
	return ptrace(PTRACE_SEIZE, tid, 0, options) < 0 ? -errno : 0;
}

/* A task that was killed where it stood may stand before its exit by now, which waitpid(2) has yet to tell:
 * resumed there, it would be gone without a last look. */
static bool has_moved_on(pid_t tid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       info.si_pid == tid;
}

void tracee_resume(const struct tracer *tracer, const struct tracee_stop *stop)
{
	/* A stop that says nothing was not looked into: hardly time to be killed in. */
	if (stop->event != TRACEE_SYSCALL && has_moved_on(stop->tid))
		return;
	if (stop->is_job_control) /* it rests, and we hear of the end of that */
		(void)ptrace(PTRACE_LISTEN, stop->tid, 0, 0);
	else
		(void)ptrace(tracer->with_syscalls && !stop->lets_be ? PTRACE_SYSCALL : PTRACE_CONT,
			     stop->tid, 0, (unsigned long)stop->signal);
}

void tracee_release(const struct tracee_stop *stop)
{
	(void)ptrace(PTRACE_DETACH, stop->tid, 0, (unsigned long)stop->signal);
}

void tracee_interrupt(pid_t tid)
{
	(void)ptrace(PTRACE_INTERRUPT, tid, 0, 0);
}

/* What PTRACE_GET_SYSCALL_INFO (since Linux 5.3) says. False: the task is gone. */
static bool read_syscall_info(pid_t tid, struct __ptrace_syscall_info *ret_info)
{
	memset(ret_info, 0, sizeof(*ret_info));
	return ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(*ret_info), ret_info) > 0;
}

void tracee_read_syscall(struct tracee_stop *stop)
{
	struct __ptrace_syscall_info info;

	stop->is_native = false;
	stop->event = TRACEE_SYSCALL_EXIT;
	stop->result = -ENOSYS;
	if (!read_syscall_info(stop->tid, &info))
		return;
	stop->is_native = info.arch == NATIVE_AUDIT_ARCH;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		stop->event = TRACEE_SYSCALL_ENTRY;
		stop->nr = info.entry.nr;
		if (stop->nr & X32_SYSCALL_BIT)
			stop->is_native = false;
		for (size_t i = 0; i < 6; i++)
			stop->args[i] = info.entry.args[i];
	} else {
		stop->result = info.exit.rval;
	}
}

static void fill_exiting(struct tracee_stop *stop)
{
	unsigned long message = 0;

	stop->event = TRACEE_EXITING;
	if (ptrace(PTRACE_GETEVENTMSG, stop->tid, 0, &message) == 0)
		stop->wait_status = (int)message;
}

static bool get_registers(pid_t tid, struct user_regs_struct *ret_regs)
{
	struct iovec iov = { .iov_base = ret_regs, .iov_len = sizeof(*ret_regs) };

	/* A shorter register set is that of another ABI. */
	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) == 0 && iov.iov_len == sizeof(*ret_regs);
}

static void set_registers(pid_t tid, const struct user_regs_struct *regs)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)regs, .iov_len = sizeof(*regs) };

	(void)ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov);
}

/*
 * The kernel wakes a traced task also for a signal that it ignores, and some calls in which it may wait then
 * fail. Marked as ERESTARTNOHAND (linux/errno.h), the call is begun again unless a handler is to run.
 */
static void keep_waiting(pid_t tid, int signal)
{
	enum { RESTART_WITHOUT_HANDLER = -514 };
	struct user_regs_struct regs;
	bool is_job_control = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
			      signal == SIGTTOU || signal == SIGCONT;

	if (is_job_control || !get_registers(tid, &regs) || !is_interrupted_wait(&regs))
		return;
	set_result(&regs, RESTART_WITHOUT_HANDLER);
	set_registers(tid, &regs);
}

/* Sorts one wait status. False: it was dealt with here, the task runs on. */
static bool classify(const struct tracer *tracer, int status, struct tracee_stop *stop)
{
	int signal = WSTOPSIG(status);
	unsigned long message = 0;

	switch (PTRACE_STOP_EVENT(status)) {
	case 0:
		if (signal == (SIGTRAP | 0x80)) {
			stop->event = TRACEE_SYSCALL;
			return true;
		}
		stop->signal = signal; /* on its way to the task */
		keep_waiting(stop->tid, signal);
		break;
	case PTRACE_EVENT_STOP:
		stop->event = TRACEE_STOPPED;
		stop->is_job_control = signal != SIGTRAP;
		return true;
	case PTRACE_EVENT_EXEC:
		stop->event = TRACEE_EXECED;
		if (ptrace(PTRACE_GETEVENTMSG, stop->tid, 0, &message) == 0)
			stop->former_tid = (pid_t)message;
		return true;
	case PTRACE_EVENT_EXIT:
		fill_exiting(stop);
		return true;
	default: /* fork, vfork, clone: the child reports by itself */
		break;
	}
	tracee_resume(tracer, stop);
	return false;
}

int tracee_wait(const struct tracer *tracer, struct tracee_stop *ret_stop)
{
	for (;;) {
		struct tracee_stop stop = { 0 };
		int status = 0;

		stop.tid = waitpid(-1, &status, __WALL);
		if (stop.tid < 0) {
			if (errno != EINTR && errno != ECHILD)
				return -errno;
			stop.event = errno == EINTR ? TRACEE_NOTHING : TRACEE_NONE_LEFT;
		} else if (!WIFSTOPPED(status)) {
			stop.event = TRACEE_GONE;
		} else if (!classify(tracer, status, &stop)) {
			continue;
		}
		*ret_stop = stop;
		return 0;
	}
}

ssize_t tracee_read_memory(pid_t tid, uint64_t address, void *ret_data, size_t size)
{
	struct iovec local = { .iov_base = ret_data, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

/* Where our own vDSO has a syscall instruction, as an offset from its start. 0: nowhere. */
static uint64_t syscall_offset_in_vdso(void)
{
	const unsigned char *vdso = (const unsigned char *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)vdso;

	if (!vdso)
		return 0;
	const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(const void *)(vdso + header->e_phoff);

	for (size_t i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type != PT_LOAD || !(segment[i].p_flags & PF_X))
			continue;
		const unsigned char *found = memmem(vdso + segment[i].p_offset, segment[i].p_filesz,
						    syscall_instruction, sizeof(syscall_instruction));

		if (found)
			return (uint64_t)(found - vdso);
	}
	return 0;
}

/* The address of a syscall instruction in the task's vDSO: the same image as our own, placed elsewhere.
 * 0: there is none. */
static uint64_t find_syscall_instruction(pid_t tid)
{
	uint64_t offset = syscall_offset_in_vdso();
	uint64_t vdso = offset ? procfs_read_auxv(tid, AT_SYSINFO_EHDR) : 0;

	return vdso ? vdso + offset : 0;
}

struct injection {
	struct tracee_stop *stop;
	uint64_t instruction;
	struct user_regs_struct saved;
	uint64_t saved_mask;
	int signal;          /* SIGSTOP on its way to the task: no mask holds it back */
	bool owes_interrupt; /* a stop was run through: to be asked for again */
};

static void start_call(struct injection *self, const struct tracee_call *call)
{
	struct user_regs_struct regs = self->saved;

	registers_for_call(&regs, self->instruction, call);
	set_registers(self->stop->tid, &regs);
}

/* As waitpid(2), whatever timers interrupt it: the task is at a call that does not wait. */
static pid_t wait_for(pid_t tid, int *ret_status)
{
	pid_t r;

	do
		r = waitpid(tid, ret_status, __WALL);
	while (r < 0 && errno == EINTR);
	return r;
}

/* Lets the task run to its next stop. Returns its wait status, or -1: see self->stop. */
static int run_to_stop(struct injection *self)
{
	pid_t tid = self->stop->tid;
	int status = 0;

	/* If that fails it was killed where it stood, and its exit is the next to be heard of. */
	if (!has_moved_on(tid))
		(void)ptrace(PTRACE_SYSCALL, tid, 0, (unsigned long)self->signal);
	self->signal = 0;
	if (wait_for(tid, &status) < 0 || !WIFSTOPPED(status)) {
		self->stop->event = TRACEE_GONE;
		return -1;
	}
	if (PTRACE_STOP_EVENT(status) == PTRACE_EVENT_EXIT) {
		fill_exiting(self->stop);
		return -1;
	}
	return status;
}

static void note_what_was_passed(struct injection *self, int status)
{
	if (PTRACE_STOP_EVENT(status) == PTRACE_EVENT_STOP)
		self->owes_interrupt = true;
	else if (WSTOPSIG(status) == SIGSTOP)
		self->signal = SIGSTOP;
}

/* Runs to the next system call stop. Its kind in PTRACE_SYSCALL_INFO_, -EINTR, -EBUSY. */
static int run_to_call(struct injection *self, struct __ptrace_syscall_info *ret_info)
{
	enum { MOST_STOPS = 32 };

	for (int n_stops = 0; n_stops < MOST_STOPS; n_stops++) {
		int status = run_to_stop(self);

		if (status < 0)
			return -EINTR;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && read_syscall_info(self->stop->tid, ret_info))
			return ret_info->op;
		note_what_was_passed(self, status);
	}
	return -EBUSY;
}

/* One call, begun to end. 0 and its result, -EINTR, -EBUSY. */
static int run_call(struct injection *self, const struct tracee_call *call, int64_t *ret_result)
{
	struct __ptrace_syscall_info info;

	start_call(self, call);
	int kind = run_to_call(self, &info);

	if (kind == PTRACE_SYSCALL_INFO_EXIT) {
		/* The end of the call in which the task stood, and it wrote its result just now. */
		set_result(&self->saved, info.exit.rval);
		start_call(self, call);
		kind = run_to_call(self, &info);
	}
	if (kind == PTRACE_SYSCALL_INFO_ENTRY)
		kind = run_to_call(self, &info);
	if (kind < 0)
		return kind;
	*ret_result = info.exit.rval;
	return kind == PTRACE_SYSCALL_INFO_EXIT ? 0 : -EBUSY;
}

static int injection_begin(struct injection *self)
{
	pid_t tid = self->stop->tid;
	uint64_t blocked_mask = ~UINT64_C(0);

	if (!get_registers(tid, &self->saved))
		return -ENOSYS;
	self->instruction = find_syscall_instruction(tid);
	if (!self->instruction)
		return -ENOENT;
	/* No handler may start on registers that are not the task's own. */
	if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(self->saved_mask), &self->saved_mask) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, tid, sizeof(blocked_mask), &blocked_mask) < 0)
		return -ENOSYS;
	return 0;
}

static void injection_end(struct injection *self)
{
	pid_t tid = self->stop->tid;

	(void)ptrace(PTRACE_SETSIGMASK, tid, sizeof(self->saved_mask), &self->saved_mask);
	if (self->owes_interrupt)
		tracee_interrupt(tid);
}

int tracee_inject(struct tracee_stop *stop,
		  bool (*prepare)(int64_t result, struct tracee_call *ret_call, void *context), void *context)
{
	struct injection self = { .stop = stop, .owes_interrupt = stop->is_job_control };
	struct tracee_call call = { 0 };
	int64_t result = 0;
	int r = injection_begin(&self);

	if (r < 0)
		return r;
	stop->is_job_control = false;
	while (r == 0 && prepare(result, &call, context))
		r = run_call(&self, &call, &result);
	if (r != -EINTR)
		set_registers(stop->tid, &self.saved);
	stop->signal = self.signal;
	injection_end(&self);
	return r;
}

int tracee_read_start(const struct tracee_stop *stop, struct tracee_start *ret_start)
{
	struct user_regs_struct regs;
	uint64_t name = procfs_read_auxv(stop->tid, AT_EXECFN);

	if (!get_registers(stop->tid, &regs))
		return -ENOSYS;
	if (!name)
		return -ENOENT;
	*ret_start = (struct tracee_start){ .name = name, .args = stack_pointer(&regs) + 8 };
	return 0;
}

/* Fills in an exec of path on a stack as a new program finds it: the number of arguments, the arguments,
 * NULL, the environment. path is put below it, where nothing is yet. */
static int prepare_exec(pid_t tid, uint64_t stack, const char *path, uint64_t n_skipped,
			struct tracee_call *ret_call)
{
	uint64_t n_args = 0;
	size_t size = strlen(path) + 1;
	uint64_t place = (stack - 4096 - size) & ~UINT64_C(15);
	struct iovec local = { .iov_base = (void *)(uintptr_t)path, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)place, .iov_len = size };

	if (tracee_read_memory(tid, stack, &n_args, sizeof(n_args)) != (ssize_t)sizeof(n_args) ||
	    n_skipped > n_args || process_vm_writev(tid, &local, 1, &remote, 1, 0) != (ssize_t)size)
		return -EIO;
	*ret_call = (struct tracee_call){
		.nr = SYS_execve, .args = { place, stack + 8 * (1 + n_skipped), stack + 8 * (n_args + 2) }
	};
	return 0;
}

int tracee_release_to_exec(struct tracee_stop *stop, const char *path, uint64_t n_skipped)
{
	struct injection self = { .stop = stop };
	struct __ptrace_syscall_info info;
	struct tracee_call call;
	int r = injection_begin(&self);

	if (r < 0)
		return r;
	r = prepare_exec(stop->tid, stack_pointer(&self.saved), path, n_skipped, &call);
	if (r == 0)
		r = run_to_call(&self, &info); /* the exec's own end still writes a result */
	if (r >= 0)
		start_call(&self, &call);
	stop->signal = self.signal;
	injection_end(&self);
	if (r >= 0)
		tracee_release(stop);
	return r < 0 ? r : 0;
}
