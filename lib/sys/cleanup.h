/*
 * cleanup.h - release what a scope acquired when the scope is left.
 *
 * Each variable marked with one of these is initialised where it is declared. errno survives the
 * release, so "return -errno" may stand before or after it.
 */
#ifndef PBRUN_CLEANUP_H
#define PBRUN_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0) {
		int saved_errno = errno;

		close(*fd);
		errno = saved_errno;
	}
}

static inline void cleanup_fclosep(FILE **stream)
{
	if (*stream) {
		int saved_errno = errno;

		fclose(*stream);
		errno = saved_errno;
	}
}

#define cleanup_free __attribute__((cleanup(cleanup_freep)))
#define cleanup_close __attribute__((cleanup(cleanup_closep)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclosep)))
/* For a caller-allocated structure with a release function: cleanup(bitmap_release) struct bitmap b; */
#define cleanup_with(function) __attribute__((cleanup(function)))

/* Hands a value over to the caller: what the cleanup sees afterwards is empty. */
#define take_pointer(pointer)                                                                                \
	({                                                                                                   \
		__typeof__(pointer) taken_ = (pointer);                                                      \
		(pointer) = NULL;                                                                            \
		taken_;                                                                                      \
	})

#define take_fd(fd)                                                                                          \
	({                                                                                                   \
		int taken_ = (fd);                                                                           \
		(fd) = -1;                                                                                   \
		taken_;                                                                                      \
	})

#define must_check __attribute__((warn_unused_result))

#endif
