/* in_image.c - finds the blocks of an image that hold what was used of the files in it. */
#include "record/in_image.h"

#include <string.h>

#include "sys/image.h"
#include "sys/page.h"

/* Of a larger image's names and inodes only what describes the files that were used is taken. */
#define MAX_METADATA_BYTES (UINT64_C(4) << 20)

int in_image_note(struct pageset *seen, const char *name, uint32_t time_us)
{
	struct pageset_file *image;
	uint64_t offset_bytes;
	uint64_t inode;
	size_t size;

	if (!image_parse_name(name, &size, &offset_bytes, &inode))
		return 0;
	cleanup_free char *path = strndup(name, size);

	if (!path)
		return -ENOMEM;
	if (pageset_find(seen, path))
		return 0;
	int r = pageset_add(seen, path, time_us, &image);

	if (r < 0)
		return r;
	image->access = PAGESET_OPENED;
	image->exact = false;
	return 0;
}

static int add_range(struct pageset_file *file, uint64_t image_offset, struct squashfs_range range,
		     uint32_t first_use_us)
{
	uint64_t start = image_offset + range.offset_bytes;
	uint64_t end = start + range.size_bytes;
	uint64_t first_page = start >> page_shift();
	uint64_t end_page = (end + page_bytes() - 1) >> page_shift();

	if (range.size_bytes == 0 || end > file->id.size_bytes)
		return 0;
	return pageset_file_add_up_to(file, first_page, end_page, first_use_us);
}

/* The blocks that an extent of a file in the image is made of. */
static int add_extent(struct pageset_file *file, uint64_t image_offset, const struct squashfs_file *inner,
		      const struct extent *extent)
{
	uint64_t shift = page_shift();
	uint64_t first = (extent->first_page << shift) / inner->block_bytes;
	uint64_t last = (((extent->first_page + extent->n_pages) << shift) - 1) / inner->block_bytes;
	int r = 0;

	for (uint64_t block = first; block <= last && block < inner->n_blocks && r == 0; block++)
		r = add_range(file, image_offset, inner->blocks[block], extent->first_use_us);
	return r;
}

static int add_metadata(struct pageset_file *file, const struct image *image)
{
	struct squashfs_range head = { 0, 1 };
	struct squashfs_range rest = squashfs_metadata(&image->squashfs);
	int r = add_range(file, image->offset_bytes, head, file->first_use_us);

	if (r == 0 && rest.size_bytes <= MAX_METADATA_BYTES)
		r = add_range(file, image->offset_bytes, rest, file->first_use_us);
	return r;
}

static int add_inner(struct pageset_file *file, const struct image *image, uint64_t inode,
		     const struct pageset_file *used)
{
	struct squashfs_file inner;
	int r = squashfs_find(&image->squashfs, inode, &inner);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (inner.size_bytes == used->id.size_bytes) {
		r = add_range(file, image->offset_bytes, inner.inode, used->first_use_us);
		for (size_t i = 0; i < used->n_extents && r == 0; i++)
			r = add_extent(file, image->offset_bytes, &inner, &used->extents[i]);
	}
	free(inner.blocks);
	return r;
}

/* The image that was opened last: files of one come together. */
struct opened {
	struct image image;
	struct pageset_file *file; /* NULL: none */
};

static int open_image(struct opened *self, struct pageset_file *file, uint64_t offset_bytes)
{
	struct stat st;

	if (self->file == file && self->image.offset_bytes == offset_bytes)
		return self->image.fd < 0 ? -EBADMSG : 0;
	image_close(&self->image);
	self->file = file;
	int r = image_open(&self->image, file->path, offset_bytes);

	if (r < 0)
		return r;
	if (fstat(self->image.fd, &st) < 0)
		return -errno;
	file->id = fileid_from_stat(&st);
	file->access |= PAGESET_READ;
	file->exact = true;
	return add_metadata(file, &self->image);
}

static int resolve(struct pageset *seen, const struct pageset_file *used, struct opened *opened)
{
	uint64_t offset_bytes;
	uint64_t inode;
	size_t size;

	if (!image_parse_name(used->path, &size, &offset_bytes, &inode))
		return 0;
	cleanup_free char *path = strndup(used->path, size);

	if (!path)
		return -ENOMEM;
	struct pageset_file *file = pageset_find(seen, path);
	int r = file ? open_image(opened, file, offset_bytes) : -ENOENT;

	if (r == 0)
		r = add_inner(file, &opened->image, inode, used);
	return r == -ENOMEM ? r : 0;
}

static bool is_inner(const struct pageset_file *file, void *context)
{
	uint64_t offset_bytes;
	uint64_t inode;
	size_t size;

	(void)context;
	return image_parse_name(file->path, &size, &offset_bytes, &inode);
}

int in_image_resolve(struct pageset *seen)
{
	struct opened opened = { .image = { .fd = -1 } };
	int r = 0;

	for (size_t i = 0; i < seen->n_files && r == 0; i++)
		r = resolve(seen, seen->files[i], &opened);
	image_close(&opened.image);
	pageset_remove_if(seen, is_inner, NULL);
	return r;
}
