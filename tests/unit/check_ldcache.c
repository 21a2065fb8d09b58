#include "sys/ldcache.h"

#include <stdint.h>

#include "support.h"
#include "sys/cleanup.h"

#if defined(__x86_64__)
enum { NATIVE = 0x0303 };
#elif defined(__aarch64__)
enum { NATIVE = 0x0a03 };
#else
enum { NATIVE = 0x0003 };
#endif

/* A cache as ldconfig(8) writes it. */
struct cache {
	uint8_t bytes[1024];
	size_t size;
};

static void put(struct cache *self, const void *data, size_t size)
{
	ck_assert_uint_le(self->size + size, sizeof(self->bytes));
	memcpy(self->bytes + self->size, data, size);
	self->size += size;
}

struct line {
	int32_t flags;
	uint64_t hwcap;
	const char *name;
	const char *path;
};

static void make_cache(struct cache *self, const struct line *lines, uint32_t n_lines)
{
	uint32_t numbers[7] = { n_lines };
	uint32_t strings = 48 + n_lines * 24;

	put(self, "glibc-ld.so.cache1.1", 20);
	put(self, numbers, sizeof(numbers));
	for (uint32_t i = 0; i < n_lines; i++) {
		uint32_t at[3] = { strings, strings + (uint32_t)strlen(lines[i].name) + 1, 0 };

		put(self, &lines[i].flags, 4);
		put(self, at, sizeof(at));
		put(self, &lines[i].hwcap, 8);
		strings = at[1] + (uint32_t)strlen(lines[i].path) + 1;
	}
	for (uint32_t i = 0; i < n_lines; i++) {
		put(self, lines[i].name, strlen(lines[i].name) + 1);
		put(self, lines[i].path, strlen(lines[i].path) + 1);
	}
}

static const struct line lines[] = {
	{ 0x7fff, 0, "libother.so", "/lib32/libother.so" },
	{ NATIVE, 1, "liba.so", "/lib/fast/liba.so" },
	{ NATIVE, 0, "liba.so", "/lib/liba.so" },
	{ NATIVE, 0, "libb.so.2", "/lib/libb.so.2" },
};

START_TEST(names_have_paths)
{
	struct cache cache = { .size = 0 };

	make_cache(&cache, lines, 4);
	ck_assert_str_eq(ldcache_find(cache.bytes, cache.size, "liba.so"), "/lib/liba.so");
	ck_assert_str_eq(ldcache_find(cache.bytes, cache.size, "libb.so.2"), "/lib/libb.so.2");
	ck_assert_ptr_null(ldcache_find(cache.bytes, cache.size, "libother.so"));
	ck_assert_ptr_null(ldcache_find(cache.bytes, cache.size, "libb.so"));
}
END_TEST

START_TEST(the_older_cache_may_stand_before)
{
	struct cache cache = { .size = 0 };
	uint32_t n_entries = 1;

	put(&cache, "ld.so-1.7.0\0", 12);
	put(&cache, &n_entries, 4);
	put(&cache, "entry of old", 12);
	put(&cache, "\0\0\0\0", 4); /* to a multiple of eight */
	/* Strings count from the newer header on. */
	make_cache(&cache, lines, 4);
	ck_assert_str_eq(ldcache_find(cache.bytes, cache.size, "liba.so"), "/lib/liba.so");
}
END_TEST

START_TEST(what_is_cut_or_foreign_holds_nothing)
{
	struct cache cache = { .size = 0 };
	uint8_t *exact;

	make_cache(&cache, lines, 4);
	for (size_t size = 0; size < cache.size; size++) {
		exact = malloc(size + 1);
		memcpy(exact, cache.bytes, size);
		const char *found = ldcache_find(exact, size, "libb.so.2");

		ck_assert(!found || strcmp(found, "/lib/libb.so.2") == 0);
		free(exact);
	}
	ck_assert_ptr_null(ldcache_find("something else that is long enough, but no cache at all", 55, "x"));
}
END_TEST

START_TEST(the_cache_of_this_machine)
{
	static char data[LDCACHE_MAX_BYTES];
	cleanup_close int fd = open(LDCACHE_PATH, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, data, sizeof(data));
	const char *path = n > 0 ? ldcache_find(data, (size_t)n, "libc.so.6") : NULL;

	ck_assert(n <= 0 || (path && access(path, R_OK) == 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ldcache");
	TCase *t = tcase_create("core");

	tcase_add_test(t, names_have_paths);
	tcase_add_test(t, the_older_cache_may_stand_before);
	tcase_add_test(t, what_is_cut_or_foreign_holds_nothing);
	tcase_add_test(t, the_cache_of_this_machine);
	suite_add_tcase(s, t);
	return run_suite(s);
}
