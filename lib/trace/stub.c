/* stub.c - writes the machine code of stub.h. */
#include "trace/stub.h"

#include <assert.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

/* It begins with a mark, by which an earlier one is known, and the signal mask. */
static const unsigned char mark[8] = "pbrun-st";
enum { MASK_OFFSET = 8, ENTRY_OFFSET = 16 };

static bool is_zero(const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

bool stub_fits(const unsigned char *bytes)
{
	return memcmp(bytes, mark, sizeof(mark)) == 0 || is_zero(bytes, STUB_MAX_BYTES);
}

/* Where an ELF file ends that was loaded as one piece. 0: it is none. */
static size_t find_end(const unsigned char *image)
{
	const ElfW(Ehdr) *header = (const void *)image;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	const ElfW(Phdr) *segments = (const void *)(image + header->e_phoff);
	size_t end = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;

	for (size_t i = 0; i < header->e_phnum; i++)
		if (segments[i].p_offset + segments[i].p_memsz > end)
			end = segments[i].p_offset + segments[i].p_memsz;
	return end;
}

size_t stub_find_room(const void *image)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t start = (find_end(image) + 15) & ~(size_t)15;
	size_t end = (start + page - 1) & ~(page - 1);

	if (start == 0 || end - start < STUB_MAX_BYTES ||
	    !is_zero((const unsigned char *)image + start, STUB_MAX_BYTES))
		return 0;
	return start;
}

#if defined(__x86_64__)

/* As instructions number them. */
enum { RAX = 0, RCX = 1, RDX = 2, RSI = 6, RDI = 7, R10 = 10, R11 = 11 };

static void emit(struct stub *self, const void *bytes, size_t n)
{
	memcpy(self->bytes + self->n_bytes, bytes, n);
	self->n_bytes += n;
}

/* movabs $value, %reg */
static void emit_load(struct stub *self, unsigned int reg, uint64_t value)
{
	unsigned char opcode[] = { (unsigned char)(0x48 | reg >> 3), (unsigned char)(0xb8 | (reg & 7)) };

	emit(self, opcode, sizeof(opcode));
	emit(self, &value, sizeof(value));
}

static void emit_call(struct stub *self, const struct stub_call *call)
{
	static const unsigned int arg_registers[STUB_MAX_ARGS] = { RDI, RSI, RDX, R10 };
	static const unsigned char move_rax_to_rdi[] = { 0x48, 0x89, 0xc7 };
	static const unsigned char syscall_instruction[] = { 0x0f, 0x05 };

	for (size_t i = 0; i < call->n_args; i++)
		if (i > 0 || call->source == STUB_ARGS_GIVEN)
			emit_load(self, arg_registers[i], call->args[i]);
	if (call->source == STUB_FIRST_IS_RESULT)
		emit(self, move_rax_to_rdi, sizeof(move_rax_to_rdi));
	emit_load(self, RAX, (uint64_t)call->nr);
	emit(self, syscall_instruction, sizeof(syscall_instruction));
	self->call_ends[self->n_calls++] = self->address + self->n_bytes;
}

/* None of this changes the flags: syscall keeps them, too. */
static void emit_return(struct stub *self, const struct user_regs_struct *regs)
{
	static const unsigned char jump_to_what_follows[] = { 0xff, 0x25, 0, 0, 0, 0 };
	uint64_t target = regs->rip;

	emit_load(self, RAX, regs->rax);
	emit_load(self, RDI, regs->rdi);
	emit_load(self, RSI, regs->rsi);
	emit_load(self, RDX, regs->rdx);
	emit_load(self, R10, regs->r10);
	emit_load(self, RCX, regs->rcx); /* the syscall instruction changes this and the next */
	emit_load(self, R11, regs->r11);
	emit(self, jump_to_what_follows, sizeof(jump_to_what_follows));
	emit(self, &target, sizeof(target));
}

int stub_build(struct stub *self, uint64_t address, const struct user_regs_struct *regs,
	       const struct stub_call *calls, size_t n_calls, const uint64_t *mask)
{
	const struct stub_call set_mask = {
		.nr = SYS_rt_sigprocmask,
		.n_args = 4,
		.args = { SIG_SETMASK, address + MASK_OFFSET, 0, sizeof(*mask) },
	};
	enum { CALL_BYTES = (STUB_MAX_ARGS + 1) * 10 + 2, RETURN_BYTES = 7 * 10 + 14 };
	size_t max_calls = mask ? STUB_MAX_CALLS - 1 : STUB_MAX_CALLS;

	_Static_assert(ENTRY_OFFSET + STUB_MAX_CALLS * CALL_BYTES + RETURN_BYTES <= STUB_MAX_BYTES, "room");
	if (n_calls > max_calls)
		return -E2BIG;
	memset(self, 0, sizeof(*self));
	self->address = address;
	self->entry = address + ENTRY_OFFSET;
	emit(self, mark, sizeof(mark));
	emit(self, mask ? (const void *)mask : mark, sizeof(*mask));
	for (size_t i = 0; i < n_calls; i++)
		emit_call(self, &calls[i]);
	if (mask)
		emit_call(self, &set_mask);
	emit_return(self, regs);
	self->n_bytes = (self->n_bytes + 7) & ~(size_t)7;
	assert(self->n_bytes <= STUB_MAX_BYTES);
	return 0;
}

#else

int stub_build(struct stub *self, uint64_t address, const struct user_regs_struct *regs,
	       const struct stub_call *calls, size_t n_calls, const uint64_t *mask)
{
	(void)self, (void)address, (void)regs, (void)calls, (void)n_calls, (void)mask;
	return -ENOSYS;
}

#endif
