/* packages: squashfs-tools */
#include "record/in_image.h"

#include "squashed.h"
#include "sys/image.h"
#include "sys/page.h"

static struct pageset seen;
static char image_path[PATH_MAX];

static void set_up(void)
{
	scratch_enter();
	pageset_init(&seen);
	squashed_make("");
	snprintf(image_path, sizeof(image_path), "%s/image", scratch);
}

static void tear_down(void)
{
	pageset_release(&seen);
	squashed_release();
	scratch_leave();
}

/* The inode number of a file, by its size. */
static uint64_t inode_of(size_t size, struct squashfs_file *ret_file)
{
	struct image image;
	uint64_t inode = 0;
	int r = -ENOENT;

	ck_assert_int_eq(image_open(&image, image_path, 0), 0);
	while (r < 0 && inode < 20) {
		r = squashfs_find(&image.squashfs, ++inode, ret_file);
		if (r == 0 && ret_file->size_bytes != size) {
			free(ret_file->blocks);
			r = -ENOENT;
		}
	}
	ck_assert_int_eq(r, 0);
	image_close(&image);
	return inode;
}

/* Page page of the file with that inode number was used. */
static void use(uint64_t inode, size_t size, uint64_t page)
{
	struct loop loop = { .offset_bytes = 0 };
	struct pageset_file *file;
	char name[PATH_MAX];

	strcpy(loop.path, image_path);
	ck_assert(image_name(&loop, inode, name));
	ck_assert_int_eq(in_image_note(&seen, name, 5), 0);
	ck_assert_int_eq(pageset_add(&seen, name, 5, &file), 0);
	file->access = PAGESET_MAPPED;
	file->id.size_bytes = size;
	ck_assert_int_ge(pageset_file_add(file, (struct page_run){ page, 1 }, 3000), 0);
}

/* Names and inodes, the last of them, too. */
static void assert_has_tables(struct pageset_file *file)
{
	struct image image;

	ck_assert_int_eq(image_open(&image, image_path, 0), 0);
	struct squashfs_range tables = squashfs_metadata(&image.squashfs);

	image_close(&image);
	ck_assert_uint_gt(tables.size_bytes, 0);
	ck_assert(pageset_file_has(file, tables.offset_bytes / page_bytes()));
	ck_assert(pageset_file_has(file, (tables.offset_bytes + tables.size_bytes - 1) / page_bytes()));
}

START_TEST(pages_of_the_image_take_their_place)
{
	struct squashfs_file inner;
	size_t size = squashed_sizes[SQUASHED_RANDOM];
	uint64_t inode = inode_of(size, &inner);
	struct stat st;

	use(inode, size, 2 * SQUASHED_BLOCK / page_bytes() + 1);
	struct pageset_file *image = pageset_find(&seen, image_path);

	ck_assert_ptr_nonnull(image);
	ck_assert(!image->exact && image->n_extents == 0);
	ck_assert_uint_eq(image->access, PAGESET_OPENED);
	ck_assert_int_eq(in_image_resolve(&seen), 0);
	ck_assert_uint_eq(seen.n_files, 1);
	ck_assert(image->exact && image->access & PAGESET_READ);
	ck_assert_int_eq(stat(image_path, &st), 0);
	ck_assert_uint_eq(image->id.size_bytes, (uint64_t)st.st_size);
	/* The block that it is in, none beside; the beginning and the tables. */
	ck_assert(pageset_file_has(image, inner.blocks[2].offset_bytes / page_bytes()));
	ck_assert(pageset_file_has(image, (inner.blocks[3].offset_bytes - 1) / page_bytes()));
	ck_assert(!pageset_file_has(image, inner.blocks[1].offset_bytes / page_bytes() + 1));
	ck_assert(!pageset_file_has(image, inner.blocks[4].offset_bytes / page_bytes()));
	ck_assert(pageset_file_has(image, 0));
	ck_assert(pageset_file_has(image, inner.inode.offset_bytes / page_bytes()));
	assert_has_tables(image);
	free(inner.blocks);
}
END_TEST

/* Files of two images by turns: each is looked up in its own, and nothing stays open. */
START_TEST(images_are_told_apart)
{
	char first_path[PATH_MAX];
	struct squashfs_file inner;
	size_t size = squashed_sizes[SQUASHED_RANDOM];
	uint64_t inode = inode_of(size, &inner), page = inner.blocks[0].offset_bytes / page_bytes();
	size_t n_fds = count_entries("/proc/self/fd");

	free(inner.blocks);
	strcpy(first_path, image_path);
	ck_assert_int_eq(system("cp image other"), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(image_path, sizeof(image_path), "%s/%s", scratch, i % 2 ? "other" : "image");
		use(inode + (uint64_t)(i / 2 * 1000), size, 0);
	}
	ck_assert_int_eq(in_image_resolve(&seen), 0);
	ck_assert_uint_eq(seen.n_files, 2);
	ck_assert(pageset_file_has(pageset_find(&seen, first_path), page));
	ck_assert(pageset_file_has(pageset_find(&seen, image_path), page));
	ck_assert_uint_eq(count_entries("/proc/self/fd"), n_fds);
}
END_TEST

START_TEST(what_is_known_of_an_image_stays)
{
	struct pageset_file *image;
	struct loop loop = { .offset_bytes = 0 };
	char name[PATH_MAX];

	strcpy(loop.path, image_path);
	ck_assert(image_name(&loop, 1, name));
	ck_assert_int_eq(pageset_add(&seen, image_path, 5, &image), 0);
	image->access = PAGESET_READ;
	image->exact = true;
	ck_assert_int_eq(in_image_note(&seen, name, 6), 0);
	ck_assert(image->exact && image->access == PAGESET_READ);
}
END_TEST

START_TEST(what_cannot_be_found_is_left_out)
{
	struct squashfs_file inner;
	uint64_t inode = inode_of(squashed_sizes[SQUASHED_SMALL], &inner);
	struct pageset_file *plain;

	free(inner.blocks);
	/* Of another size than the image has it; of no inode; in no image. */
	use(inode, 12345, 0);
	use(4711, 100, 0);
	ck_assert_int_eq(pageset_add(&seen, "/nowhere/image//0:1", 5, &plain), 0);
	ck_assert_int_eq(pageset_add(&seen, "/usr/bin/x", 5, &plain), 0);
	ck_assert_int_eq(in_image_resolve(&seen), 0);
	ck_assert_uint_eq(seen.n_files, 2);
	ck_assert_ptr_nonnull(pageset_find(&seen, "/usr/bin/x"));
	ck_assert_int_eq(unlink("image"), 0);
	use(inode, 100, 0);
	ck_assert_int_eq(in_image_resolve(&seen), 0);
	ck_assert_uint_eq(seen.n_files, 2);
}
END_TEST

START_TEST(other_files_have_no_image)
{
	ck_assert_int_eq(in_image_note(&seen, "/usr/bin/x", 1), 0);
	ck_assert_uint_eq(seen.n_files, 0);
	ck_assert_int_eq(in_image_resolve(&seen), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("in_image");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	if (can_test(squashed_is_possible(), "images (needs mksquashfs)")) {
		tcase_add_test(t, pages_of_the_image_take_their_place);
		tcase_add_test(t, images_are_told_apart);
		tcase_add_test(t, what_is_known_of_an_image_stays);
		tcase_add_test(t, what_cannot_be_found_is_left_out);
		tcase_add_test(t, other_files_have_no_image);
	}
	suite_add_tcase(s, t);
	return run_suite(s);
}
