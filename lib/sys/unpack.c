/* unpack.c - loads the libraries that unpack blocks, and calls them. */
#include "sys/unpack.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>

/* As the headers of the libraries have them. */
typedef int lzo_function(const unsigned char *from, unsigned long from_size, unsigned char *to,
			 unsigned long *to_size, void *work);
typedef int xz_function(uint64_t *memory_limit, uint32_t flags, const void *allocator, const uint8_t *from,
			size_t *from_at, size_t from_size, uint8_t *to, size_t *to_at, size_t to_size);
typedef int lz4_function(const char *from, char *to, int from_size, int to_size);
typedef size_t zstd_function(void *to, size_t to_size, const void *from, size_t from_size);

static const struct {
	const char *library;
	const char *function;
} sources[N_UNPACK_KINDS] = {
	[UNPACK_LZO] = { "liblzo2.so.2", "lzo1x_decompress_safe" },
	[UNPACK_XZ] = { "liblzma.so.5", "lzma_stream_buffer_decode" },
	[UNPACK_LZ4] = { "liblz4.so.1", "LZ4_decompress_safe" },
	[UNPACK_ZSTD] = { "libzstd.so.1", "ZSTD_decompress" },
};

int unpacker_init(struct unpacker *self, enum unpack_kind kind)
{
	struct unpacker unpacker = { .kind = kind };

	if (sources[kind].library) {
		unpacker.library = dlopen(sources[kind].library, RTLD_NOW | RTLD_LOCAL);
		if (!unpacker.library)
			return -EOPNOTSUPP;
		unpacker.function = dlsym(unpacker.library, sources[kind].function);
		if (!unpacker.function) {
			unpacker_release(&unpacker);
			return -EOPNOTSUPP;
		}
	}
	*self = unpacker;
	return 0;
}

void unpacker_release(struct unpacker *self)
{
	if (self->library)
		dlclose(take_pointer(self->library));
}

static bool unpack_zlib(const void *from, size_t from_size, void *to, size_t *size)
{
	uLongf n = *size;
	bool is_good = uncompress(to, &n, from, from_size) == Z_OK;

	*size = n;
	return is_good;
}

static bool unpack_lzo(lzo_function *function, const void *from, size_t from_size, void *to, size_t *size)
{
	unsigned long n = *size;
	bool is_good = function(from, from_size, to, &n, NULL) == 0;

	*size = n;
	return is_good;
}

static bool unpack_xz(xz_function *function, const void *from, size_t from_size, void *to, size_t *size)
{
	/* A dictionary is at most as large as the largest block of squashfs, 1 MiB. */
	uint64_t memory_limit = UINT64_C(16) << 20;
	size_t from_at = 0, to_at = 0;
	bool is_good = function(&memory_limit, 0, NULL, from, &from_at, from_size, to, &to_at, *size) == 0;

	*size = to_at;
	return is_good;
}

static bool unpack_lz4(lz4_function *function, const void *from, size_t from_size, void *to, size_t *size)
{
	if (from_size > INT_MAX || *size > INT_MAX)
		return false;
	int n = function(from, to, (int)from_size, (int)*size);

	*size = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

/* An error is a size near the largest. */
static bool unpack_zstd(zstd_function *function, const void *from, size_t from_size, void *to, size_t *size)
{
	size_t n = function(to, *size, from, from_size);
	bool is_good = n <= *size;

	*size = is_good ? n : 0;
	return is_good;
}

static bool unpack(const struct unpacker *self, const void *from, size_t from_size, void *to, size_t *size)
{
	switch (self->kind) {
	case UNPACK_LZO:
		return unpack_lzo((lzo_function *)self->function, from, from_size, to, size);
	case UNPACK_XZ:
		return unpack_xz((xz_function *)self->function, from, from_size, to, size);
	case UNPACK_LZ4:
		return unpack_lz4((lz4_function *)self->function, from, from_size, to, size);
	case UNPACK_ZSTD:
		return unpack_zstd((zstd_function *)self->function, from, from_size, to, size);
	default:
		return unpack_zlib(from, from_size, to, size);
	}
}

int unpacker_run(const struct unpacker *self, const void *packed, size_t packed_size, void *data,
		 size_t max_size, size_t *ret_size)
{
	size_t size = max_size;

	if (!unpack(self, packed, packed_size, data, &size) || size > max_size)
		return -EBADMSG;
	*ret_size = size;
	return 0;
}
