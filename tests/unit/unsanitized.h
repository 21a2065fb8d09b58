/*
 * unsanitized.h - for tests whose targets are built with a sanitizer when they are: they end by _exit(2),
 * without tracing themselves, and are to be followed all the same. Goes with a line "wraps:
 * detach_is_sanitized".
 */
#ifndef PBRUN_TEST_UNSANITIZED_H
#define PBRUN_TEST_UNSANITIZED_H

#include <stdbool.h>
#include <sys/types.h>

bool __wrap_detach_is_sanitized(pid_t pid);

bool __wrap_detach_is_sanitized(pid_t pid)
{
	(void)pid;
	return false;
}

#endif
