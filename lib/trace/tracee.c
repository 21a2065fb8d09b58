/* tracee.c - attaches to tasks, waits for their stops, and lets them run on. */
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
#include "trace/tracee_private.h"
#include "trace/tracee_registers.h"

int tracee_seize(const struct tracer *tracer, pid_t tid)
{
	unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;

	if (tracer->births != TRACER_NOBODY)
		options |= PTRACE_O_TRACECLONE;
	if (tracer->births == TRACER_EVERYBODY)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
	return ptrace(PTRACE_SEIZE, tid, 0, options) < 0 ? -errno : 0;
}

bool tracee_has_moved_on(pid_t tid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       info.si_pid == tid;
}

static bool stops_at_calls(const struct tracer *tracer, const struct tracee_stop *stop)
{
	return (tracer->with_syscalls && !stop->without_syscall_stops) || tracer->watched_tid == stop->tid;
}

void tracee_resume(const struct tracer *tracer, const struct tracee_stop *stop)
{
	/* A stop that says nothing was not looked into: hardly time to be killed in. */
	if (stop->event != TRACEE_SYSCALL && tracee_has_moved_on(stop->tid))
		return;
	if (stop->is_job_control) /* it rests, and we hear of the end of that */
		(void)ptrace(PTRACE_LISTEN, stop->tid, 0, 0);
	else
		(void)ptrace(stops_at_calls(tracer, stop) ? PTRACE_SYSCALL : PTRACE_CONT, stop->tid, 0,
			     (unsigned long)stop->signal);
}

void tracee_release(const struct tracee_stop *stop)
{
	(void)ptrace(PTRACE_DETACH, stop->tid, 0, (unsigned long)stop->signal);
}

void tracee_interrupt(pid_t tid)
{
	(void)ptrace(PTRACE_INTERRUPT, tid, 0, 0);
}

bool tracee_read_syscall_info(pid_t tid, struct __ptrace_syscall_info *ret_info)
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
	if (!tracee_read_syscall_info(stop->tid, &info))
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

void tracee_fill_exiting(struct tracee_stop *stop)
{
	unsigned long message = 0;

	stop->event = TRACEE_EXITING;
	if (ptrace(PTRACE_GETEVENTMSG, stop->tid, 0, &message) == 0)
		stop->wait_status = (int)message;
}

bool tracee_get_registers(pid_t tid, struct user_regs_struct *ret_regs)
{
	struct iovec iov = { .iov_base = ret_regs, .iov_len = sizeof(*ret_regs) };

	/* A shorter register set is that of another ABI. */
	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) == 0 && iov.iov_len == sizeof(*ret_regs);
}

void tracee_set_registers(pid_t tid, const struct user_regs_struct *regs)
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

	if (is_job_control || !tracee_get_registers(tid, &regs) || !is_interrupted_wait(&regs))
		return;
	set_result(&regs, RESTART_WITHOUT_HANDLER);
	tracee_set_registers(tid, &regs);
}

static bool is_of_a_crash(int signal)
{
	return signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS || signal == SIGFPE ||
	       signal == SIGILL || signal == SIGSYS;
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
		if (tracer->with_crashes && is_of_a_crash(signal)) {
			stop->event = TRACEE_CRASHING;
			return true;
		}
		if (tracer->watched_tid == stop->tid) {
			stop->event = TRACEE_SIGNALLED;
			return true;
		}
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
		tracee_fill_exiting(stop);
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

		/* Tracees of any kind, but no children that were made to be unheard of. */
		stop.tid = waitpid(-1, &status, 0);
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

int tracee_read_start(const struct tracee_stop *stop, struct tracee_start *ret_start)
{
	struct user_regs_struct regs;
	uint64_t name = procfs_read_auxv(stop->tid, AT_EXECFN);

	if (!tracee_get_registers(stop->tid, &regs))
		return -ENOSYS;
	if (!name)
		return -ENOENT;
	*ret_start = (struct tracee_start){ .name = name, .args = stack_pointer(&regs) + 8 };
	return 0;
}
