/*
 * syscall_table.h - the system calls that mean something here (syscalls(2)): one row says all about one.
 *
 *     openat(2) names a file by its argument 1, below the directory of argument 0; where it succeeds its
 *     result is a descriptor; what it returns has to be seen; meanwhile nobody can ask for an affinity.
 */
#ifndef PBRUN_SYSCALL_TABLE_H
#define PBRUN_SYSCALL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* What a call means for files, and by that which function of follow_files.c handles it. */
enum syscall_effect {
	SYSCALL_OTHER,       /* nothing */
	SYSCALL_OPENS,       /* the file path_arg; flags in the argument behind it */
	SYSCALL_LOOKS_UP,    /* the file path_arg */
	SYSCALL_CHANGES_DIR, /* of the process, to path_arg where there is one */
	SYSCALL_MOVES_ROOT,  /* paths may lead elsewhere from now on, those of others, too */
	SYSCALL_READS,       /* from fd_arg, at offset_arg */
	SYSCALL_LISTS,       /* the directory fd_arg */
	SYSCALL_CLOSES,      /* fd_arg */
	SYSCALL_CLOSES_MANY, /* descriptors */
	SYSCALL_DUPLICATES,  /* fd_arg, as the result */
	SYSCALL_CONTROLS,    /* fd_arg: fcntl(2), which may duplicate it */
	SYSCALL_MAPS,
	SYSCALL_UNMAPS,
	SYSCALL_REMAPS,
	SYSCALL_ADVISES,
};

/* Where the bytes begin that a call reads. */
enum syscall_offset {
	SYSCALL_AT_POSITION,   /* at the file position */
	SYSCALL_AT_VALUE,      /* at offset_arg, unless that is -1 */
	SYSCALL_AT_WHAT_IS_AT, /* at the number in memory at offset_arg, which is moved on; NULL: position */
};

/* Whether a tracer may have to step aside at the call's entry (detach.h). */
enum syscall_politeness {
	SYSCALL_IS_HARMLESS,
	SYSCALL_EXECS,
	SYSCALL_TRACES,
	SYSCALL_FORKS,
	SYSCALL_CLONES,        /* flags in the first argument */
	SYSCALL_CLONES_BY_PTR, /* flags where the first argument points */
	SYSCALL_SETS_OPTIONS,  /* prctl(2) */
	SYSCALL_SERVES,        /* the opening of files by others waits for the caller from now on */
};

struct syscall_row {
	enum syscall_effect effect : 8;
	enum syscall_offset offset : 8;
	enum syscall_politeness politeness : 8;
	int8_t path_arg;  /* these four: an argument's index, or -1 */
	int8_t dirfd_arg; /* -1: the working directory */
	int8_t fd_arg;
	int8_t offset_arg;
	uint8_t flags; /* SYSCALL_ bits */
};

enum syscall_flag {
	SYSCALL_NEEDS_EXIT = 1 << 0,     /* what it returns says something */
	SYSCALL_KEEPS_AFFINITY = 1 << 1, /* it neither shows an affinity nor hands one on, as clone(2) does */
	SYSCALL_WAITS_FOR_DISK = 1 << 2, /* and for nothing else, if at all */
};

/* The row of call nr of this machine's own ABI. An empty one (SYSCALL_OTHER, no flag) for all that mean
 * nothing here. */
const struct syscall_row *syscall_table_find(uint64_t nr);

/* Gives a call of another ABI of this machine (32-bit programs, x32) the native number, where that call asks
 * for politeness. Else false. */
bool syscall_table_translate_foreign(uint64_t *nr);

#endif
