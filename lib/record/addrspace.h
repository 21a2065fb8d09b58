/*
 * addrspace.h - the file mappings of one traced address space, and the pages touched in them.
 *
 * The list of mappings is kept up to date by system call (addrspace_map(), addrspace_unmap()), where
 * system calls are watched, or read from /proc/PID/maps (addrspace_reload()). Where the address space has a
 * userfaultfd (uffd.h), what is found is exact, page by page; else fault-around is in it.
 */
#ifndef PBRUN_ADDRSPACE_H
#define PBRUN_ADDRSPACE_H

#include "pageset.h"
#include "sys/procmaps.h"
#include "trace/tracee.h"

struct addrspace_mapping {
	uint64_t start; /* address */
	uint64_t end;
	uint64_t first_page; /* of the file, at start */
	struct pageset_file *file;
	bool is_exact;
};

struct addrspace {
	unsigned int n_users;               /* processes: more than one after vfork(2) */
	int uffd;                           /* -1: none */
	struct addrspace_mapping *mappings; /* disjoint, by address if is_sorted */
	size_t n_mappings;
	size_t n_allocated; /* private */
	bool is_sorted;     /* private */
};

/* With one user. NULL: no memory. */
struct addrspace *addrspace_new(void);
struct addrspace *addrspace_ref(struct addrspace *self);
/* Ends one use; the last one frees. NULL is allowed; returns NULL. */
struct addrspace *addrspace_unref(struct addrspace *self);

/*
 * Makes the address space exact: gives it a userfaultfd by means of the task, which stands as
 * tracee_inject() wants it. What is mapped already is registered at the next addrspace_reload(). Returns 0,
 * or -errno of uffd_create_in() (-EINTR: stop was changed); on failure all stays as it is, inexact.
 */
must_check int addrspace_arm(struct addrspace *self, struct tracee_stop *stop);

/*
 * Takes the list of mappings from /proc/TID/maps; files are added to pageset (first use now_us).
 * is_late: what is new may have been used before it is registered now, and is not exact.
 * text is scratch memory kept by the caller. 0, -ENOMEM, -errno of procmaps_read().
 */
must_check int addrspace_reload(struct addrspace *self, pid_t tid, bool is_late, struct pageset *pageset,
				uint32_t now_us, struct procmaps_text *text);

/* Notes that file is mapped at [start, end), from first_page on, and registers it if that can be done.
 * What was mapped there before is forgotten. 0 or -ENOMEM. */
must_check int addrspace_map(struct addrspace *self, struct addrspace_mapping mapping, bool is_shared);

/* Notes that nothing of a file is mapped at [start, end) any more. 0 or -ENOMEM. */
must_check int addrspace_unmap(struct addrspace *self, uint64_t start, uint64_t end);

/* Adds PAGESET_ access bits to every file that is mapped. */
void addrspace_mark(struct addrspace *self, uint8_t access);

bool addrspace_has_files_in(const struct addrspace *self, uint64_t start, uint64_t end);

/*
 * Adds to their files the pages touched in [start, end), with first use now_us. Returns the number of
 * new pages (saturated), or -errno.
 */
must_check int addrspace_scan(struct addrspace *self, pid_t tid, uint64_t start, uint64_t end,
			      uint32_t now_us);

#endif
