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

#include "sys/elfinfo_private.h"

/* Far more than any linker writes: bounds the work that a made-up file can ask for. */
#define MAX_PROGRAM_HEADERS 512
#define MAX_NOTE_BYTES (64 * 1024)
#define MAX_DYNAMIC_BYTES (64 * 1024)
#define MAX_NAMES_BYTES (1024 * 1024)

void elfinfo_endp(struct Elf **elf)
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

	if (elf_getphdrnum(elf, &n_headers) != 0 || n_headers > MAX_PROGRAM_HEADERS)
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

int elfinfo_open(int fd, struct Elf **ret_elf)
{
	static pthread_once_t version_once = PTHREAD_ONCE_INIT;
	char magic[SELFMAG];

	/* Most data files leave here, and libelf does not say why a read failed. */
	ssize_t n = pread(fd, magic, sizeof(magic), 0);
	if (n < SELFMAG || memcmp(magic, ELFMAG, SELFMAG) != 0)
		return n < 0 ? -errno : -ENOEXEC;

	pthread_once(&version_once, set_elf_version);
	errno = 0;
	/* Not ELF_C_READ_MMAP: a file that is truncated meanwhile would be a SIGBUS. */
	cleanup_elf Elf *elf = elf_begin(fd, ELF_C_READ, NULL);

	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return errno == EIO || errno == ENOMEM ? -errno : -ENOEXEC;
	*ret_elf = take_pointer(elf);
	return 0;
}

int elfinfo_build_id(int fd, uint8_t ret_id[static ELFINFO_BUILD_ID_MAX])
{
	cleanup_elf Elf *elf = NULL;
	int r = elfinfo_open(fd, &elf);

	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	errno = 0;
	int size = find_in_segments(elf, ret_id);

	/* All that libelf says itself is why it does not like the file. */
	return size == 0 && (errno == EIO || errno == ENOMEM) ? -errno : size;
}

/* The first program header of that type; of a PT_LOAD, that which holds address. */
static bool find_header(Elf *elf, GElf_Word type, GElf_Addr address, GElf_Phdr *ret_header)
{
	size_t n_headers;

	if (elf_getphdrnum(elf, &n_headers) != 0 || n_headers > MAX_PROGRAM_HEADERS)
		return false;
	for (int i = 0; i < (int)n_headers; i++)
		if (gelf_getphdr(elf, i, ret_header) && ret_header->p_type == type &&
		    (type != PT_LOAD || (address >= ret_header->p_vaddr &&
					 address - ret_header->p_vaddr < ret_header->p_filesz)))
			return true;
	return false;
}

/* Where the dynamic string table is. False: there is none. */
static bool find_names(Elf *elf, GElf_Addr *ret_address, GElf_Xword *ret_size)
{
	GElf_Phdr header;
	GElf_Dyn entry;

	*ret_address = 0;
	*ret_size = 0;
	if (!find_header(elf, PT_DYNAMIC, 0, &header) || header.p_filesz > MAX_DYNAMIC_BYTES)
		return false;
	Elf_Data *dynamic = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz, ELF_T_DYN);

	for (int i = 0; dynamic && gelf_getdyn(dynamic, i, &entry) && entry.d_tag != DT_NULL; i++) {
		if (entry.d_tag == DT_STRTAB)
			*ret_address = entry.d_un.d_ptr;
		if (entry.d_tag == DT_STRSZ)
			*ret_size = entry.d_un.d_val;
	}
	return *ret_address != 0 && *ret_size != 0;
}

bool elfinfo_has_name(int fd, const char *prefix)
{
	cleanup_elf Elf *elf = NULL;
	GElf_Addr address;
	GElf_Xword size;
	GElf_Phdr header;

	if (elfinfo_open(fd, &elf) < 0 || !find_names(elf, &address, &size) ||
	    !find_header(elf, PT_LOAD, address, &header))
		return false;
	if (size > header.p_filesz - (address - header.p_vaddr))
		return false;
	size = size > MAX_NAMES_BYTES ? MAX_NAMES_BYTES : size;
	Elf_Data *names = elf_getdata_rawchunk(elf, (int64_t)(header.p_offset + address - header.p_vaddr),
					       size, ELF_T_BYTE);

	size_t length = strlen(prefix);
	const char *next = names ? names->d_buf : NULL;
	const char *end = names ? next + names->d_size : NULL;

	while (next && next < end) {
		const char *name_end = memchr(next, '\0', (size_t)(end - next));

		if (!name_end)
			break;
		if ((size_t)(name_end - next) >= length && memcmp(next, prefix, length) == 0)
			return true;
		next = name_end + 1;
	}
	return false;
}
