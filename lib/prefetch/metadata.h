/*
 * metadata.h - brings into memory what the kernel needs to answer for a name: directory entry, inode, the
 * entries of a directory.
 */
#ifndef PBRUN_METADATA_H
#define PBRUN_METADATA_H

#include "pageset.h"

/*
 * For a file of which nothing but its metadata is known to be used: lists it if the program listed it
 * (access: PAGESET_ bits), else looks it up, in vain if the program did so. Follows no symbolic link at the
 * end of the path, mounts nothing. 0, or -errno of open(2) or fstatat(2) if it is not what was recorded.
 */
must_check int metadata_fetch(const char *path, uint8_t access);

#endif
