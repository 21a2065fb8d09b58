/* pagemap.c - reads which pages of an address space are present. */
#include "sys/pagemap.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sys/page.h"
#include "sys/procfs.h"

/* One entry of /proc/PID/pagemap: 64 bits, of which these two matter. */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)

/*
 * From <linux/fs.h> of Linux 6.7, which is newer than the headers of the systems that pbrun builds on;
 * under names of our own, as newer headers have them too.
 */
#define SCAN_IS_PRESENT (UINT64_C(1) << 3)
#define SCAN_IS_SWAPPED (UINT64_C(1) << 4)
#define SCAN_IS_HUGE (UINT64_C(1) << 6)

struct scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)

/* The kernel holds the address space's lock for no more than this at a time. */
#define SCAN_STEP_BYTES (UINT64_C(1) << 30)
#define SCAN_REGIONS 256
#define READ_ENTRIES 1024

/* The run that is still growing: neither the kernel nor our steps deliver maximal ones. */
struct run_joiner {
	uint64_t start;
	uint64_t end;
	enum pagemap_kind kind;
	pagemap_found *found;
	void *context;
};

static int joiner_flush(struct run_joiner *joiner)
{
	if (joiner->start == joiner->end)
		return 0;
	return joiner->found(joiner->start, joiner->end, joiner->kind, joiner->context);
}

static int joiner_add(struct run_joiner *joiner, uint64_t start, uint64_t end, enum pagemap_kind kind)
{
	int r = 0;

	if (start != joiner->end || kind != joiner->kind) {
		r = joiner_flush(joiner);
		joiner->start = start;
		joiner->kind = kind;
	}
	joiner->end = end;
	return r;
}

static int scan_by_ioctl(int pagemap_fd, uint64_t start, uint64_t end, struct run_joiner *joiner)
{
	/* Zeroed for Valgrind, which does not know that the kernel writes there. */
	struct scan_region regions[SCAN_REGIONS] = { 0 };
	struct scan_arg arg = {
		.size = sizeof(arg),
		.vec = (uintptr_t)regions,
		.vec_len = SCAN_REGIONS,
		.category_anyof_mask = SCAN_IS_PRESENT | SCAN_IS_SWAPPED,
		.return_mask = SCAN_IS_HUGE,
	};

	/* walk_end tells how far the kernel came before the regions were full. */
	for (arg.start = start; arg.start < end; arg.start = arg.walk_end) {
		int n_regions, r = 0;

		arg.end = end - arg.start > SCAN_STEP_BYTES ? arg.start + SCAN_STEP_BYTES : end;
		n_regions = ioctl(pagemap_fd, SCAN_IOCTL, &arg);
		if (n_regions < 0)
			return errno == ESRCH ? 0 : -errno;
		for (int i = 0; i < n_regions && r == 0; i++)
			r = joiner_add(joiner, regions[i].start, regions[i].end,
				       regions[i].categories & SCAN_IS_HUGE ? PAGEMAP_HUGE : PAGEMAP_PAGES);
		if (r != 0)
			return r;
	}
	return 0;
}

static int scan_by_reading(int pagemap_fd, uint64_t start, uint64_t end, struct run_joiner *joiner)
{
	uint64_t entries[READ_ENTRIES];
	uint64_t page_size = page_bytes();
	uint64_t page = start / page_size;
	uint64_t n_left = (end - start) / page_size;

	while (n_left > 0) {
		size_t n_wanted = n_left < READ_ENTRIES ? (size_t)n_left : READ_ENTRIES;
		ssize_t n_bytes = pread(pagemap_fd, entries, n_wanted * sizeof(entries[0]),
					(off_t)(page * sizeof(entries[0])));
		size_t n_entries = n_bytes > 0 ? (size_t)n_bytes / sizeof(entries[0]) : 0;

		if (n_bytes < 0 && errno != ESRCH)
			return -errno;
		if (n_entries == 0)
			return 0;
		for (size_t i = 0; i < n_entries; i++) {
			uint64_t address = (page + i) * page_size;
			int r;

			if (!(entries[i] & (ENTRY_PRESENT | ENTRY_SWAPPED)))
				continue;
			r = joiner_add(joiner, address, address + page_size, PAGEMAP_PAGES);
			if (r != 0)
				return r;
		}
		page += n_entries;
		n_left -= n_entries;
	}
	return 0;
}

int pagemap_open(pid_t tid)
{
	return procfs_open(tid, "pagemap");
}

/*
 * What else looks swapped out: a page on its way to another place in memory (which was touched), a
 * guard region (MADV_GUARD_INSTALL, Linux 6.15 on files), a write-protection marker of userfaultfd(2)
 * (left by UFFDIO_WRITEPROTECT only, never by registering). The latter two were not touched, but
 * are not worth a system call of their own: telling them apart takes a mask that Linux 6.7 refuses.
 */
int pagemap_scan(int pagemap_fd, uint64_t start, uint64_t end, pagemap_found *found, void *context)
{
	static atomic_bool lacks_ioctl;
	uint64_t page_size = page_bytes();
	struct run_joiner joiner = { .found = found, .context = context };
	int r = -ENOTTY;

	start -= start % page_size;
	end -= end % page_size;
	if (start >= end)
		return 0;
	if (!atomic_load_explicit(&lacks_ioctl, memory_order_relaxed))
		r = scan_by_ioctl(pagemap_fd, start, end, &joiner);
	if (r == -ENOTTY) {
		atomic_store_explicit(&lacks_ioctl, true, memory_order_relaxed);
		r = scan_by_reading(pagemap_fd, start, end, &joiner);
	}
	return r != 0 ? r : joiner_flush(&joiner);
}
