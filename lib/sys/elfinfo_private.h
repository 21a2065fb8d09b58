/* elfinfo_private.h - how the files of elfinfo open an ELF file. */
#ifndef PBRUN_ELFINFO_PRIVATE_H
#define PBRUN_ELFINFO_PRIVATE_H

#include "sys/cleanup.h"

struct Elf;

/* Opens the file at fd with libelf. 0; -ENOEXEC: no ELF file, or malformed; -errno of pread(2); -ENOMEM. */
must_check int elfinfo_open(int fd, struct Elf **ret_elf);

void elfinfo_endp(struct Elf **elf);
#define cleanup_elf cleanup_with(elfinfo_endp)

#endif
