#include "trace/stub.h"

#include <elf.h>
#include <link.h>

#include "support.h"

/* An image of two pages, of which size bytes are used. */
static unsigned char *image;
static size_t page_size;

static void make_image(size_t size, int n_sections)
{
	ElfW(Ehdr) header = { .e_phoff = sizeof(header), .e_phnum = 2, .e_shentsize = sizeof(ElfW(Shdr)) };
	ElfW(Phdr) segments[2] = { { .p_type = PT_LOAD, .p_offset = 0, .p_filesz = 700, .p_memsz = 700 } };

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	image = calloc(2, page_size);
	ck_assert_ptr_nonnull(image);
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	if (n_sections > 0) {
		header.e_shnum = (ElfW(Half))n_sections;
		header.e_shoff = size - (size_t)n_sections * sizeof(ElfW(Shdr));
	} else {
		segments[1] = (ElfW(Phdr)){ .p_type = PT_LOAD, .p_offset = size - 64, .p_memsz = 64 };
	}
	memcpy(image, &header, sizeof(header));
	memcpy(image + sizeof(header), segments, sizeof(segments));
}

/* With section headers at its end, or segments. */
START_TEST(the_room_lies_behind_the_image)
{
	make_image(1000, _i);
	ck_assert_uint_eq(stub_find_room(image), 1008);
	free(image);
	make_image(page_size + 1, _i);
	ck_assert_uint_eq(stub_find_room(image), page_size + 16);
	free(image);
	make_image(page_size - STUB_MAX_BYTES, _i);
	ck_assert_uint_eq(stub_find_room(image), page_size - STUB_MAX_BYTES);
	free(image);
}
END_TEST

START_TEST(where_there_is_none)
{
	make_image(page_size - STUB_MAX_BYTES + 1, _i);
	ck_assert_uint_eq(stub_find_room(image), 0);
	free(image);
	make_image(page_size, _i);
	ck_assert_uint_eq(stub_find_room(image), 0);
	free(image);
	make_image(1000, _i);
	image[1008 + STUB_MAX_BYTES - 1] = 1;
	ck_assert_uint_eq(stub_find_room(image), 0);
	image[0] = 0;
	ck_assert_uint_eq(stub_find_room(image), 0);
	free(image);
}
END_TEST

static const struct stub_call calls[STUB_MAX_CALLS + 1] = {
	{ .nr = 1, .n_args = 4 }, { .nr = 2, .n_args = 4 }, { .nr = 3, .n_args = 4 }, { .nr = 4 }
};

START_TEST(it_is_not_larger_than_its_room)
{
	const struct user_regs_struct registers = { 0 };
	const uint64_t mask = 0x1234;
	struct stub stub;

	ck_assert_int_eq(stub_build(&stub, 0x7000, &registers, calls, 3, NULL), 0);
	ck_assert_uint_eq(stub.n_calls, 3);
	ck_assert_uint_le(stub.n_bytes, STUB_MAX_BYTES);
	ck_assert_uint_eq(stub.n_bytes % 8, 0);
	ck_assert(stub.entry >= stub.address && stub.call_ends[2] < stub.address + stub.n_bytes);
	ck_assert_int_eq(stub_build(&stub, 0x7000, &registers, calls, 4, NULL), -E2BIG);
	ck_assert_int_eq(stub_build(&stub, 0x7000, &registers, calls, 2, &mask), 0);
	ck_assert_uint_eq(stub.n_calls, 3);
	ck_assert_int_eq(stub_build(&stub, 0x7000, &registers, calls, 3, &mask), -E2BIG);
}
END_TEST

START_TEST(an_earlier_one_may_be_overwritten)
{
	const struct user_regs_struct registers = { 0 };
	unsigned char room[STUB_MAX_BYTES] = { 0 };
	struct stub stub;

	ck_assert(stub_fits(room));
	room[STUB_MAX_BYTES - 1] = 1;
	ck_assert(!stub_fits(room));
	ck_assert_int_eq(stub_build(&stub, 0x7000, &registers, calls, 1, NULL), 0);
	memcpy(room, stub.bytes, stub.n_bytes);
	ck_assert(stub_fits(room));
}
END_TEST

int main(void)
{
	const struct user_regs_struct registers = { 0 };
	struct stub stub;
	Suite *s = suite_create("stub");
	TCase *t = tcase_create("core");

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	tcase_add_loop_test(t, the_room_lies_behind_the_image, 0, 2);
	tcase_add_loop_test(t, where_there_is_none, 0, 2);
	if (can_test(stub_build(&stub, 0, &registers, NULL, 0, NULL) == 0,
		     "the code (not for this architecture)")) {
		tcase_add_test(t, it_is_not_larger_than_its_room);
		tcase_add_test(t, an_earlier_one_may_be_overwritten);
	}
	suite_add_tcase(s, t);
	return run_suite(s);
}
