/*
 * embed.h - a record inside the ELF file of its program, in a section ".pbrun" that no segment loads: it
 * travels with the program, and serves every user.
 *
 * The section holds where the file's former section header table was, so that the record can be taken out
 * without a trace, and a portable record (shadow/portable.h). As untrusted as any shadow.
 */
#ifndef PBRUN_EMBED_H
#define PBRUN_EMBED_H

#include "shadow/portable.h"

#define EMBED_SECTION ".pbrun"

/*
 * Reads the record of the program open at fd, by a few reads. Its own file is known by what it is now: the
 * record came with it. 0; -ENOENT: there is none; -ESTALE: the program was laid out anew since; errors as
 * portable_decode(); -errno of pread(2). program: its canonical path, under which the record is to be used.
 */
must_check int embed_read(int fd, const char *program, struct portable *ret_portable);

/* The record that is embedded in program and is of this profile, without the files that are excluded (NULL:
 * none). 0; -ENOENT: there is none that holds. */
must_check int embed_load(const char *program, const char *profile, const struct exclusions *excluded,
			  struct shadow *ret_shadow);

/* What can be said against a program's file before anything is written. */
enum embed_obstacle {
	EMBED_NO_OBSTACLE,
	EMBED_NOT_REGULAR,
	EMBED_PRIVILEGED,  /* set-user-ID, set-group-ID, file capabilities: nobody is to replace it lightly */
	EMBED_SIGNED,      /* security.ima or security.evm: the signature would not hold any more */
	EMBED_HARD_LINKED, /* its other names would stay as they are */
};
enum embed_obstacle embed_find_obstacle(int fd);

/*
 * Makes the file open for writing at to_fd, which is empty, a copy of the program at from_fd with this
 * record: in place of the one that it has. 0; -ENOEXEC, -ENOTSUP, -EFBIG of elfinfo_append_section(); -EBADE:
 * what was written is not the program byte for byte; -errno of read(2), write(2); -ENOMEM.
 */
must_check int embed_write(int from_fd, int to_fd, struct portable *portable);

/* The same without the record. -ENOENT: there is none; -ESTALE: another tool has laid the file out anew
 * since, which then has to remove the section (objcopy(1), --remove-section). */
must_check int embed_remove(int from_fd, int to_fd);

#endif
