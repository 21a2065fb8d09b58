/* syscall_table.c - the table of system calls, by number. */
#include "trace/syscall_table.h"

#include <stddef.h>
#include <sys/syscall.h>

/* Newer than the headers of some C libraries. */
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#define NEEDS_EXIT SYSCALL_NEEDS_EXIT
#define ON_ONE_CPU SYSCALL_KEEPS_AFFINITY
#define ON_DISK SYSCALL_WAITS_FOR_DISK

#define ROW(what, path, dirfd, fd, bits)                                                                     \
	{                                                                                                    \
		.effect = (what), .path_arg = (path), .dirfd_arg = (dirfd), .fd_arg = (fd),                  \
		.offset_arg = -1, .flags = (bits)                                                            \
	}
/* By a path; below a directory, or the working directory. */
#define PATH_AT(what, bits) ROW(what, 1, 0, -1, NEEDS_EXIT | ON_DISK | (bits))
#define PATH(what, bits) ROW(what, 0, -1, -1, NEEDS_EXIT | ON_DISK | (bits))
/* By the descriptor that is the first argument. */
#define FD(what, bits) ROW(what, -1, -1, 0, bits)
/* By none. */
#define PLAIN(what, bits) ROW(what, -1, -1, -1, bits)
/* What a read waits for depends on what the descriptor is open on. */
#define READ(fd, where, argument)                                                                            \
	{                                                                                                    \
		.effect = SYSCALL_READS, .path_arg = -1, .dirfd_arg = -1, .fd_arg = (fd), .offset = (where), \
		.offset_arg = (argument), .flags = NEEDS_EXIT                                                \
	}
#define POLITE(what, path, dirfd, bits)                                                                      \
	{                                                                                                    \
		.effect = SYSCALL_OTHER, .politeness = (what), .path_arg = (path), .dirfd_arg = (dirfd),     \
		.fd_arg = -1, .offset_arg = -1, .flags = (bits)                                              \
	}

static const struct syscall_row rows[] = {
	[SYS_openat] = PATH_AT(SYSCALL_OPENS, ON_ONE_CPU),
	[SYS_openat2] = PATH_AT(SYSCALL_OPENS, 0),
	[SYS_newfstatat] = PATH_AT(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_statx] = PATH_AT(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_faccessat] = PATH_AT(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_faccessat2] = PATH_AT(SYSCALL_LOOKS_UP, 0),
	[SYS_readlinkat] = PATH_AT(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_statfs] = PATH(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_getxattr] = PATH(SYSCALL_LOOKS_UP, 0),
	[SYS_lgetxattr] = PATH(SYSCALL_LOOKS_UP, 0),
	[SYS_chdir] = PATH(SYSCALL_CHANGES_DIR, 0),
	[SYS_fchdir] = PLAIN(SYSCALL_CHANGES_DIR, NEEDS_EXIT),
#ifdef SYS_open
	[SYS_open] = PATH(SYSCALL_OPENS, ON_ONE_CPU),
	[SYS_stat] = PATH(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_lstat] = PATH(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_access] = PATH(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_readlink] = PATH(SYSCALL_LOOKS_UP, ON_ONE_CPU),
	[SYS_poll] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_dup2] = FD(SYSCALL_DUPLICATES, NEEDS_EXIT),
#endif
	[SYS_read] = READ(0, SYSCALL_AT_POSITION, -1),
	[SYS_readv] = READ(0, SYSCALL_AT_POSITION, -1),
	[SYS_pread64] = READ(0, SYSCALL_AT_VALUE, 3),
	[SYS_preadv] = READ(0, SYSCALL_AT_VALUE, 3),
	[SYS_preadv2] = READ(0, SYSCALL_AT_VALUE, 3),
	[SYS_sendfile] = READ(1, SYSCALL_AT_WHAT_IS_AT, 2),
	[SYS_copy_file_range] = READ(0, SYSCALL_AT_WHAT_IS_AT, 1),
	[SYS_splice] = READ(0, SYSCALL_AT_WHAT_IS_AT, 1),
	[SYS_getdents64] = FD(SYSCALL_LISTS, NEEDS_EXIT | ON_ONE_CPU | ON_DISK),
	[SYS_close] = FD(SYSCALL_CLOSES, NEEDS_EXIT | ON_ONE_CPU),
	[SYS_close_range] = PLAIN(SYSCALL_CLOSES_MANY, 0),
	[SYS_dup] = FD(SYSCALL_DUPLICATES, NEEDS_EXIT),
	[SYS_dup3] = FD(SYSCALL_DUPLICATES, NEEDS_EXIT),
	[SYS_fcntl] = FD(SYSCALL_CONTROLS, NEEDS_EXIT | ON_ONE_CPU),
	[SYS_mmap] = PLAIN(SYSCALL_MAPS, NEEDS_EXIT | ON_ONE_CPU | ON_DISK),
	[SYS_munmap] = PLAIN(SYSCALL_UNMAPS, NEEDS_EXIT | ON_ONE_CPU | ON_DISK),
	[SYS_mremap] = PLAIN(SYSCALL_REMAPS, NEEDS_EXIT),
	[SYS_madvise] = PLAIN(SYSCALL_ADVISES, ON_ONE_CPU),
	[SYS_chroot] = PLAIN(SYSCALL_MOVES_ROOT, NEEDS_EXIT),
	[SYS_pivot_root] = PLAIN(SYSCALL_MOVES_ROOT, NEEDS_EXIT),
	[SYS_setns] = PLAIN(SYSCALL_MOVES_ROOT, NEEDS_EXIT),
	[SYS_mount] = PLAIN(SYSCALL_MOVES_ROOT, NEEDS_EXIT),
	[SYS_umount2] = PLAIN(SYSCALL_MOVES_ROOT, NEEDS_EXIT),
	[SYS_move_mount] = PLAIN(SYSCALL_MOVES_ROOT, NEEDS_EXIT),
	[SYS_unshare] = PLAIN(SYSCALL_MOVES_ROOT, NEEDS_EXIT),
	/* Only of a failed exec the exit is seen as one: a lookup in vain, perhaps. */
	[SYS_execve] = { .effect = SYSCALL_LOOKS_UP,
			 .politeness = SYSCALL_EXECS,
			 .path_arg = 0,
			 .dirfd_arg = -1,
			 .fd_arg = -1,
			 .offset_arg = -1,
			 .flags = NEEDS_EXIT | ON_DISK },
	[SYS_execveat] = POLITE(SYSCALL_EXECS, 1, 0, 0),
	[SYS_ptrace] = POLITE(SYSCALL_TRACES, -1, -1, 0),
#ifdef SYS_fork
	[SYS_fork] = POLITE(SYSCALL_FORKS, -1, -1, 0),
	[SYS_vfork] = POLITE(SYSCALL_FORKS, -1, -1, 0),
#endif
	[SYS_clone] = POLITE(SYSCALL_CLONES, -1, -1, 0),
	[SYS_clone3] = POLITE(SYSCALL_CLONES_BY_PTR, -1, -1, 0),
	[SYS_prctl] = POLITE(SYSCALL_SETS_OPTIONS, -1, -1, 0),
	[SYS_fanotify_init] = POLITE(SYSCALL_SERVES, -1, -1, 0),
	/* Frequent ones, of which only that much is to be known. */
	[SYS_fstat] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_lseek] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_mprotect] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_brk] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_rt_sigaction] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_rt_sigprocmask] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_futex] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_fstatfs] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_getrandom] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_ioctl] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_write] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_ppoll] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_getpid] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_gettid] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_getuid] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_geteuid] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_getgid] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
	[SYS_getegid] = PLAIN(SYSCALL_OTHER, ON_ONE_CPU),
};

const struct syscall_row *syscall_table_find(uint64_t nr)
{
	static const struct syscall_row none = PLAIN(SYSCALL_OTHER, 0);

	/* A row that is not written above is zeroed: SYSCALL_OTHER too, and no argument of it is looked at.
	 */
	return nr < sizeof(rows) / sizeof(rows[0]) ? &rows[nr] : &none;
}

struct foreign_call {
	uint64_t foreign;
	uint64_t native;
};

#if defined(__x86_64__)
/* i386 (arch/x86/entry/syscalls/syscall_32.tbl), then x32 (syscall_64.tbl). */
static const struct foreign_call foreign_calls[] = {
	{ 11, SYS_execve },
	{ 358, SYS_execveat },
	{ 26, SYS_ptrace },
	{ 120, SYS_clone },
	{ 435, SYS_clone3 },
	{ 172, SYS_prctl },
	{ 338, SYS_fanotify_init },
	{ 0x40000000 + 520, SYS_execve },
	{ 0x40000000 + 545, SYS_execveat },
	{ 0x40000000 + 521, SYS_ptrace },
	{ 0x40000000 + SYS_clone, SYS_clone },
	{ 0x40000000 + SYS_clone3, SYS_clone3 },
	{ 0x40000000 + SYS_prctl, SYS_prctl },
	{ 0x40000000 + SYS_fanotify_init, SYS_fanotify_init },
};
#else
/* 32-bit ARM (arch/arm/tools/syscall.tbl). */
static const struct foreign_call foreign_calls[] = {
	{ 11, SYS_execve },  { 387, SYS_execveat }, { 26, SYS_ptrace },         { 120, SYS_clone },
	{ 435, SYS_clone3 }, { 172, SYS_prctl },    { 367, SYS_fanotify_init },
};
#endif

bool syscall_table_translate_foreign(uint64_t *nr)
{
	for (size_t i = 0; i < sizeof(foreign_calls) / sizeof(foreign_calls[0]); i++) {
		if (*nr == foreign_calls[i].foreign) {
			*nr = foreign_calls[i].native;
			return true;
		}
	}
	return false;
}
