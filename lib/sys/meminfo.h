/*
 * meminfo.h - how much memory may still be used: /proc/meminfo (proc_meminfo(5)) and the memory
 * cgroups (cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).
 */
#ifndef PBRUN_MEMINFO_H
#define PBRUN_MEMINFO_H

#include <stdint.h>

/*
 * The smaller of MemAvailable and what each memory cgroup above this process leaves: its limit, less its
 * usage, not counting page cache that was used once (inactive_file), which costs nothing to give
 * up and is in MemAvailable as well. Bytes. 0 if MemAvailable is not known; a cgroup whose files are
 * not there sets no limit.
 *
 * root is "", or for tests a directory that holds proc/ and sys/fs/cgroup/.
 */
uint64_t meminfo_available_bytes(const char *root);

#endif
