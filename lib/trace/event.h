/*
 * event.h - what following a program tells about it: plain data, with nothing of ptrace(2) in it.
 *
 * The events of a launch come in the order in which things happened, by one thread (follow.h), while the
 * task that they are about stands still or has just been asked about. What a pointer in an event leads to
 * is valid during the call only.
 */
#ifndef PBRUN_EVENT_H
#define PBRUN_EVENT_H

#include <stdint.h>
#include <sys/types.h>

#include "sys/fileid.h"

/*
 * Each event has pid, tid and time_us. Those about mappings have the number of an address space besides,
 * which is never used again for another. Those with a path have it absolute, and it leads us to the same file
 * as the program, whatever its own name of it is (but EVENT_OUT_OF_REACH), or is
 * the name of a file in an image (sys/image.h); id is NULL unless it is a regular
 * file.
 */
enum event_kind {
	/* Address spaces. The first EVENT_EXECED is that of the program itself. */
	EVENT_EXECED, /* pid has a new address space, by execve(2); what is mapped there follows, perhaps */
	EVENT_FORKED, /* pid is a new process with an address space of its own; likewise */
	EVENT_LEFT,   /* the address space has no user any more */
	/* Mappings: start and end are addresses, page-aligned. */
	EVENT_MAPS_BEGIN, /* all that is mapped now, as EVENT_MAPPED; what was known before is out of date */
	EVENT_MAPS_END,
	EVENT_MAPPED,   /* path and id, a regular file, from first_page on; EVENT_IS_EXACT */
	EVENT_UNMAPPED, /* nothing of a file is there any more */
	EVENT_TOUCHED, /* the pages from start to end are, or were, present: nobody has to look; EVENT_IS_HUGE
			*/
	/* Moments to look at the pages of an address space, through tid. */
	EVENT_TICK,      /* now and then */
	EVENT_UNMAPPING, /* the last one for what lies between start and end */
	EVENT_EXECING,   /* the last one, if the exec that begins succeeds */
	EVENT_EXITING,   /* the last one */
	/* Files. */
	EVENT_OPENED,    /* path and id, or a directory's path; EVENT_FOR_WRITING */
	EVENT_READ,      /* path and id: n_bytes at offset_bytes; 0: it is not known where */
	EVENT_LOOKED_UP, /* path: stat(2) and its like, or a link on the way to a file; EVENT_IS_MISSING */
	EVENT_LISTED,    /* path of a directory: getdents(2) */
	/* A file was mapped, or opened, that only a process with other mounts can reach: path is its name
	 * there, mount what it lies on. */
	EVENT_OUT_OF_REACH,
};

enum event_flag {
	EVENT_IS_EXACT = 1 << 0, /* from now on a page there is present only once it was touched (uffd.h) */
	EVENT_FOR_WRITING = 1 << 1,
	EVENT_IS_MISSING = 1 << 2, /* there is nothing of that name */
	EVENT_IS_HUGE = 1 << 3,    /* the pages are huge ones: one of each was touched at least */
};

struct event {
	enum event_kind kind;
	unsigned int flags; /* EVENT_ bits of enum event_flag */
	pid_t pid;
	pid_t tid;        /* a living task of the process, for /proc; 0: there is none */
	uint32_t time_us; /* since the program's exec, without what following it took; saturated */
	uint32_t space;   /* the address space's number: not 0 */
	const char *path;
	const char *mount;       /* of EVENT_OUT_OF_REACH alone: "squashfs /dev/loop0 on /" */
	const struct fileid *id; /* without a build-id */
	uint64_t start;
	uint64_t end;
	uint64_t first_page; /* of the file, at start */
	int64_t offset_bytes;
	int64_t n_bytes;
};

#endif
