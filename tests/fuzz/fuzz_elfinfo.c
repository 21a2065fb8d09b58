/* Any bytes as an ELF file: a build-id or none, and no byte of the result beyond its size. */
#include <string.h>
#include <sys/mman.h>

#include "sys/elfinfo.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	uint8_t id[ELFINFO_BUILD_ID_MAX + 1], untouched[sizeof(id)];
	int r;

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	memset(id, 0x5a, sizeof(id));
	memset(untouched, 0x5a, sizeof(untouched));
	r = elfinfo_build_id(fd, id);
	MUST(r <= ELFINFO_BUILD_ID_MAX);
	r = r < 0 ? 0 : r;
	MUST(memcmp(id + r, untouched, sizeof(id) - (size_t)r) == 0);
	return 0;
}
