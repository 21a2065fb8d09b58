/* ldcache.c - looks a library's name up in the cache of the dynamic loader. */
#include "sys/ldcache.h"

#include <stdint.h>
#include <string.h>

#define OLD_MAGIC "ld.so-1.7.0"
#define NEW_MAGIC "glibc-ld.so.cache1.1"

/* sysdeps/generic/dl-cache.h of glibc; in the machine's own byte order. */
struct old_header {
	char magic[12];
	uint32_t n_entries;
};
enum { OLD_ENTRY_BYTES = 12 };

struct new_header {
	char magic[20];
	uint32_t n_entries;
	uint32_t strings_size;
	uint32_t rest[5];
};
_Static_assert(sizeof(struct new_header) == 48, "as in glibc");

struct new_entry {
	int32_t flags;
	uint32_t key;
	uint32_t value;
	uint32_t os_version;
	uint64_t hwcap;
};
_Static_assert(sizeof(struct new_entry) == 24, "as in glibc");

/* FLAG_ELF_LIBC6 and the architecture's, sysdeps/unix/sysv/linux/ARCH/dl-cache.h. */
#if defined(__x86_64__)
enum { NATIVE_FLAGS = 0x0303 };
#elif defined(__aarch64__)
enum { NATIVE_FLAGS = 0x0a03 };
#else
enum { NATIVE_FLAGS = 0x0003 };
#endif

/* The newer cache, behind the older one where there is that. NULL: there is none. */
static const uint8_t *find_new(const uint8_t *data, size_t size, size_t *ret_size)
{
	struct old_header old;
	size_t offset = 0;

	if (size >= sizeof(old) && memcmp(data, OLD_MAGIC, sizeof(OLD_MAGIC) - 1) == 0) {
		memcpy(&old, data, sizeof(old));
		if (old.n_entries > size / OLD_ENTRY_BYTES)
			return NULL;
		offset = sizeof(old) + (size_t)old.n_entries * OLD_ENTRY_BYTES;
		offset = (offset + 7) & ~(size_t)7;
	}
	if (offset > size || size - offset < sizeof(struct new_header) ||
	    memcmp(data + offset, NEW_MAGIC, sizeof(NEW_MAGIC) - 1) != 0)
		return NULL;
	*ret_size = size - offset;
	return data + offset;
}

/* NULL: not a string within the cache. */
static const char *string_at(const uint8_t *cache, size_t size, uint32_t offset)
{
	if (offset >= size || !memchr(cache + offset, '\0', size - offset))
		return NULL;
	return (const char *)cache + offset;
}

const char *ldcache_find(const void *data, size_t size, const char *name)
{
	struct new_header header;
	const uint8_t *cache = find_new(data, size, &size);

	if (!cache)
		return NULL;
	memcpy(&header, cache, sizeof(header));
	size_t n_entries = (size - sizeof(header)) / sizeof(struct new_entry);

	if (header.n_entries < n_entries)
		n_entries = header.n_entries;
	for (size_t i = 0; i < n_entries; i++) {
		struct new_entry entry;

		memcpy(&entry, cache + sizeof(header) + i * sizeof(entry), sizeof(entry));
		/* Variants for newer processors stand apart: which one is loaded, only the loader knows. */
		if (entry.flags != NATIVE_FLAGS || entry.hwcap != 0)
			continue;
		const char *key = string_at(cache, size, entry.key);

		if (key && strcmp(key, name) == 0)
			return string_at(cache, size, entry.value);
	}
	return NULL;
}
