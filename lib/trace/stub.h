/*
 * stub.h - machine code that makes system calls in a task and then goes on where the task stood.
 *
 * Whoever puts a stub into a stopped task changes one register: the instruction pointer. The stub does the
 * rest by itself, down to the registers and the signal mask. So it does not matter whether anybody looks on:
 * a tracer may die at any moment.
 *
 * It uses no stack, leaves the flags alone, and lies in the task's vDSO, behind the end of the image, in what
 * fills up its last page and is used by nobody (vdso(7)). A debugger puts breakpoints there in the same way:
 * the kernel gives the process a page of its own.
 */
#ifndef PBRUN_STUB_H
#define PBRUN_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "sys/cleanup.h"

enum { STUB_MAX_CALLS = 3, STUB_MAX_ARGS = 4, STUB_MAX_BYTES = 256 };

struct stub_call {
	long nr;
	size_t n_args;
	uint64_t args[STUB_MAX_ARGS];
	/* Is the first argument what the call before returned? */
	enum { STUB_ARGS_GIVEN, STUB_FIRST_IS_RESULT } source;
};

struct stub {
	uint64_t address; /* of its first byte in the task */
	uint64_t entry;   /* where the task is to begin */
	size_t n_calls;
	uint64_t call_ends[STUB_MAX_CALLS]; /* the instruction pointer when a call returns */
	size_t n_bytes;                     /* a multiple of 8 */
	unsigned char bytes[STUB_MAX_BYTES];
};

/*
 * Builds a stub for address. It makes the calls, one after the other whatever they return, sets the signal
 * mask to *mask (a call more; NULL: it does not), and goes on with regs. 0; -E2BIG more calls than
 * STUB_MAX_CALLS or bytes than STUB_MAX_BYTES; -ENOSYS not on this architecture.
 */
must_check int stub_build(struct stub *self, uint64_t address, const struct user_regs_struct *regs,
			  const struct stub_call *calls, size_t n_calls, const uint64_t *mask);

/* Where behind the end of a vDSO's image, whose pages lie at image, there is room for STUB_MAX_BYTES: an
 * offset. 0: nowhere, or there is something. */
size_t stub_find_room(const void *image);

/* Do bytes, STUB_MAX_BYTES of the task's vDSO at the place of stub_find_room(), hold nothing, or an earlier
 * stub? */
bool stub_fits(const unsigned char *bytes);

#endif
