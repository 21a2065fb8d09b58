/*
 * elfinfo.h - what an ELF file says of itself. libelf is used in elfinfo*.c alone.
 */
#ifndef PBRUN_ELFINFO_H
#define PBRUN_ELFINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/cleanup.h"

#define ELFINFO_BUILD_ID_MAX 32

/*
 * Reads the GNU build-id (NT_GNU_BUILD_ID, see ld(1) --build-id) of the file open at fd into
 * ret_id, at most ELFINFO_BUILD_ID_MAX bytes of it, found through the program headers as the
 * dynamic loader would find it (section headers may be stripped). Touches only the ELF header,
 * the program headers and the note. The file offset of fd is left alone.
 *
 * Returns the number of bytes (1 to ELFINFO_BUILD_ID_MAX), 0 if the file is no ELF file, is
 * malformed, or carries no build-id; -errno if it cannot be read, -ENOMEM.
 */
must_check int elfinfo_build_id(int fd, uint8_t ret_id[static ELFINFO_BUILD_ID_MAX]);

/* Is there a name in the dynamic string table (of a symbol, or a library that is needed) of the file open at
 * fd that begins with prefix? The table is looked at up to a MiB. False also if it cannot be told. */
bool elfinfo_has_name(int fd, const char *prefix);

#endif
