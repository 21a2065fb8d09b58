/* elfinfo_section.c - appends a section to an ELF file, finds it, and takes it away. */
#include "sys/elfinfo_section.h"

#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "sys/bounds.h"
#include "sys/elfinfo_private.h"
#include "sys/io.h"

/* Far more than any linker writes: bounds the work that a made-up file can ask for. */
enum { MAX_SECTIONS = 4096, MAX_SEGMENTS = 512, MAX_NAMES_BYTES = 1 << 20, ALIGNMENT = 8 };
/* A record of a small program is no longer. */
#define AHEAD_BYTES (UINT64_C(64) << 10)

enum direction { TO_FILE, TO_MEMORY };

static bool is_within(uint64_t offset, uint64_t size, uint64_t limit)
{
	return offset <= limit && size <= limit - offset;
}

/* Does the file have section headers and names that can be read? */
static bool has_sections(Elf *elf, uint64_t file_size, GElf_Ehdr *ret_header, size_t *ret_n_sections)
{
	size_t names_index;

	return gelf_getehdr(elf, ret_header) && ret_header->e_shoff > 0 &&
	       elf_getshdrnum(elf, ret_n_sections) == 0 && *ret_n_sections > 1 &&
	       *ret_n_sections <= MAX_SECTIONS &&
	       is_within(ret_header->e_shoff, (uint64_t)*ret_n_sections * ret_header->e_shentsize,
			 file_size) &&
	       elf_getshdrstrndx(elf, &names_index) == 0 && names_index < *ret_n_sections;
}

static int size_of(int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

/* NULL: there is none of that name. */
static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Shdr *ret_header)
{
	size_t names_index = 0;
	Elf_Scn *section = NULL;

	if (elf_getshdrstrndx(elf, &names_index) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *found = gelf_getshdr(section, ret_header)
					    ? elf_strptr(elf, names_index, ret_header->sh_name)
					    : NULL;

		if (found && strcmp(found, name) == 0)
			return section;
	}
	return NULL;
}

/* The table, the names before it, and before these what was appended last, stand at the end of the file: one
 * wait for the disk instead of three. */
static void ask_for_end(int fd, const GElf_Ehdr *header, uint64_t file_size)
{
	uint64_t first = header->e_shoff > AHEAD_BYTES ? header->e_shoff - AHEAD_BYTES : 0;

	if (header->e_shoff < file_size && file_size - header->e_shoff <= AHEAD_BYTES)
		(void)posix_fadvise(fd, (off_t)first, (off_t)(file_size - first), POSIX_FADV_WILLNEED);
}

int elfinfo_find_section(int fd, const char *name, struct elfinfo_section *ret_section)
{
	GElf_Ehdr header;
	GElf_Shdr section;
	uint64_t file_size = 0;
	size_t n_sections = 0;
	cleanup_elf Elf *elf = NULL;
	int r = elfinfo_open(fd, &elf);

	if (r == 0)
		r = size_of(fd, &file_size);

	if (r < 0)
		return r == -ENOEXEC ? -ENOENT : r;
	if (gelf_getehdr(elf, &header))
		ask_for_end(fd, &header, file_size);
	if (!has_sections(elf, file_size, &header, &n_sections) || !find_section(elf, name, &section))
		return -ENOENT;
	if (section.sh_type == SHT_NOBITS || !is_within(section.sh_offset, section.sh_size, file_size))
		return -EBADMSG;
	*ret_section = (struct elfinfo_section){ section.sh_offset, section.sh_size };
	return 0;
}

/* Where the ELF part of the file ends: headers, sections and segments. 0: malformed. */
static uint64_t end_of_elf(Elf *elf, const GElf_Ehdr *header, size_t n_sections, uint64_t file_size)
{
	uint64_t end = header->e_shoff + (uint64_t)n_sections * header->e_shentsize;
	size_t n_segments = 0;
	Elf_Scn *section = NULL;

	if (elf_getphdrnum(elf, &n_segments) != 0 || n_segments > MAX_SEGMENTS)
		return 0;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;

		if (!gelf_getshdr(section, &shdr))
			return 0;
		if (shdr.sh_type == SHT_NOBITS)
			continue;
		if (!is_within(shdr.sh_offset, shdr.sh_size, file_size))
			return 0;
		end = max_u64(end, shdr.sh_offset + shdr.sh_size);
	}
	for (size_t i = 0; i < n_segments; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr) || !is_within(phdr.p_offset, phdr.p_filesz, file_size))
			return 0;
		end = max_u64(end, phdr.p_offset + phdr.p_filesz);
	}
	return end;
}

/* The table of section names. NULL: there is none that another name can be added to. */
static Elf_Data *get_names(Elf *elf, GElf_Shdr *ret_header)
{
	size_t index = 0;
	Elf_Scn *section = elf_getshdrstrndx(elf, &index) == 0 ? elf_getscn(elf, index) : NULL;
	Elf_Data *names = section && gelf_getshdr(section, ret_header) && ret_header->sh_type == SHT_STRTAB
				  ? elf_getdata(section, NULL)
				  : NULL;
	bool is_usable = names && names->d_buf && names->d_size > 0 && names->d_size <= MAX_NAMES_BYTES &&
			 ((const char *)names->d_buf)[names->d_size - 1] == '\0';

	return is_usable ? names : NULL;
}

static int can_append(int fd, Elf *elf, const char *name)
{
	GElf_Ehdr header;
	GElf_Shdr section;
	size_t n_sections = 0;
	uint64_t file_size = 0;
	int r = size_of(fd, &file_size);

	if (r < 0)
		return r;
	if (!has_sections(elf, file_size, &header, &n_sections) || n_sections + 1 >= SHN_LORESERVE ||
	    n_sections == MAX_SECTIONS || header.e_shnum == 0 || !get_names(elf, &section))
		return -ENOTSUP;
	if (find_section(elf, name, &section))
		return -EEXIST;
	uint64_t end = end_of_elf(elf, &header, n_sections, file_size);

	if (end == 0)
		return -ENOEXEC;
	return end < file_size ? -EFBIG : 0;
}

int elfinfo_can_append(int fd, const char *name)
{
	cleanup_elf Elf *elf = NULL;
	int r = elfinfo_open(fd, &elf);

	return r < 0 ? r : can_append(fd, elf, name);
}

/* A buffer for one structure in the form of the file, or in that of memory. */
union form {
	Elf32_Ehdr header32;
	Elf64_Ehdr header64;
	Elf32_Shdr section32;
	Elf64_Shdr section64;
};

/* Translates size bytes at from to the file's byte order, or back. */
static bool translate(Elf *elf, const GElf_Ehdr *header, Elf_Type type, const void *from, void *to,
		      size_t size, enum direction direction)
{
	Elf_Data source = {
		.d_buf = (void *)(uintptr_t)from, .d_size = size, .d_type = type, .d_version = EV_CURRENT
	};
	Elf_Data target = { .d_buf = to, .d_size = size, .d_type = type, .d_version = EV_CURRENT };
	unsigned int order = header->e_ident[EI_DATA];

	return direction == TO_FILE ? gelf_xlatetof(elf, &target, &source, order) != NULL
				    : gelf_xlatetom(elf, &target, &source, order) != NULL;
}

/* Gives the ELF header of the file another section header table. */
static int write_table_place(int fd, Elf *elf, const GElf_Ehdr *header, struct elfinfo_table table)
{
	bool is_wide = gelf_getclass(elf) == ELFCLASS64;
	size_t size = is_wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	union form in_file;
	union form in_memory;
	ssize_t n = pread(fd, &in_file, size, 0);

	if (n != (ssize_t)size)
		return n < 0 ? -errno : -ENOEXEC;
	if (!translate(elf, header, ELF_T_EHDR, &in_file, &in_memory, size, TO_MEMORY))
		return -ENOEXEC;
	if (is_wide) {
		in_memory.header64.e_shoff = table.offset_bytes;
		in_memory.header64.e_shnum = (Elf64_Half)table.n_sections;
	} else {
		in_memory.header32.e_shoff = (Elf32_Off)table.offset_bytes;
		in_memory.header32.e_shnum = (Elf32_Half)table.n_sections;
	}
	if (!translate(elf, header, ELF_T_EHDR, &in_memory, &in_file, size, TO_FILE))
		return -ENOEXEC;
	return io_pwrite_all(fd, &in_file, size, 0);
}

/* Puts a section header into a table in the form of the file. */
static bool put_section(Elf *elf, const GElf_Ehdr *header, const GElf_Shdr *section, void *ret_place)
{
	union form in_memory = { .section64 = *section };
	bool is_wide = gelf_getclass(elf) == ELFCLASS64;

	if (!is_wide)
		in_memory.section32 = (Elf32_Shdr){
			.sh_name = section->sh_name,
			.sh_type = section->sh_type,
			.sh_flags = (Elf32_Word)section->sh_flags,
			.sh_addr = (Elf32_Addr)section->sh_addr,
			.sh_offset = (Elf32_Off)section->sh_offset,
			.sh_size = (Elf32_Word)section->sh_size,
			.sh_link = section->sh_link,
			.sh_info = section->sh_info,
			.sh_addralign = (Elf32_Word)section->sh_addralign,
			.sh_entsize = (Elf32_Word)section->sh_entsize,
		};
	return translate(elf, header, ELF_T_SHDR, &in_memory, ret_place, header->e_shentsize, TO_FILE);
}

static uint64_t align(uint64_t offset)
{
	return (offset + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

/* The former table, and in it the section names at their new place, and the new section. 0 or -errno. */
static int make_table(int fd, Elf *elf, const GElf_Ehdr *header, const GElf_Shdr *names,
		      const GElf_Shdr *added, uint8_t *ret_table)
{
	size_t size = (size_t)header->e_shnum * header->e_shentsize;
	size_t names_index = 0;
	ssize_t n = pread(fd, ret_table, size, (off_t)header->e_shoff);

	if (n != (ssize_t)size)
		return n < 0 ? -errno : -ENOEXEC;
	if (elf_getshdrstrndx(elf, &names_index) != 0 ||
	    !put_section(elf, header, names, ret_table + names_index * header->e_shentsize) ||
	    !put_section(elf, header, added, ret_table + size))
		return -ENOEXEC;
	return 0;
}

/* Where the three things go that are appended. */
struct places {
	uint64_t data;
	uint64_t names;
	uint64_t table;
};

static int append(int fd, Elf *elf, const char *name, const void *data, size_t size, uint64_t file_size)
{
	GElf_Ehdr header;
	GElf_Shdr names_header;
	Elf_Data *names = get_names(elf, &names_header);
	size_t name_size = strlen(name) + 1;

	if (!names || !gelf_getehdr(elf, &header))
		return -ENOTSUP;
	struct places at = { .data = align(file_size) };

	at.names = at.data + size;
	at.table = align(at.names + names->d_size + name_size);
	if (gelf_getclass(elf) == ELFCLASS32 && at.table > UINT32_MAX / 2)
		return -ENOTSUP;
	size_t table_size = ((size_t)header.e_shnum + 1) * header.e_shentsize;
	cleanup_free uint8_t *table = malloc(table_size);
	GElf_Shdr added = { .sh_name = (GElf_Word)names->d_size,
			    .sh_type = SHT_PROGBITS,
			    .sh_offset = at.data,
			    .sh_size = size,
			    .sh_addralign = ALIGNMENT };

	if (!table)
		return -ENOMEM;
	names_header.sh_offset = at.names;
	names_header.sh_size = names->d_size + name_size;
	int r = make_table(fd, elf, &header, &names_header, &added, table);

	if (r == 0)
		r = io_pwrite_all(fd, data, size, at.data);
	if (r == 0)
		r = io_pwrite_all(fd, names->d_buf, names->d_size, at.names);
	if (r == 0)
		r = io_pwrite_all(fd, name, name_size, at.names + names->d_size);
	if (r == 0)
		r = io_pwrite_all(fd, table, table_size, at.table);
	/* Last, so that the file is what it was up to here. */
	return r < 0 ? r
		     : write_table_place(fd, elf, &header,
					 (struct elfinfo_table){ at.table, header.e_shnum + 1u });
}

int elfinfo_append_section(int fd, const char *name, const void *data, size_t size)
{
	cleanup_elf Elf *elf = NULL;
	struct elfinfo_section found;
	uint64_t file_size = 0;
	int r = elfinfo_open(fd, &elf);

	if (r == 0)
		r = can_append(fd, elf, name);
	if (r == 0)
		r = size_of(fd, &file_size);
	if (r == 0)
		r = append(fd, elf, name, data, size, file_size);
	/* Whatever else may be odd about the file. */
	if (r == 0 && (elfinfo_find_section(fd, name, &found) < 0 || found.size_bytes != size))
		r = -ENOTSUP;
	return r;
}

int elfinfo_layout_checksum(int fd, uint32_t *ret_crc32)
{
	cleanup_elf Elf *elf = NULL;
	size_t n_segments = 0;
	uLong crc = crc32_z(0, NULL, 0);
	int r = elfinfo_open(fd, &elf);

	if (r < 0)
		return r;
	if (elf_getphdrnum(elf, &n_segments) != 0 || n_segments > MAX_SEGMENTS)
		return -ENOEXEC;
	for (size_t i = 0; i < n_segments; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr))
			return -ENOEXEC;
		uint64_t fields[] = { htole64(phdr.p_type),   htole64(phdr.p_offset), htole64(phdr.p_vaddr),
				      htole64(phdr.p_filesz), htole64(phdr.p_memsz),  htole64(phdr.p_flags) };

		crc = crc32_z(crc, (const Bytef *)fields, sizeof(fields));
	}
	*ret_crc32 = (uint32_t)crc;
	return 0;
}

int elfinfo_get_table(int fd, struct elfinfo_table *ret_table)
{
	cleanup_elf Elf *elf = NULL;
	GElf_Ehdr header;
	int r = elfinfo_open(fd, &elf);

	if (r < 0)
		return r;
	if (!gelf_getehdr(elf, &header))
		return -ENOEXEC;
	*ret_table = (struct elfinfo_table){ header.e_shoff, header.e_shnum };
	return 0;
}

int elfinfo_set_table(int fd, struct elfinfo_table table, uint64_t size_bytes)
{
	cleanup_elf Elf *elf = NULL;
	GElf_Ehdr header;
	int r = elfinfo_open(fd, &elf);

	if (r < 0)
		return r;
	r = gelf_getehdr(elf, &header) ? write_table_place(fd, elf, &header, table) : -ENOEXEC;

	if (r == 0 && ftruncate(fd, (off_t)size_bytes) < 0)
		r = -errno;
	return r;
}
