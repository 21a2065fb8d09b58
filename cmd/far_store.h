/*
 * far_store.h - may a call on the shadow directory wait for a file system without end?
 */
#ifndef PBRUN_FAR_STORE_H
#define PBRUN_FAR_STORE_H

#include <stdbool.h>

/*
 * Is the directory, that need not exist, on a network, FUSE, or a file system of a type that is not known?
 * Told without waiting for one, in some microseconds where it is on a disk. A relative path is not far, and
 * neither is one of which it cannot be told.
 */
bool far_store_is(const char *directory);

#endif
