/*
 * syscall_table.h - the system calls by which programs look files up or read them (syscalls(2)), and what
 * their arguments mean.
 */
#ifndef PBRUN_SYSCALL_TABLE_H
#define PBRUN_SYSCALL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* How a call names a file by path: the argument's index, the directory descriptor's (-1: the working
 * directory), and what success means. */
struct path_call {
	long nr;
	int path_arg;
	int dirfd_arg;
	uint8_t access; /* PAGESET_ */
};

/* How a call reads: the descriptor's argument, the offset's (-1: the file position), by value or by address.
 */
struct read_call {
	long nr;
	int fd_arg;
	int offset_arg;
	bool offset_is_address;
};

/* By the call's number. NULL: it is none. */
const struct path_call *syscall_table_by_path(uint64_t nr);
const struct read_call *syscall_table_by_read(uint64_t nr);

#endif
