/* physical.c - requests in the order of the medium, where that matters */
#include "prefetch/physical.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "sys/cleanup.h"
#include "sys/page.h"
#include "sys/pagemap.h"
#include "sys/traps.h"

/* Extents of one file that are asked for at once. */
enum { MAX_EXTENTS = 64 };

struct placed {
	uint64_t place; /* byte on the device; UINT64_MAX: not known */
	size_t index;   /* of the request */
};

/* The head, and room for the extents behind it: head.fm_extents. */
union map {
	struct fiemap head;
	char room[sizeof(struct fiemap) + MAX_EXTENTS * sizeof(struct fiemap_extent)];
};

static int compare_places(const void *a, const void *b)
{
	const struct placed *left = a, *right = b;

	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

/* Asks for the part of the file that begins at offset. False: nothing to be had. */
static bool read_map(int fd, uint64_t offset, union map *map)
{
	map->head = (struct fiemap){ .fm_start = offset,
				     .fm_length = FIEMAP_MAX_OFFSET - offset,
				     .fm_extent_count = MAX_EXTENTS };
	return ioctl(fd, FS_IOC_FIEMAP, &map->head) == 0 && map->head.fm_mapped_extents > 0;
}

static bool lies_within(const struct fiemap_extent *extent, uint64_t offset)
{
	return offset - extent->fe_logical < extent->fe_length;
}

/* map holds what was last asked for, and is asked anew if offset is not in it. */
static uint64_t place_of_page(int fd, uint64_t offset, union map *map)
{
	static const uint32_t nowhere =
		FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED;

	for (int attempt = 0; attempt < 2; attempt++) {
		for (uint32_t i = 0; i < map->head.fm_mapped_extents; i++) {
			const struct fiemap_extent *extent = &map->head.fm_extents[i];

			if (lies_within(extent, offset))
				return extent->fe_flags & nowhere
					       ? UINT64_MAX
					       : extent->fe_physical + (offset - extent->fe_logical);
		}
		if (!read_map(fd, offset, map))
			break;
	}
	return UINT64_MAX;
}

static int compare_files(const void *a, const void *b, void *context)
{
	const struct plan *plan = context;
	const struct plan_request *left = &plan->requests[*(const size_t *)a];
	const struct plan_request *right = &plan->requests[*(const size_t *)b];

	if (left->file_index != right->file_index)
		return left->file_index < right->file_index ? -1 : 1;
	return (left->first_page > right->first_page) - (left->first_page < right->first_page);
}

static int compare_paths(const void *a, const void *b, void *context)
{
	const struct plan *plan = context;
	const struct plan_request *left = &plan->requests[*(const size_t *)a];
	const struct plan_request *right = &plan->requests[*(const size_t *)b];
	int r = strcmp(plan->files[left->file_index].file->path, plan->files[right->file_index].file->path);

	return r != 0 ? r : compare_files(a, b, context);
}

/* In the order of paths, in which they were packed. */
static void number_places(const struct plan *plan, const struct mounts *mounts, const size_t *by_path,
			  size_t n, struct placed *ret_places)
{
	(void)plan;
	(void)mounts;
	for (size_t i = 0; i < n; i++)
		ret_places[i] = (struct placed){ i, by_path[i] };
}

/* To look for a file must not mount anything. */
static int open_unmounted(const char *path, const struct mounts *mounts)
{
	struct stat st;

	return mounts && traps_on_way(mounts, path) ? -EXDEV : fileid_open(path, &st);
}

static void find_places(const struct plan *plan, const struct mounts *mounts, const size_t *by_file, size_t n,
			struct placed *ret_places)
{
	cleanup_close int fd = -1;
	union map map = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct plan_request *request = &plan->requests[by_file[i]];

		if (i == 0 || request->file_index != plan->requests[by_file[i - 1]].file_index) {
			if (fd >= 0)
				close(take_fd(fd));
			fd = open_unmounted(plan->files[request->file_index].file->path, mounts);
			map.head.fm_mapped_extents = 0;
		}
		ret_places[i] = (struct placed){ UINT64_MAX, by_file[i] };
		if (fd >= 0)
			ret_places[i].place = place_of_page(fd, request->first_page << page_shift(), &map);
	}
}

static int compare_indexes(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return (left > right) - (left < right);
}

/* How the places of requests are found: of what is sorted by compare(), by find(). */
struct medium {
	enum storage storage;
	int (*compare)(const void *a, const void *b, void *plan);
	void (*find)(const struct plan *plan, const struct mounts *mounts, const size_t *sorted, size_t n,
		     struct placed *ret_places);
};

/* The requests on the medium. Returns their number. */
static size_t list_requests(const struct plan *plan, enum storage storage, size_t *ret_list)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_requests; i++)
		if (plan->files[plan->requests[i].file_index].place.storage == storage)
			ret_list[n++] = i;
	return n;
}

static int sort_medium(struct plan *plan, const struct mounts *mounts, const struct medium *medium)
{
	cleanup_free size_t *slots = reallocarray(NULL, plan->n_requests + 1, sizeof(*slots));
	cleanup_free struct placed *places = NULL;
	cleanup_free struct plan_request *sorted = NULL;

	if (!slots)
		return -ENOMEM;

	size_t n = list_requests(plan, medium->storage, slots);

	places = reallocarray(NULL, n + 1, sizeof(*places));
	sorted = reallocarray(NULL, n + 1, sizeof(*sorted));
	if (!places || !sorted)
		return -ENOMEM;
	qsort_r(slots, n, sizeof(*slots), medium->compare, plan);
	medium->find(plan, mounts, slots, n, places);
	qsort(places, n, sizeof(*places), compare_places);
	for (size_t i = 0; i < n; i++)
		sorted[i] = plan->requests[places[i].index];
	qsort(slots, n, sizeof(*slots), compare_indexes);
	for (size_t i = 0; i < n; i++)
		plan->requests[slots[i]] = sorted[i];
	return 0;
}

int physical_sort(struct plan *plan, const struct mounts *mounts)
{
	static const struct medium media[] = { { STORAGE_ROTATING, compare_files, find_places },
					       { STORAGE_PACKED, compare_paths, number_places } };
	int r = 0;

	for (size_t i = 0; i < sizeof(media) / sizeof(media[0]) && r == 0; i++)
		r = sort_medium(plan, mounts, &media[i]);
	return r;
}
