/*
 * pageset.h - the files that a program used, and of each file the pages.
 *
 * What every stage hands to the next: observing fills one, a shadow file stores one, the replay
 * reads one. Pure, but for memory.
 */
#ifndef PBRUN_PAGESET_H
#define PBRUN_PAGESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bitmap.h"
#include "sys/fileid.h"

/* How a file was used; the bits add up. */
enum pageset_access {
	PAGESET_MAPPED = 1 << 0, /* mmap(2) or exec */
	PAGESET_READ = 1 << 1,   /* read(2) and relatives */
	PAGESET_OPENED = 1 << 2,
	PAGESET_STATED = 1 << 3,      /* stat(2), access(2), readlink(2) ... */
	PAGESET_LISTED = 1 << 4,      /* getdents(2): a directory */
	PAGESET_MISSING = 1 << 5,     /* looked up in vain */
	PAGESET_WRITTEN = 1 << 6,     /* opened for writing: the program may change it at each run */
	PAGESET_BEFORE_EXEC = 1 << 7, /* mapped where a sampled run does not look: by a process that went on
					 to execute another program, or is not the program's own */
};

/*
 * Was the file named by an argument of the start that used it (operands.h), and so is no part of the program?
 * Then by which: that tells how the program is going to use another one.
 */
enum pageset_operand {
	PAGESET_NO_OPERAND = 0,
	PAGESET_OPERAND_BELOW = 1, /* it lies below a directory that was named */
	PAGESET_OPERAND_FIRST = 2, /* the first one that belongs to no option, the second ... */
	PAGESET_OPERAND_POSITIONS = 14,
	PAGESET_OPERAND_OPTION = 16, /* of an option: by a hash of its name */
	PAGESET_OPERAND_OPTIONS = 16,
	PAGESET_OPERAND_MASK = 31,
};

/* A run of pages first used at the same time. */
struct extent {
	uint64_t first_page;
	uint64_t n_pages;      /* at least 1 */
	uint32_t first_use_us; /* microseconds after the program's exec; saturated */
	uint8_t age;           /* recorded runs since it was last used: 0 is the latest run */
};

struct pageset_file {
	char *path; /* absolute; belongs to the pageset, as the structure itself */
	struct fileid id;
	uint8_t access;         /* PAGESET_ bits */
	uint8_t operand;        /* of enum pageset_operand */
	bool is_unanswered;     /* its file system did not answer when it was last to be prefetched */
	bool exact;             /* every page was seen to be touched; else fault-around is in it */
	uint8_t age;            /* as in struct extent, for the file as a whole */
	uint32_t first_use_us;  /* of the file: opened, looked up, mapped */
	struct extent *extents; /* disjoint; sorted by first_page after pageset_sort() */
	size_t n_extents;
	size_t allocated_extents; /* private */
	struct bitmap pages;      /* private: the union of extents, made when first needed */
	bool has_pages;           /* private */
	struct bitmap whole;      /* private: by window, those that were mapped as a whole */
};

struct pageset {
	struct pageset_file **files; /* in the order in which they were added */
	size_t n_files;
	size_t allocated_files;       /* private */
	struct pageset_file **slots;  /* private: a hash table by path; NULL: not made (yet) */
	size_t n_slots;               /* private: a power of two */
	struct pageset_block *blocks; /* private: the memory of files and paths */
	bool is_unsorted;             /* private: files may be in another order than that of their paths */
};

void pageset_init(struct pageset *self);
void pageset_release(struct pageset *self);

/* The file with this path, or NULL. It stays where it is until pageset_release(). */
struct pageset_file *pageset_find(const struct pageset *self, const char *path);

/*
 * The file with this path, added with first_use_us if it is not there yet (exact, with no access bit
 * and no page). Returns 0, or -ENOMEM.
 */
must_check int pageset_add(struct pageset *self, const char *path, uint32_t first_use_us,
			   struct pageset_file **ret_file);

/*
 * Appends a file without looking whether it is there: for a decoder, to a pageset to which nothing was added
 * otherwise, in ascending order of paths (bytewise). 0 or -ENOMEM.
 */
must_check int pageset_append(struct pageset *self, const char *path, struct pageset_file **ret_file);

/* Makes room for so many files, or extents of one file, in all. 0 or -ENOMEM. */
must_check int pageset_reserve(struct pageset *self, size_t n_files);
must_check int pageset_file_reserve(struct pageset_file *file, size_t n_extents);

/*
 * Adds those pages of run that file does not have yet, as extents of first_use_us and age 0. Returns
 * the number of pages that were new (saturated to INT_MAX), -ERANGE as bitmap_set_run(), -ENOMEM.
 */
must_check int pageset_file_add(struct pageset_file *file, struct page_run run, uint32_t first_use_us);

/* The same from one page up to another, which may be no page at all. What no file can have is left out. 0 or
 * -ENOMEM. */
must_check int pageset_file_add_up_to(struct pageset_file *file, uint64_t first_page, uint64_t end_page,
				      uint32_t first_use_us);

/*
 * Notes that the windows (page_huge_bytes()) in which the pages of run lie were mapped as a whole: which
 * pages of them were used, nobody knows. They are not among the file's pages before pageset_file_settle().
 * Returns as pageset_file_add().
 */
must_check int pageset_file_add_whole(struct pageset_file *file, struct page_run run);

/*
 * Takes it that of each window that was mapped as a whole what is remembered was used; where nothing is, all
 * of it, and then the file is not exact. remembered, sorted by page, is of the same file, or NULL. 0 or
 * -ENOMEM.
 */
must_check int pageset_file_settle(struct pageset_file *file, const struct pageset_file *remembered);

/*
 * Appends an extent as it is, without looking for overlap: for a decoder that has checked already.
 * It is joined to the one before if it goes on from there with the same time and age. 0 or -ENOMEM.
 */
must_check int pageset_file_append(struct pageset_file *file, struct extent extent);

/* Removes all pages. */
void pageset_file_clear(struct pageset_file *file);
/* Gives file the pages of from in place of its own; from has none afterwards. */
void pageset_file_take_pages(struct pageset_file *file, struct pageset_file *from);

bool pageset_file_has(struct pageset_file *file, uint64_t page_index);
uint64_t pageset_file_pages(const struct pageset_file *file);

/* Removes all pages from end_page on. */
void pageset_file_cut(struct pageset_file *file, uint64_t end_page);

/* Walks along the extents of a file, which are sorted, or with a margin also along the pages so near to them.
 */
struct pageset_cursor {
	const struct extent *at;
	size_t n_left;
	uint64_t margin_pages;
};
struct pageset_cursor pageset_cursor_on(const struct pageset_file *file, uint64_t margin_pages);

/*
 * The extent that covers page, or NULL; lowers *limit to where this answer changes. Pages are asked for
 * in ascending order.
 */
const struct extent *pageset_cursor_at(struct pageset_cursor *cursor, uint64_t page, uint64_t *limit);

/*
 * Sorts the extents of each file by first_page and joins neighbours of the same time and age; sorts
 * the files by path (bytewise). Pointers to files stay valid.
 */
void pageset_sort(struct pageset *self);

/* Removes the files for which drop() is true, which must not look for others in self. */
void pageset_remove_if(struct pageset *self, bool (*drop)(const struct pageset_file *, void *),
		       void *context);

/* Over all files; of the program's own, but for operands. */
uint64_t pageset_count_pages(const struct pageset *self);
uint64_t pageset_count_own_pages(const struct pageset *self);
uint64_t pageset_count_extents(const struct pageset *self);

/* Mapped, and with a build-id: a program or a library, not data that a program maps and may replace at each
 * run. */
bool pageset_file_is_code(const struct pageset_file *file);

/* "mapped", "read" or "metadata": mapped wins over read; metadata has no page. */
const char *pageset_file_kind(const struct pageset_file *file);

#endif
