/* packages: liblzo2-2 liblzma5 liblz4-1 libzstd1 */
#include "sys/unpack.h"

#include "support.h"

#define TEXT "hello hello hello hello hello"

/* TEXT, as each packs it; two of them as it is. */
static const uint8_t zlib_block[] = { 0x78, 0xda, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8,
				      0xc0, 0x4e, 0x02, 0x00, 0xa3, 0x10, 0x0a, 0xe5 };
static const uint8_t xz_block[] = { 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36,
				    0x02, 0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3,
				    0xe0, 0x00, 0x1c, 0x00, 0x0c, 0x5d, 0x00, 0x34, 0x19, 0x49, 0xee, 0x8d,
				    0xe9, 0x57, 0x3a, 0xc6, 0xaf, 0x00, 0x00, 0x00, 0xf6, 0xd2, 0x53, 0x38,
				    0x00, 0x01, 0x24, 0x1d, 0x54, 0x38, 0x68, 0xb2, 0x90, 0x42, 0x99, 0x0d,
				    0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a };
static const uint8_t zstd_block[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x65, 0x00, 0x00, 0x30, 0x68,
				      0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x01, 0x00, 0xa9, 0x4b, 0x11 };
static const uint8_t lz4_block[] = "\xf0\x0e" TEXT;
static const uint8_t lzo_block[] = "\x2e" TEXT "\x11\0\0";

static const struct {
	const uint8_t *block;
	size_t size;
} blocks[N_UNPACK_KINDS] = {
	[UNPACK_ZLIB] = { zlib_block, sizeof(zlib_block) },
	[UNPACK_XZ] = { xz_block, sizeof(xz_block) },
	[UNPACK_ZSTD] = { zstd_block, sizeof(zstd_block) },
	[UNPACK_LZ4] = { lz4_block, sizeof(lz4_block) - 1 },
	[UNPACK_LZO] = { lzo_block, sizeof(lzo_block) - 1 },
};

/* The end of a block that is cut off: in memory of its own, so that nobody reads behind it. */
static int unpack_part(const struct unpacker *unpacker, const uint8_t *block, size_t size, char *data,
		       size_t max_size, size_t *ret_size)
{
	uint8_t *part = malloc(size + 1);

	ck_assert_ptr_nonnull(part);
	memcpy(part, block, size);
	int r = unpacker_run(unpacker, part, size, data, max_size, ret_size);

	free(part);
	return r;
}

START_TEST(each_unpacks_what_it_packed)
{
	cleanup_with(unpacker_release) struct unpacker unpacker = { 0 };
	char data[100] = "";
	size_t size = 0;

	ck_assert_int_eq(unpacker_init(&unpacker, (enum unpack_kind)_i), 0);
	ck_assert_int_eq(unpack_part(&unpacker, blocks[_i].block, blocks[_i].size, data, sizeof(data), &size),
			 0);
	ck_assert_uint_eq(size, strlen(TEXT));
	ck_assert_mem_eq(data, TEXT, size);
	/* Just enough room. */
	ck_assert_int_eq(unpack_part(&unpacker, blocks[_i].block, blocks[_i].size, data, strlen(TEXT), &size),
			 0);
}
END_TEST

START_TEST(what_is_no_block_of_it)
{
	cleanup_with(unpacker_release) struct unpacker unpacker = { 0 };
	char data[100];
	size_t size = 77;

	ck_assert_int_eq(unpacker_init(&unpacker, (enum unpack_kind)_i), 0);
	/* No room; the end is missing; rubbish. */
	ck_assert_int_eq(
		unpack_part(&unpacker, blocks[_i].block, blocks[_i].size, data, strlen(TEXT) - 1, &size),
		-EBADMSG);
	ck_assert_int_eq(
		unpack_part(&unpacker, blocks[_i].block, blocks[_i].size - 4, data, sizeof(data), &size),
		-EBADMSG);
	ck_assert_int_eq(unpack_part(&unpacker, (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff", 7, data,
				     sizeof(data), &size),
			 -EBADMSG);
	ck_assert_uint_eq(size, 77);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unpack");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, each_unpacks_what_it_packed, 0, N_UNPACK_KINDS);
	tcase_add_loop_test(t, what_is_no_block_of_it, 0, N_UNPACK_KINDS);
	suite_add_tcase(s, t);
	return run_suite(s);
}
