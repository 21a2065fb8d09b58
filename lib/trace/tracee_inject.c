/* tracee_inject.c - system calls that a stopped task makes for us. */
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "sys/procfs.h"
#include "trace/tracee_private.h"
#include "trace/tracee_registers.h"

struct injection {
	struct tracee_stop *stop;
	struct stub stub;
	struct user_regs_struct resumed; /* with what the task goes on behind the stub */
	uint64_t mask;
	size_t n_returned;
	int signal;          /* on its way to the task */
	bool owes_interrupt; /* a stop was run through: to be asked for again */
};

/* Where in the task's vDSO a stub may lie. The image is the same as our own, placed elsewhere. 0: nowhere. */
static uint64_t find_place(pid_t tid)
{
	const void *image = (const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	unsigned char header[64];
	unsigned char room[STUB_MAX_BYTES];
	size_t offset = image ? stub_find_room(image) : 0;
	uint64_t theirs = offset ? procfs_read_auxv(tid, AT_SYSINFO_EHDR) : 0;

	if (!theirs || tracee_read_memory(tid, theirs, header, sizeof(header)) != (ssize_t)sizeof(header) ||
	    memcmp(header, image, sizeof(header)) != 0 ||
	    tracee_read_memory(tid, theirs + offset, room, sizeof(room)) != (ssize_t)sizeof(room) ||
	    !stub_fits(room))
		return 0;
	return theirs + offset;
}

static bool write_stub(pid_t tid, const struct stub *stub)
{
	for (size_t i = 0; i < stub->n_bytes; i += sizeof(unsigned long)) {
		unsigned long word;

		memcpy(&word, stub->bytes + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, tid, stub->address + i, word) < 0)
			return false;
	}
	return true;
}

/*
 * Puts the stub in front of what the task was about to do. It is whole before the task is sent there, and the
 * signals are blocked when it is there already, to be unblocked by it: at each step the tracer may die.
 */
static int begin(struct injection *self, const struct stub_call *calls, size_t n_calls)
{
	pid_t tid = self->stop->tid;
	bool has_handlers = self->stop->event != TRACEE_EXECED;
	uint64_t blocked_mask = ~UINT64_C(0);
	uint64_t place;

	if (!tracee_get_registers(tid, &self->resumed))
		return -ENOSYS;
	if (has_handlers && ptrace(PTRACE_GETSIGMASK, tid, sizeof(self->mask), &self->mask) < 0)
		return -ENOSYS;
	if (is_to_be_restarted(&self->resumed))
		return -EBUSY;
	if (!has_handlers)
		set_result(&self->resumed, 0); /* of the exec, at its end */
	forget_call(&self->resumed);
	place = find_place(tid);
	if (!place)
		return -ENOENT;
	int r = stub_build(&self->stub, place, &self->resumed, calls, n_calls,
			   has_handlers ? &self->mask : NULL);

	if (r < 0)
		return r;
	if (!write_stub(tid, &self->stub))
		return -ENOENT;
	struct user_regs_struct regs = self->resumed;

	set_instruction(&regs, self->stub.entry);
	tracee_set_registers(tid, &regs);
	/* A handler is to run on the task's own registers. */
	if (has_handlers)
		(void)ptrace(PTRACE_SETSIGMASK, tid, sizeof(blocked_mask), &blocked_mask);
	return 0;
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
	if (!tracee_has_moved_on(tid))
		(void)ptrace(PTRACE_SYSCALL, tid, 0, (unsigned long)self->signal);
	self->signal = 0;
	if (wait_for(tid, &status) < 0 || !WIFSTOPPED(status)) {
		self->stop->event = TRACEE_GONE;
		return -1;
	}
	if (PTRACE_STOP_EVENT(status) == PTRACE_EVENT_EXIT) {
		tracee_fill_exiting(self->stop);
		return -1;
	}
	return status;
}

static void note_what_was_passed(struct injection *self, int status)
{
	if (PTRACE_STOP_EVENT(status) == PTRACE_EVENT_STOP)
		self->owes_interrupt = true;
	else if (PTRACE_STOP_EVENT(status) == 0)
		self->signal = WSTOPSIG(status);
}

/* Runs through the calls of the stub, n_calls of which are the caller's. 0, -ESRCH, -EBUSY. */
static int run_through(struct injection *self, size_t n_calls,
		       void (*returned)(size_t index, int64_t result, void *context), void *context)
{
	enum { MAX_STOPS = 32 };
	const struct stub *stub = &self->stub;
	struct __ptrace_syscall_info info;

	for (int n_stops = 0; n_stops < MAX_STOPS; n_stops++) {
		int status = run_to_stop(self);

		if (status < 0)
			return -ESRCH;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			note_what_was_passed(self, status);
			continue;
		}
		if (!tracee_read_syscall_info(self->stop->tid, &info) ||
		    info.op != PTRACE_SYSCALL_INFO_EXIT ||
		    info.instruction_pointer != stub->call_ends[self->n_returned])
			continue;
		if (self->n_returned < n_calls)
			returned(self->n_returned, info.exit.rval, context);
		if (++self->n_returned == stub->n_calls)
			return 0;
	}
	return -EBUSY;
}

bool tracee_is_ending(const struct tracee_stop *stop)
{
	return stop->event == TRACEE_EXITING || stop->event == TRACEE_GONE;
}

int tracee_inject(struct tracee_stop *stop, const struct stub_call *calls, size_t n_calls,
		  void (*returned)(size_t index, int64_t result, void *context), void *context)
{
	struct injection self = { .stop = stop, .owes_interrupt = stop->is_job_control };
	int r = begin(&self, calls, n_calls);

	if (r < 0)
		return r;
	stop->is_job_control = false;
	r = run_through(&self, n_calls, returned, context);
	/* What the stub would do now, so that nobody sees the task in it. */
	if (r == 0)
		tracee_set_registers(stop->tid, &self.resumed);
	stop->signal = self.signal;
	if (self.owes_interrupt)
		tracee_interrupt(stop->tid);
	return r;
}

/* Fills in an exec of path on a stack as a new program finds it: the number of arguments, the arguments,
 * NULL, the environment. path is put below it, where nothing is yet. */
static int prepare_exec(pid_t tid, uint64_t stack, const char *path, uint64_t n_skipped,
			struct stub_call *ret_call)
{
	uint64_t n_args = 0;
	size_t size = strlen(path) + 1;
	uint64_t place = (stack - 4096 - size) & ~UINT64_C(15);
	struct iovec local = { .iov_base = (void *)(uintptr_t)path, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)place, .iov_len = size };

	if (tracee_read_memory(tid, stack, &n_args, sizeof(n_args)) != (ssize_t)sizeof(n_args) ||
	    n_skipped > n_args || process_vm_writev(tid, &local, 1, &remote, 1, 0) != (ssize_t)size)
		return -EIO;
	*ret_call = (struct stub_call){
		.nr = SYS_execve,
		.n_args = 3,
		.args = { place, stack + 8 * (1 + n_skipped), stack + 8 * (n_args + 2) },
	};
	return 0;
}

int tracee_release_to_exec(struct tracee_stop *stop, const char *path, uint64_t n_skipped)
{
	struct injection self = { .stop = stop };
	struct user_regs_struct regs;
	struct stub_call call;

	if (!tracee_get_registers(stop->tid, &regs))
		return -ENOSYS;
	int r = prepare_exec(stop->tid, stack_pointer(&regs), path, n_skipped, &call);

	if (r == 0)
		r = begin(&self, &call, 1);
	if (r == 0)
		tracee_release(stop);
	return r;
}
