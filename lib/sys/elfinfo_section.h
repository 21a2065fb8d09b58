/*
 * elfinfo_section.h - one more section in an ELF file, behind all that is there.
 *
 * Nothing that is there moves: the new section, a new table of section names and a new section header table
 * are appended, and of the bytes before only the ELF header changes (e_shoff, e_shnum). So what is loaded
 * stays as it was byte for byte, and the section can be taken away again without a trace. A file that cannot
 * be extended in this way is refused.
 */
#ifndef PBRUN_ELFINFO_SECTION_H
#define PBRUN_ELFINFO_SECTION_H

#include <stddef.h>
#include <stdint.h>

#include "sys/cleanup.h"

/* Where a section is. */
struct elfinfo_section {
	uint64_t offset_bytes;
	uint64_t size_bytes;
};

/*
 * Finds the section of that name in the file open at fd, by reading its headers: 0; -ENOENT: there is none,
 * or it is no ELF file; -EBADMSG: malformed, or not within the file; -errno of pread(2); -ENOMEM.
 */
must_check int elfinfo_find_section(int fd, const char *name, struct elfinfo_section *ret_section);

/*
 * Can a section be appended to the file open at fd? 0; -ENOEXEC: no ELF file, or malformed; -ENOTSUP: it has
 * no section headers (sstrip), or too many; -EFBIG: it carries data behind its ELF part, as a self-extracting
 * program, an AppImage or a signed kernel module does, which would not find them any more; -EEXIST: it has a
 * section of that name; -errno of pread(2); -ENOMEM.
 */
must_check int elfinfo_can_append(int fd, const char *name);

/*
 * Appends the section to the file open for reading and writing at fd, a copy that nobody executes. It has the
 * type SHT_PROGBITS, no flags, and is aligned to 8 bytes. 0; errors as elfinfo_can_append(), -errno of
 * write(2); on failure the file is to be thrown away.
 */
must_check int elfinfo_append_section(int fd, const char *name, const void *data, size_t size);

/* A checksum of the program headers: another one means that what is loaded was laid out anew. 0; -ENOEXEC;
 * -errno of pread(2); -ENOMEM. */
must_check int elfinfo_layout_checksum(int fd, uint32_t *ret_crc32);

/* What a section header table of an ELF file is said to be in its header. */
struct elfinfo_table {
	uint64_t offset_bytes; /* e_shoff */
	uint32_t n_sections;   /* e_shnum */
};
must_check int elfinfo_get_table(int fd, struct elfinfo_table *ret_table);
/* Takes an elfinfo_append_section() back: the former table, and nothing behind size_bytes. */
must_check int elfinfo_set_table(int fd, struct elfinfo_table table, uint64_t size_bytes);

#endif
