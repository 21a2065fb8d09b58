/* elfinfo.c - reads ELF headers and build-ids through libelf. */
#include "sys/elfinfo.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Far more than any linker writes: bounds the work that a made-up file can ask for. */
#define MAX_PROGRAM_HEADERS 512
#define MAX_NOTE_BYTES (64 * 1024)

static void elf_endp(Elf **elf)
{
	elf_end(*elf);
}

static void set_elf_version(void)
{
	elf_version(EV_CURRENT);
}

/* The number of bytes of the build-id in this note segment, else 0. */
static int find_in_notes(Elf_Data *notes, uint8_t *ret_id)
{
	size_t offset = 0, name_offset, desc_offset;
	GElf_Nhdr note;

	while ((offset = gelf_getnote(notes, offset, &note, &name_offset, &desc_offset)) > 0) {
		const uint8_t *bytes = notes->d_buf;
		size_t size = note.n_descsz < ELFINFO_BUILD_ID_MAX ? note.n_descsz : ELFINFO_BUILD_ID_MAX;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(bytes + name_offset, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0)
			continue;
		memcpy(ret_id, bytes + desc_offset, size);
		return (int)size;
	}
	return 0;
}

static int find_in_segments(Elf *elf, uint8_t *ret_id)
{
	size_t n_headers;
	int size = 0;

	if (elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &n_headers) != 0 ||
	    n_headers > MAX_PROGRAM_HEADERS)
		return 0;
	for (int i = 0; i < (int)n_headers && size == 0; i++) {
		GElf_Phdr header;
		Elf_Data *notes;

		if (!gelf_getphdr(elf, i, &header))
			return 0;
		if (header.p_type != PT_NOTE || header.p_filesz > MAX_NOTE_BYTES)
			continue;
		notes = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz,
					     header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (notes)
			size = find_in_notes(notes, ret_id);
	}
	return size;
}

int elfinfo_build_id(int fd, uint8_t ret_id[static ELFINFO_BUILD_ID_MAX])
{
	static pthread_once_t version_once = PTHREAD_ONCE_INIT;
	__attribute__((cleanup(elf_endp))) Elf *elf = NULL;
	char magic[SELFMAG];
	int size;

	/* Most data files leave here, and libelf does not say why a read failed. */
	ssize_t n = pread(fd, magic, sizeof(magic), 0);
	if (n < 0)
		return -errno;
	if (n < SELFMAG || memcmp(magic, ELFMAG, SELFMAG) != 0)
		return 0;

	pthread_once(&version_once, set_elf_version);
	errno = 0;
	/* Not ELF_C_READ_MMAP: a file that is truncated meanwhile would be a SIGBUS. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	size = elf ? find_in_segments(elf, ret_id) : 0;
	/* All that libelf says itself is why it does not like the file. */
	return size == 0 && (errno == EIO || errno == ENOMEM) ? -errno : size;
}
