/* loaded.c - looks at the pages of a program that no start does without. */
#include "sys/loaded.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "sys/cached.h"
#include "sys/cleanup.h"
#include "sys/page.h"
#include "sys/resident.h"

#define HEAD_BYTES 4096

/* The beginning of a file, NUL-terminated. */
struct head {
	size_t size;
	char bytes[HEAD_BYTES + 1];
};

/* False: it is not in memory. */
static bool read_head(int fd, struct head *ret_head)
{
	if (resident_look(fd, 0) != RESIDENT_YES)
		return false;
	ssize_t n = pread(fd, ret_head->bytes, HEAD_BYTES, 0);

	ret_head->size = n > 0 ? (size_t)n : 0;
	ret_head->bytes[ret_head->size] = '\0';
	return n > 0;
}

static bool are_segments_resident(int fd, const struct head *head)
{
	ElfW(Ehdr) header;
	ElfW(Phdr) segment;

	if (head->size < sizeof(header) || memcmp(head->bytes, ELFMAG, SELFMAG) != 0)
		return false;
	memcpy(&header, head->bytes, sizeof(header));
	if (header.e_phentsize != sizeof(segment) || header.e_phnum == 0 || header.e_phoff > head->size ||
	    header.e_phnum > (head->size - header.e_phoff) / sizeof(segment))
		return false;
	for (size_t i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, head->bytes + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_W) || segment.p_filesz == 0)
			continue;
		if (segment.p_filesz > (uint64_t)INT64_MAX || segment.p_offset > (uint64_t)INT64_MAX / 2 ||
		    resident_look(fd, segment.p_offset >> page_shift()) != RESIDENT_YES ||
		    resident_look(fd, (segment.p_offset + segment.p_filesz - 1) >> page_shift()) !=
			    RESIDENT_YES)
			return false;
	}
	return true;
}

/* "#! /bin/sh -e": /bin/sh. NULL: it is no script. */
static const char *find_interpreter(struct head *head)
{
	if (strncmp(head->bytes, "#!", 2) != 0)
		return NULL;
	char *name = head->bytes + 2 + strspn(head->bytes + 2, " \t");

	name[strcspn(name, " \t\n")] = '\0';
	return *name == '/' ? name : NULL;
}

static int open_present(const char *path)
{
	cleanup_with(cached_looks_release) struct cached_looks looks = { 0 };

	return cached_look(&looks, path, CACHED_NAME) == CACHED_PRESENT
		       ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
		       : -1;
}

bool loaded_is_resident(const char *path)
{
	struct head head;
	cleanup_close int fd = open_present(path);

	if (fd < 0 || !read_head(fd, &head))
		return false;
	const char *interpreter = find_interpreter(&head);

	if (!interpreter)
		return are_segments_resident(fd, &head);
	cleanup_close int interpreter_fd = open_present(interpreter);
	struct head own;

	return interpreter_fd >= 0 && read_head(interpreter_fd, &own) &&
	       are_segments_resident(interpreter_fd, &own);
}
