/*
 * uffd.h - makes "present" in a tracee's pagemap mean "touched", page by page.
 *
 * For a mapping that is registered with a userfaultfd in write-protect mode, the kernel does neither
 * fault-around nor maps more than one page of a large folio at a fault (mm/memory.c:
 * should_fault_around(), finish_fault(); include/linux/userfaultfd_k.h: uffd_disable_fault_around()).
 * A folio of the size of a huge page would be mapped as a whole all the same (finish_fault(): do_set_pmd()),
 * where there is no page table yet: so these are made. In async mode (UFFD_FEATURE_WP_ASYNC, since Linux 6.7)
 * nothing is ever trapped, and nothing stays write-protected here: the registration alone is what counts.
 * userfaultfd(2) with UFFD_USER_MODE_ONLY needs no privilege.
 */
#ifndef PBRUN_UFFD_H
#define PBRUN_UFFD_H

#include <stdint.h>

#include "trace/tracee.h"

/*
 * Has the task, which stands as tracee_inject() wants it, create a userfaultfd, takes the descriptor
 * over and closes it in the task. Returns the descriptor (close-on-exec); it belongs to the task's
 * address space, and closing it ends all registrations. -errno of tracee_inject() (then see
 * tracee_is_ending()), userfaultfd(2), pidfd_getfd(2), or UFFDIO_API (-EINVAL: no async mode here).
 */
must_check int uffd_create_in(struct tracee_stop *stop);

/*
 * Registers the mappings in [start, end), page-aligned, and has what is mapped there as a huge page faulted
 * in again, page by page. 0, or -errno: -EPERM for a read-only MAP_SHARED mapping, -EINVAL where there is no
 * mapping or one of a kind that cannot be registered, -ENOENT, -ESRCH the address space is gone.
 */
must_check int uffd_register(int uffd, uint64_t start, uint64_t end);

#endif
