/* loop.h - the file behind a loop device (loop(4)), by /sys/dev/block. */
#ifndef PBRUN_LOOP_H
#define PBRUN_LOOP_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/cleanup.h"

struct loop {
	char path[PATH_MAX];   /* absolute; the file may be gone, or be another one now */
	uint64_t offset_bytes; /* in the file, where the device begins */
};

/* 0; -ENOENT: it is no loop device, or has no file; -ENAMETOOLONG; -errno. */
must_check int loop_find(dev_t device, struct loop *ret_loop);

#endif
