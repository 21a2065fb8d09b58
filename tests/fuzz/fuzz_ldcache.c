/* Any bytes as the loader's cache: a path is a string within them. */
#include <stdint.h>
#include <string.h>

#include "sys/ldcache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *found = ldcache_find(data, size, "liba.so");

	if (found && (found < (const char *)data || found + strlen(found) >= (const char *)data + size))
		__builtin_trap();
	return 0;
}
