/* elfinfo_needs.c - reads the program headers and the dynamic section of an ELF file. */
#include "sys/elfinfo_needs.h"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "sys/elfinfo_private.h"

enum { MAX_SEGMENTS = 512, MAX_DYNAMIC = 4096, MAX_PART_BYTES = 256 << 10 };

void elfinfo_needs_release(struct elfinfo_needs *self)
{
	for (size_t i = 0; i < self->n_names; i++)
		free(self->names[i]);
	free(self->names);
	free(self->interpreter);
	free(self->run_path);
	*self = (struct elfinfo_needs){ 0 };
}

/* The string at that offset of the file, to be freed. NULL: none, or too long. */
static char *read_string(int fd, uint64_t offset)
{
	char text[PATH_MAX];
	ssize_t n = offset > INT64_MAX ? -1 : pread(fd, text, sizeof(text), (off_t)offset);

	return n > 0 && memchr(text, '\0', (size_t)n) ? strdup(text) : NULL;
}

static void add_part(struct elfinfo_needs *needs, const GElf_Phdr *segment)
{
	uint64_t size = segment->p_filesz < MAX_PART_BYTES ? segment->p_filesz : MAX_PART_BYTES;

	if (needs->n_parts < ELFINFO_MAX_PARTS && size > 0)
		needs->parts[needs->n_parts++] = (struct elfinfo_part){ segment->p_offset, size };
}

/* Where in the file that is which is loaded at address. False: nowhere. */
static bool find_in_file(Elf *elf, size_t n_segments, uint64_t address, uint64_t *ret_offset)
{
	for (size_t i = 0; i < n_segments; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
		    address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		*ret_offset = segment.p_offset + (address - segment.p_vaddr);
		return true;
	}
	return false;
}

static int add_name(struct elfinfo_needs *needs, char *name)
{
	if (!name || needs->n_names == ELFINFO_MAX_NEEDED) {
		free(name);
		return 0;
	}
	char **grown = reallocarray(needs->names, needs->n_names + 1, sizeof(*grown));

	if (!grown) {
		free(name);
		return -ENOMEM;
	}
	needs->names = grown;
	needs->names[needs->n_names++] = name;
	return 0;
}

static int read_dynamic(Elf *elf, int fd, size_t n_segments, const GElf_Phdr *segment,
			struct elfinfo_needs *needs)
{
	size_t size = segment->p_filesz;
	size_t entry_size = gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT);
	Elf_Data *data = entry_size > 0 && size / entry_size <= MAX_DYNAMIC
				 ? elf_getdata_rawchunk(elf, (int64_t)segment->p_offset, size, ELF_T_DYN)
				 : NULL;
	size_t n = data ? data->d_size / entry_size : 0;
	uint64_t strings = 0;
	GElf_Dyn entry;

	for (size_t i = 0; i < n && gelf_getdyn(data, (int)i, &entry); i++)
		if (entry.d_tag == DT_STRTAB && !find_in_file(elf, n_segments, entry.d_un.d_ptr, &strings))
			return -ENOEXEC;
	for (size_t i = 0; strings > 0 && i < n && gelf_getdyn(data, (int)i, &entry); i++) {
		int r = 0;

		if (entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_NEEDED)
			r = add_name(needs, read_string(fd, strings + entry.d_un.d_val));
		else if ((entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) && !needs->run_path)
			needs->run_path = read_string(fd, strings + entry.d_un.d_val);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_segments(Elf *elf, int fd, struct elfinfo_needs *needs)
{
	size_t n_segments = 0;
	bool is_first = true;

	if (elf_getphdrnum(elf, &n_segments) != 0 || n_segments > MAX_SEGMENTS)
		return -ENOEXEC;
	for (size_t i = 0; i < n_segments; i++) {
		GElf_Phdr segment;
		int r = 0;

		if (!gelf_getphdr(elf, (int)i, &segment))
			return -ENOEXEC;
		if (segment.p_type == PT_LOAD && (is_first || segment.p_flags & PF_W))
			add_part(needs, &segment);
		is_first &= segment.p_type != PT_LOAD;
		if (segment.p_type == PT_INTERP && !needs->interpreter)
			needs->interpreter = read_string(fd, segment.p_offset);
		if (segment.p_type == PT_DYNAMIC)
			r = read_dynamic(elf, fd, n_segments, &segment, needs);
		if (r < 0)
			return r;
	}
	return 0;
}

int elfinfo_read_needs(int fd, struct elfinfo_needs *ret_needs)
{
	cleanup_elf Elf *elf = NULL;
	int r = elfinfo_open(fd, &elf);

	*ret_needs = (struct elfinfo_needs){ 0 };
	if (r < 0)
		return r;
	if (gelf_getclass(elf) != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		return -ENOEXEC;
	return read_segments(elf, fd, ret_needs);
}
