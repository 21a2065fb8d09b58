/* packages: squashfs-tools liblzo2-2 liblzma5 liblz4-1 libzstd1 */
#include "sys/squashfs.h"

#include <zlib.h>

#include "squashed.h"
#include "sys/image.h"

static struct image image;

static void set_up(void)
{
	scratch_enter();
	image.fd = -1;
}

static void tear_down(void)
{
	image_close(&image);
	squashed_release();
	scratch_leave();
}

/* The file of that size. */
static struct squashfs_file find(size_t size, uint64_t *ret_inode)
{
	struct squashfs_file file;

	for (uint64_t inode = 1; inode < 20; inode++) {
		int r = squashfs_find(&image.squashfs, inode, &file);

		ck_assert(r == 0 || r == -ENOENT);
		if (r == 0 && file.size_bytes == size) {
			*ret_inode = inode;
			return file;
		}
		if (r == 0)
			free(file.blocks);
	}
	ck_abort_msg("no file of %zu bytes", size);
}

/* Is wanted in what the image has there, packed or not? */
static bool has(const struct squashfs_range *range, const uint8_t *wanted, size_t size)
{
	static uint8_t packed[SQUASHED_BLOCK];
	static uint8_t data[SQUASHED_BLOCK];
	uLongf n = sizeof(data);

	ck_assert_uint_le(range->size_bytes, sizeof(packed));
	ck_assert_int_eq(pread(image.fd, packed, range->size_bytes, (off_t)range->offset_bytes),
			 (ssize_t)range->size_bytes);
	if (uncompress(data, &n, packed, range->size_bytes) != Z_OK)
		memcpy(data, packed, n = range->size_bytes);
	return memmem(data, n, wanted, size);
}

static void check_file(size_t i)
{
	uint64_t inode = 0;
	struct squashfs_file file = find(squashed_sizes[i], &inode);
	size_t size = squashed_sizes[i];

	ck_assert_uint_eq(file.block_bytes, SQUASHED_BLOCK);
	ck_assert_uint_eq(file.n_blocks, (size + SQUASHED_BLOCK - 1) / SQUASHED_BLOCK);
	for (size_t block = 0; block < file.n_blocks; block++) {
		size_t at = block * SQUASHED_BLOCK;
		size_t n = size - at < SQUASHED_BLOCK ? size - at : SQUASHED_BLOCK;

		if (i == SQUASHED_WITH_HOLE && block == 0)
			ck_assert_uint_eq(file.blocks[block].size_bytes, 0);
		else
			ck_assert(has(&file.blocks[block], squashed_contents[i] + at, n));
	}
	ck_assert_uint_ge(file.inode.offset_bytes, squashfs_metadata(&image.squashfs).offset_bytes);
	free(file.blocks);
}

/* Of those that are not packed by zlib the data are as they are, and what describes them is packed. */
static const char *const options[] = { "",
				       "-noI -noD -noF",
				       "-no-fragments",
				       "-always-use-fragments",
				       "-comp xz -noD -noF",
				       "-comp zstd -noD -noF",
				       "-comp lz4 -noD -noF",
				       "-comp lzo -noD -noF" };

START_TEST(blocks_hold_what_files_hold)
{
	squashed_make(options[_i]);
	ck_assert_int_eq(image_open(&image, scratch_path("image"), 0), 0);
	for (size_t i = 0; i < N_SQUASHED; i++)
		check_file(i);
	struct squashfs_file file;

	ck_assert_int_eq(squashfs_find(&image.squashfs, 0, &file), -ENOENT);
	ck_assert_int_eq(squashfs_find(&image.squashfs, 6, &file), -ENOENT);
}
END_TEST

START_TEST(what_is_no_image_of_a_known_kind)
{
	static const uint8_t zeros[4096];

	write_file("zeros", zeros, sizeof(zeros), 0644);
	ck_assert_int_eq(image_open(&image, "zeros", 0), -EBADMSG);
	ck_assert_int_eq(image_open(&image, "zeros", 4096), -EBADMSG);
	ck_assert_int_eq(image_open(&image, "zeros", 4090), -EBADMSG);
	ck_assert_int_eq(image_open(&image, "none", 0), -ENOENT);
	ck_assert_int_eq(image.fd, -ENOENT);
	squashed_make("-no-exports");
	ck_assert_int_eq(image_open(&image, "image", 0), -EOPNOTSUPP);
	/* The number of the compressor: lzma, and none that there is. */
	for (uint8_t compressor = 2; compressor < 8; compressor += 5) {
		cleanup_close int fd = open("image", O_WRONLY | O_CLOEXEC);

		ck_assert_int_eq(pwrite(fd, &compressor, 1, 20), 1);
		ck_assert_int_eq(image_open(&image, "image", 0), -EOPNOTSUPP);
	}
}
END_TEST

START_TEST(an_image_of_which_the_end_is_missing)
{
	struct squashfs_file file;
	struct stat st;

	squashed_make("");
	ck_assert_int_eq(stat("image", &st), 0);
	ck_assert_int_eq(truncate("image", st.st_size / 2), 0);
	ck_assert_int_eq(image_open(&image, "image", 0), 0);
	ck_assert_int_eq(squashfs_find(&image.squashfs, 1, &file), -EBADMSG);
}
END_TEST

enum { CRAFTED_INODES = 114, CRAFTED_BYTES = CRAFTED_INODES + 3 * 4096 };
static uint8_t crafted[CRAFTED_BYTES];
static unsigned int n_reads;

static void put(size_t at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		crafted[at + i] = (uint8_t)(value >> 8 * i);
}

static int read_crafted(void *data, size_t size, uint64_t offset_bytes, void *context)
{
	(void)context;
	n_reads++;
	if (offset_bytes > CRAFTED_BYTES || size > CRAFTED_BYTES - offset_bytes)
		return -EBADMSG;
	memcpy(data, crafted + offset_bytes, size);
	return 0;
}

/* A file of a million blocks, and a block of metadata for each byte of the list of them. */
START_TEST(a_list_in_tiny_pieces_is_not_followed)
{
	static const uint8_t inode[32] = { [0] = 2, [20] = 255, 255, 255, 255, [29] = 255, 255, 255 };
	struct squashfs squashfs;
	struct squashfs_file file;

	put(0, 0x73717368, 4);
	put(4, 1, 4);     /* an inode */
	put(12, 4096, 4); /* bytes in a block of data */
	put(20, 1, 2);    /* zlib */
	put(22, 12, 2);   /* 1 << 12 */
	put(28, 4, 2);    /* the format */
	put(40, CRAFTED_BYTES, 8);
	put(64, CRAFTED_INODES, 8);
	put(88, 96, 8); /* where inodes are found */
	put(96, 104, 8);
	put(104, 0x8008, 2);
	for (size_t i = 0; i < 4096; i++) {
		put(CRAFTED_INODES + 3 * i, 0x8001, 2);
		put(CRAFTED_INODES + 3 * i + 2, i < sizeof(inode) ? inode[i] : 0, 1);
	}
	ck_assert_int_eq(squashfs_open(&squashfs, read_crafted, NULL), 0);
	n_reads = 0;
	ck_assert_int_eq(squashfs_find(&squashfs, 1, &file), -EBADMSG);
	ck_assert_uint_lt(n_reads, 10);
	squashfs_close(&squashfs);
}
END_TEST

START_TEST(names_of_files_in_images)
{
	struct loop loop = { .path = "/a b/image", .offset_bytes = 4096 };
	char name[PATH_MAX];
	uint64_t offset, inode;
	size_t size;

	ck_assert(image_name(&loop, 77, name));
	ck_assert_str_eq(name, "/a b/image//4096:77");
	ck_assert(image_parse_name(name, &size, &offset, &inode));
	ck_assert(size == strlen(loop.path) && offset == 4096 && inode == 77);
	ck_assert(!image_parse_name("/a b/image/4096:77", &size, &offset, &inode));
	ck_assert(!image_parse_name("/a//b", &size, &offset, &inode));
	memset(loop.path, 'x', sizeof(loop.path) - 2);
	ck_assert(!image_name(&loop, 77, name));
}
END_TEST

START_TEST(what_is_no_loop_device)
{
	struct loop loop;

	ck_assert_int_eq(loop_find(0, &loop), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("squashfs");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	if (can_test(squashed_is_possible(), "images (needs mksquashfs)")) {
		tcase_add_loop_test(t, blocks_hold_what_files_hold, 0, sizeof(options) / sizeof(options[0]));
		tcase_add_test(t, what_is_no_image_of_a_known_kind);
		tcase_add_test(t, an_image_of_which_the_end_is_missing);
	}
	tcase_add_test(t, a_list_in_tiny_pieces_is_not_followed);
	tcase_add_test(t, names_of_files_in_images);
	tcase_add_test(t, what_is_no_loop_device);
	suite_add_tcase(s, t);
	return run_suite(s);
}
