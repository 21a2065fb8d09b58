/* embed.c - puts a record into an ELF file, reads it there, and takes it out. */
#include "embed.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sys/elfinfo_section.h"

#define MAGIC "pbrunELF"
#define FORMAT 1

/* All integers little-endian. Behind it: the portable record. */
struct embed_header {
	char magic[8];
	uint32_t format;
	uint32_t layout_crc32;      /* elfinfo_layout_checksum() */
	uint64_t former_size;       /* of the file */
	uint64_t former_table;      /* e_shoff */
	uint32_t former_n_sections; /* e_shnum */
	uint32_t reserved;
};
_Static_assert(sizeof(struct embed_header) == 40, "no padding");

/* The section's bytes, to be freed, of which the header was checked. 0 or -errno as embed_read(). */
static int read_section(int fd, uint8_t **ret_data, size_t *ret_size, struct elfinfo_section *ret_section)
{
	int r = elfinfo_find_section(fd, EMBED_SECTION, ret_section);

	if (r < 0)
		return r;
	if (ret_section->size_bytes < sizeof(struct embed_header) ||
	    ret_section->size_bytes > sizeof(struct embed_header) + PORTABLE_MAX_BYTES)
		return -EBADMSG;
	cleanup_free uint8_t *data = malloc(ret_section->size_bytes);

	if (!data)
		return -ENOMEM;
	ssize_t n = pread(fd, data, ret_section->size_bytes, (off_t)ret_section->offset_bytes);

	if (n < 0)
		return -errno;
	if (n != (ssize_t)ret_section->size_bytes)
		return -EBADMSG;
	*ret_data = take_pointer(data);
	*ret_size = ret_section->size_bytes;
	return 0;
}

/* 0 and the header of a section that was written for this layout of the file. */
static int check_header(int fd, const uint8_t *data, struct embed_header *ret_header)
{
	struct embed_header header;
	uint32_t crc;

	if (!data)
		return -EBADMSG;
	memcpy(&header, data, sizeof(header));
	if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0)
		return -EBADMSG;
	header.format = le32toh(header.format);
	header.layout_crc32 = le32toh(header.layout_crc32);
	header.former_size = le64toh(header.former_size);
	header.former_table = le64toh(header.former_table);
	header.former_n_sections = le32toh(header.former_n_sections);
	if (header.format != FORMAT)
		return header.format > FORMAT ? -EPROTONOSUPPORT : -EBADMSG;
	int r = elfinfo_layout_checksum(fd, &crc);

	if (r < 0)
		return r;
	*ret_header = header;
	return crc == header.layout_crc32 ? 0 : -ESTALE;
}

static bool has_path(const struct pageset_file *file, void *context)
{
	return strcmp(file->path, context) == 0;
}

/* The program is called otherwise here: so is its entry. 0 or -ENOMEM. */
static int rename_program(struct shadow *shadow, const char *program)
{
	struct pageset_file *file = pageset_find(&shadow->files, shadow->program);
	struct pageset_file *renamed;
	char *copy = strdup(program);

	if (!copy)
		return -ENOMEM;
	if (file) {
		if (pageset_add(&shadow->files, program, file->first_use_us, &renamed) < 0) {
			free(copy);
			return -ENOMEM;
		}
		renamed->id = file->id;
		renamed->access |= file->access;
		renamed->exact = file->exact;
		pageset_file_take_pages(renamed, file);
		pageset_remove_if(&shadow->files, has_path, shadow->program);
	}
	free(shadow->program);
	shadow->program = copy;
	return 0;
}

/*
 * The record's entry of the program itself is of the file in which it was found. Checksums are for those who
 * read whole files: a start does not.
 */
static int adopt(struct portable *portable, int fd, const char *program)
{
	struct shadow *shadow = &portable->shadow;
	struct fileid id;
	int r = strcmp(shadow->program, program) != 0 ? rename_program(shadow, program) : 0;
	struct pageset_file *file = pageset_find(&shadow->files, program);

	portable->n_checksums = 0;
	if (r < 0 || !file || file->n_extents == 0)
		return r;
	r = fileid_from_fd(fd, &id);
	if (r < 0)
		return r;
	if (id.build_id_size != file->id.build_id_size ||
	    memcmp(id.build_id, file->id.build_id, id.build_id_size) != 0)
		return -ESTALE;
	file->id = id;
	return 0;
}

int embed_read(int fd, const char *program, struct portable *ret_portable)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_free uint8_t *data = NULL;
	struct elfinfo_section section = { 0 };
	struct embed_header header = { 0 };
	size_t size = 0;
	int r = read_section(fd, &data, &size, &section);

	if (r == 0)
		r = check_header(fd, data, &header);
	if (r == 0)
		r = portable_decode(data + sizeof(header), size - sizeof(header), &portable);
	if (r == 0)
		r = adopt(&portable, fd, program);
	if (r < 0)
		return r;
	*ret_portable = portable;
	portable = (struct portable){ 0 };
	return 0;
}

int embed_load(const char *program, const char *profile, const struct exclusions *excluded,
	       struct shadow *ret_shadow)
{
	cleanup_with(portable_release) struct portable portable = { 0 };
	cleanup_close int fd = open(program, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : embed_read(fd, program, &portable);

	if (r < 0 || !portable.shadow.profile || strcmp(portable.shadow.profile, profile) != 0)
		return -ENOENT;
	*ret_shadow = portable.shadow;
	portable.shadow = (struct shadow){ 0 };
	shadow_drop_excluded(ret_shadow, excluded);
	return 0;
}

enum embed_obstacle embed_find_obstacle(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return EMBED_NOT_REGULAR;
	if (st.st_mode & (S_ISUID | S_ISGID) || fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return EMBED_PRIVILEGED;
	if (fgetxattr(fd, "security.ima", NULL, 0) > 0 || fgetxattr(fd, "security.evm", NULL, 0) > 0)
		return EMBED_SIGNED;
	return st.st_nlink > 1 ? EMBED_HARD_LINKED : EMBED_NO_OBSTACLE;
}

/* The first size bytes. */
static int copy(int from_fd, int to_fd, uint64_t size)
{
	off_t offset = 0;

	while ((uint64_t)offset < size) {
		ssize_t n = sendfile(to_fd, from_fd, &offset, size - (uint64_t)offset);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* cut while it was read */
	}
	return 0;
}

/* Copies the program without the record that it may have. Its size then. */
static int copy_plain(int from_fd, int to_fd, uint64_t *ret_size)
{
	cleanup_free uint8_t *data = NULL;
	struct elfinfo_section section = { 0 };
	struct embed_header header = { 0 };
	struct stat st;
	size_t size = 0;
	int r = read_section(from_fd, &data, &size, &section);

	if (fstat(from_fd, &st) < 0)
		return -errno;
	*ret_size = (uint64_t)st.st_size;
	if (r == -ENOENT)
		return copy(from_fd, to_fd, *ret_size);
	if (r == 0)
		r = check_header(from_fd, data, &header);
	if (r < 0)
		return r;
	/* As we left it: the section right behind what was there before. */
	if (header.former_size > section.offset_bytes || section.offset_bytes - header.former_size > 64 ||
	    header.former_table >= header.former_size || header.former_n_sections > UINT16_MAX)
		return -ESTALE;
	*ret_size = header.former_size;
	r = copy(from_fd, to_fd, header.former_size);
	if (r < 0)
		return r;
	return elfinfo_set_table(to_fd,
				 (struct elfinfo_table){ header.former_table, header.former_n_sections },
				 header.former_size);
}

/* Are the two files the same up to size, but for what append changes of the ELF header? */
static int compare(int plain_fd, int fd, uint64_t size)
{
	enum { CHUNK_BYTES = 1 << 16, HEADER_BYTES = 64 };
	uint8_t a[CHUNK_BYTES];
	uint8_t b[CHUNK_BYTES];

	for (uint64_t offset = HEADER_BYTES; offset < size;) {
		size_t n = size - offset < CHUNK_BYTES ? (size_t)(size - offset) : CHUNK_BYTES;

		if (pread(plain_fd, a, n, (off_t)offset) != (ssize_t)n ||
		    pread(fd, b, n, (off_t)offset) != (ssize_t)n)
			return -EIO;
		if (memcmp(a, b, n) != 0)
			return -EBADE;
		offset += n;
	}
	return 0;
}

int embed_write(int from_fd, int to_fd, struct portable *portable)
{
	cleanup_free void *record = NULL;
	struct elfinfo_table table = { 0 };
	struct embed_header header = { .format = htole32(FORMAT) };
	uint64_t plain_size = 0;
	size_t record_size = 0;
	uint32_t crc = 0;
	int r = copy_plain(from_fd, to_fd, &plain_size);

	if (r == 0)
		r = elfinfo_can_append(to_fd, EMBED_SECTION);
	if (r == 0)
		r = elfinfo_get_table(to_fd, &table);
	if (r == 0)
		r = elfinfo_layout_checksum(to_fd, &crc);
	if (r == 0)
		r = portable_encode(portable, &record, &record_size);
	if (r < 0 || !record)
		return r < 0 ? r : -ENOMEM;
	cleanup_free uint8_t *data = malloc(sizeof(header) + record_size);

	if (!data)
		return -ENOMEM;
	memcpy(header.magic, MAGIC, sizeof(header.magic));
	header.layout_crc32 = htole32(crc);
	header.former_size = htole64(plain_size);
	header.former_table = htole64(table.offset_bytes);
	header.former_n_sections = htole32(table.n_sections);
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), record, record_size);
	r = elfinfo_append_section(to_fd, EMBED_SECTION, data, sizeof(header) + record_size);
	return r < 0 ? r : compare(from_fd, to_fd, plain_size);
}

int embed_remove(int from_fd, int to_fd)
{
	struct elfinfo_section section;
	uint64_t plain_size = 0;
	int r = elfinfo_find_section(from_fd, EMBED_SECTION, &section);

	if (r == 0)
		r = copy_plain(from_fd, to_fd, &plain_size);
	return r < 0 ? r : compare(from_fd, to_fd, plain_size);
}
