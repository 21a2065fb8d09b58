/* Any bytes as an ELF file: a record or none; and a section that is put into it is found again. */
#include <string.h>
#include <sys/mman.h>

#include "embed.h"
#include "sys/elfinfo_section.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char content[] = "content";
	static int fd = -1;
	cleanup_with(portable_release) struct portable portable = { 0 };
	struct elfinfo_section section;
	char found[sizeof(content)];
	uint32_t crc;

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	(void)!embed_read(fd, "/program", &portable);
	(void)!elfinfo_layout_checksum(fd, &crc);
	if (elfinfo_can_append(fd, ".new") < 0 ||
	    elfinfo_append_section(fd, ".new", content, sizeof(content)) < 0)
		return 0;
	MUST(elfinfo_find_section(fd, ".new", &section) == 0);
	MUST(section.size_bytes == sizeof(content));
	MUST(pread(fd, found, sizeof(found), (off_t)section.offset_bytes) == (ssize_t)sizeof(found));
	MUST(memcmp(found, content, sizeof(content)) == 0);
	return 0;
}
