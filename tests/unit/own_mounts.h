/*
 * own_mounts.h - a test's mounts are seen by no other test, and gone when it is, however it ends.
 */
#ifndef PBRUN_TEST_OWN_MOUNTS_H
#define PBRUN_TEST_OWN_MOUNTS_H

#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>

/* From here on, for this process and its children. False: that needs a privilege. */
static inline bool own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
}

#endif
