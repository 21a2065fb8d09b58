/*
 * ldcache.h - where the dynamic loader finds a library by its name: /etc/ld.so.cache (ldconfig(8)).
 */
#ifndef PBRUN_LDCACHE_H
#define PBRUN_LDCACHE_H

#include <stdbool.h>
#include <stddef.h>

#define LDCACHE_PATH "/etc/ld.so.cache"
/* What is read of it at most. */
#define LDCACHE_MAX_BYTES (4u << 20)

/*
 * The path that the cache at data (format "glibc-ld.so.cache1.1", alone or behind the older one; anything
 * else holds nothing) gives for a library of this machine's own architecture, say "libc.so.6". The string is
 * part of data. NULL: none.
 */
const char *ldcache_find(const void *data, size_t size, const char *name);

#endif
