#include "trace/syscall_table.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "pageset.h"

/* Newer than the headers of some C libraries. */
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

static const struct path_call path_calls[] = {
	{ SYS_openat, 1, 0, PAGESET_OPENED },
	{ SYS_openat2, 1, 0, PAGESET_OPENED },
	{ SYS_newfstatat, 1, 0, PAGESET_STATED },
	{ SYS_statx, 1, 0, PAGESET_STATED },
	{ SYS_faccessat, 1, 0, PAGESET_STATED },
	{ SYS_faccessat2, 1, 0, PAGESET_STATED },
	{ SYS_readlinkat, 1, 0, PAGESET_STATED },
	{ SYS_statfs, 0, -1, PAGESET_STATED },
	{ SYS_chdir, 0, -1, PAGESET_STATED },
	{ SYS_getxattr, 0, -1, PAGESET_STATED },
	{ SYS_lgetxattr, 0, -1, PAGESET_STATED },
	{ SYS_execve, 0, -1, PAGESET_STATED }, /* only a failed one is seen to exit here */
#ifdef SYS_open
	{ SYS_open, 0, -1, PAGESET_OPENED },
	{ SYS_stat, 0, -1, PAGESET_STATED },
	{ SYS_lstat, 0, -1, PAGESET_STATED },
	{ SYS_access, 0, -1, PAGESET_STATED },
	{ SYS_readlink, 0, -1, PAGESET_STATED },
#endif
};

static const struct read_call read_calls[] = {
	{ SYS_read, 0, -1, false },          { SYS_readv, 0, -1, false },  { SYS_pread64, 0, 3, false },
	{ SYS_preadv, 0, 3, false },         { SYS_preadv2, 0, 3, false }, { SYS_sendfile, 1, 2, true },
	{ SYS_copy_file_range, 0, 1, true }, { SYS_splice, 0, 1, true },
};

const struct path_call *syscall_table_by_path(uint64_t nr)
{
	for (size_t i = 0; i < sizeof(path_calls) / sizeof(path_calls[0]); i++)
		if (path_calls[i].nr == (long)nr)
			return &path_calls[i];
	return NULL;
}

const struct read_call *syscall_table_by_read(uint64_t nr)
{
	for (size_t i = 0; i < sizeof(read_calls) / sizeof(read_calls[0]); i++)
		if (read_calls[i].nr == (long)nr)
			return &read_calls[i];
	return NULL;
}
