/*
 * procmaps.h - /proc/PID/maps (proc_pid_maps(5)): parsing, and telling real files from the rest.
 */
#ifndef PBRUN_PROCMAPS_H
#define PBRUN_PROCMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cleanup.h"

struct stat;

/* One mapping:
 *     7f0c2a600000-7f0c2a622000 r-xp 00028000 fe:00 1835427   /usr/lib/x86_64-linux-gnu/libc.so.6 */
struct procmaps_entry {
	uint64_t start; /* address */
	uint64_t end;   /* address, exclusive */
	uint64_t offset_bytes;
	uint64_t inode; /* 0: no file */
	uint32_t device_major;
	uint32_t device_minor;
	bool is_shared; /* MAP_SHARED */
	/* As the kernel wrote it (a newline as "\012"); not terminated; points into the parsed line. */
	const char *name;
	size_t name_size;
};

/*
 * Parses one line of length size, without its newline. Returns 0 or -EBADMSG; on failure ret_entry is
 * untouched.
 */
must_check int procmaps_parse_line(const char *line, size_t size, struct procmaps_entry *ret_entry);

/*
 * The path that a name stands for, newlines unescaped, into ret_path (PATH_MAX bytes). False if the
 * name cannot be a file's path: empty, [heap], anon_inode:, memfd, SysV, /dev/... or too long. A name
 * that ends in " (deleted)" is kept: only procmaps_is_file() can tell. The kernel does not escape
 * backslashes: a file with "\012" in its own name is taken for one with a newline, and is not found.
 */
bool procmaps_name_to_path(const struct procmaps_entry *entry, char *ret_path, size_t path_size);

/*
 * True if path (from procmaps_name_to_path()) is still the file that entry maps: regular, and the
 * same inode, as far as the filesystem's numbers allow to say (overlayfs and btrfs report another
 * device, old overlayfs another inode; the comment in the source says what is compared when). So
 * "/a (deleted)" is the deleted file /a unless a file of just that name is mapped. Fills ret_st.
 */
bool procmaps_is_file(const struct procmaps_entry *entry, const char *path, struct stat *ret_st);

/*
 * Reads all of /proc/TID/maps into text, which is zeroed before the first call; a buffer from an earlier
 * call is used again. data is terminated, size without the terminator. A task without an address space
 * (a zombie, a kernel thread) gives an empty text. What is mapped or unmapped meanwhile may be in it
 * or not. 0, or -errno with an empty text (-ENOENT, -ESRCH: no such task; -EACCES; -ENOMEM).
 */
struct procmaps_text {
	char *data;
	size_t size;
	size_t allocated;
};
must_check int procmaps_read(pid_t tid, struct procmaps_text *text);
void procmaps_text_release(struct procmaps_text *text);

/*
 * The next entry of a text, *offset being where to go on (0 at first). Lines that do not parse are
 * passed over. False at the end.
 */
bool procmaps_next(const struct procmaps_text *text, size_t *offset, struct procmaps_entry *ret_entry);

#endif
