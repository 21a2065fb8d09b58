#include "sys/elfinfo.h"

#include <elf.h>
#include <endian.h>
#include <stdint.h>
#include <sys/mman.h>

#include "support.h"

/* An ELF file of a header, program headers, and notes behind them. */
struct image {
	uint8_t bytes[4096];
	size_t size;
};

static void append(struct image *self, const void *data, size_t size)
{
	ck_assert_uint_le(self->size + size, sizeof(self->bytes));
	memcpy(self->bytes + self->size, data, size);
	self->size += size;
}

static void append_note(struct image *self, const char *name, uint32_t type, const void *desc, uint32_t size,
			size_t align)
{
	Elf64_Nhdr note = { .n_namesz = (uint32_t)strlen(name) + 1, .n_descsz = size, .n_type = type };

	append(self, &note, sizeof(note));
	append(self, name, note.n_namesz);
	self->size = (self->size + align - 1) & ~(align - 1);
	append(self, desc, size);
	self->size = (self->size + align - 1) & ~(align - 1);
}

enum { N_HEADERS = 3, NOTES_OFFSET = sizeof(Elf64_Ehdr) + N_HEADERS * sizeof(Elf64_Phdr) };

static struct image begin_image(void)
{
	return (struct image){ .size = NOTES_OFFSET };
}

/* The last program header is the note segment: what was appended since begin_image(). */
static void finish_image(struct image *self, uint64_t align)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = N_HEADERS,
	};
	Elf64_Phdr headers[N_HEADERS] = {
		{ .p_type = PT_LOAD, .p_filesz = self->size },
		{ .p_type = PT_NOTE, .p_offset = NOTES_OFFSET, .p_filesz = 0 },
		{ .p_type = PT_NOTE,
		  .p_offset = NOTES_OFFSET,
		  .p_filesz = self->size - NOTES_OFFSET,
		  .p_align = align },
	};

	memcpy(self->bytes, &header, sizeof(header));
	memcpy(self->bytes + sizeof(header), headers, sizeof(headers));
}

static int make_file(const void *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	return fd;
}

static int build_id_of(const void *data, size_t size, uint8_t ret_id[static ELFINFO_BUILD_ID_MAX])
{
	cleanup_close int fd = make_file(data, size);

	return elfinfo_build_id(fd, ret_id);
}

static const uint8_t expected[40] = "0123456789abcdefghijklmnopqrstuvwxyzABC";

START_TEST(finds_build_id)
{
	struct image image = begin_image();
	uint8_t id[ELFINFO_BUILD_ID_MAX];

	append_note(&image, "GNU", NT_GNU_ABI_TAG, "abcdefgh", 8, 4);
	append_note(&image, "Go", NT_GNU_BUILD_ID, "not this one", 12, 4);
	append_note(&image, "GNU", NT_GNU_BUILD_ID, expected, 20, 4);
	append_note(&image, "GNU", NT_GNU_BUILD_ID, "nor this", 8, 4);
	finish_image(&image, 4);
	ck_assert_int_eq(build_id_of(image.bytes, image.size, id), 20);
	ck_assert_mem_eq(id, expected, 20);
}
END_TEST

/* Such segments begin with .note.gnu.property, padded to 8. */
START_TEST(finds_build_id_in_segment_aligned_to_8)
{
	struct image image = begin_image();
	uint8_t id[ELFINFO_BUILD_ID_MAX];

	append_note(&image, "GNU", NT_GNU_PROPERTY_TYPE_0, "abcdefghijkl", 12, 8);
	append_note(&image, "GNU", NT_GNU_BUILD_ID, expected, 20, 8);
	finish_image(&image, 8);
	ck_assert_int_eq(build_id_of(image.bytes, image.size, id), 20);
	ck_assert_mem_eq(id, expected, 20);
}
END_TEST

START_TEST(finds_build_id_of_foreign_architecture)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment;
		Elf32_Nhdr note;
		char name[4];
		uint8_t desc[20];
	} image = {
		.header = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2MSB, EV_CURRENT },
			.e_type = htobe16(ET_EXEC),
			.e_machine = htobe16(EM_PPC),
			.e_version = htobe32(EV_CURRENT),
			.e_phoff = htobe32(sizeof(Elf32_Ehdr)),
			.e_ehsize = htobe16(sizeof(Elf32_Ehdr)),
			.e_phentsize = htobe16(sizeof(Elf32_Phdr)),
			.e_phnum = htobe16(1),
		},
		.segment = {
			.p_type = htobe32(PT_NOTE),
			.p_offset = htobe32(sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr)),
			.p_filesz = htobe32(sizeof(Elf32_Nhdr) + 4 + 20),
			.p_align = htobe32(4),
		},
		.note = { htobe32(4), htobe32(20), htobe32(NT_GNU_BUILD_ID) },
		.name = "GNU",
	};
	uint8_t id[ELFINFO_BUILD_ID_MAX];

	memcpy(image.desc, expected, sizeof(image.desc));
	ck_assert_int_eq(build_id_of(&image, sizeof(image), id), 20);
	ck_assert_mem_eq(id, expected, 20);
}
END_TEST

START_TEST(cuts_long_build_id)
{
	struct image image = begin_image();
	uint8_t id[ELFINFO_BUILD_ID_MAX];

	append_note(&image, "GNU", NT_GNU_BUILD_ID, expected, sizeof(expected), 4);
	finish_image(&image, 4);
	ck_assert_int_eq(build_id_of(image.bytes, image.size, id), ELFINFO_BUILD_ID_MAX);
	ck_assert_mem_eq(id, expected, ELFINFO_BUILD_ID_MAX);
}
END_TEST

START_TEST(finds_none)
{
	struct image image = begin_image();
	uint8_t id[ELFINFO_BUILD_ID_MAX];

	ck_assert_int_eq(build_id_of("", 0, id), 0);
	ck_assert_int_eq(build_id_of("\177EL", 3, id), 0);
	ck_assert_int_eq(build_id_of("\177ELF", 4, id), 0);
	ck_assert_int_eq(build_id_of("#!/bin/sh\n", 10, id), 0);
	ck_assert_int_eq(build_id_of("!<arch>\n", 8, id), 0);
	finish_image(&image, 4);
	ck_assert_int_eq(build_id_of(image.bytes, image.size, id), 0);
	append_note(&image, "gnu", NT_GNU_BUILD_ID, expected, 20, 4);
	append_note(&image, "GNU", NT_GNU_ABI_TAG, expected, 20, 4);
	append_note(&image, "GNU", NT_GNU_BUILD_ID, expected, 0, 4);
	finish_image(&image, 4);
	ck_assert_int_eq(build_id_of(image.bytes, image.size, id), 0);
}
END_TEST

START_TEST(survives_truncation_and_wrong_bytes)
{
	struct image image = begin_image();
	uint8_t id[ELFINFO_BUILD_ID_MAX];

	append_note(&image, "GNU", NT_GNU_BUILD_ID, expected, 20, 4);
	finish_image(&image, 4);
	for (size_t size = 0; size < image.size; size++)
		ck_assert_int_eq(build_id_of(image.bytes, size, id), 0);
	for (size_t i = 0; i < image.size; i++) {
		uint8_t right = image.bytes[i];

		image.bytes[i] = 0xff;
		ck_assert_int_ge(build_id_of(image.bytes, image.size, id), 0);
		image.bytes[i] = 0x80;
		ck_assert_int_ge(build_id_of(image.bytes, image.size, id), 0);
		image.bytes[i] = right;
	}
}
END_TEST

START_TEST(leaves_offset_alone)
{
	struct image image = begin_image();
	uint8_t id[ELFINFO_BUILD_ID_MAX];
	cleanup_close int fd = -1;

	append_note(&image, "GNU", NT_GNU_BUILD_ID, expected, 20, 4);
	finish_image(&image, 4);
	fd = make_file(image.bytes, image.size);
	ck_assert_int_eq(lseek(fd, 7, SEEK_SET), 7);
	ck_assert_int_eq(elfinfo_build_id(fd, id), 20);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 7);
}
END_TEST

START_TEST(tells_what_cannot_be_read)
{
	uint8_t id[ELFINFO_BUILD_ID_MAX] = { 1, 2, 3 };
	cleanup_close int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(elfinfo_build_id(-1, id), -EBADF);
	ck_assert_int_eq(elfinfo_build_id(directory, id), -EISDIR);
	ck_assert(id[0] == 1 && id[1] == 2 && id[2] == 3);
}
END_TEST

START_TEST(names_are_found_in_the_dynamic_strings)
{
	cleanup_close int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cleanup_close int text = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	ck_assert(elfinfo_has_name(self, "libc.so"));
	ck_assert(elfinfo_has_name(self, "pread"));
	/* Only from a name's beginning on, and only names. */
	ck_assert(!elfinfo_has_name(self, "read64x"));
	ck_assert(!elfinfo_has_name(self, "ibc.so"));
	ck_assert(!elfinfo_has_name(text, "root"));
	ck_assert(!elfinfo_has_name(-1, "libc.so"));
}
END_TEST

/* Wherever the file is cut or wrong. */
START_TEST(names_of_a_broken_file)
{
	unsigned char bytes[8192];
	cleanup_close int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cleanup_close int broken = memfd_create("broken", MFD_CLOEXEC);
	ssize_t n = pread(self, bytes, sizeof(bytes), 0);

	ck_assert_int_eq(n, sizeof(bytes));
	for (size_t i = 0; i < 1024; i++) {
		unsigned char kept = bytes[i];

		bytes[i] = 0xff;
		ck_assert_int_eq(pwrite(broken, bytes, sizeof(bytes), 0), n);
		(void)elfinfo_has_name(broken, "libc.so");
		bytes[i] = kept;
		ck_assert_int_eq(ftruncate(broken, (off_t)i), 0);
		(void)elfinfo_has_name(broken, "libc.so");
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("elfinfo");
	TCase *t = tcase_create("core");

	tcase_add_test(t, finds_build_id);
	tcase_add_test(t, finds_build_id_in_segment_aligned_to_8);
	tcase_add_test(t, finds_build_id_of_foreign_architecture);
	tcase_add_test(t, cuts_long_build_id);
	tcase_add_test(t, finds_none);
	tcase_add_test(t, survives_truncation_and_wrong_bytes);
	tcase_add_test(t, leaves_offset_alone);
	tcase_add_test(t, tells_what_cannot_be_read);
	tcase_add_test(t, names_are_found_in_the_dynamic_strings);
	tcase_add_test(t, names_of_a_broken_file);
	suite_add_tcase(s, t);
	return run_suite(s);
}
