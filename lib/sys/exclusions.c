/* exclusions.c - turns patterns into those of fnmatch(3), and matches paths with them. */
#include "sys/exclusions.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

void exclusions_release(struct exclusions *self)
{
	for (size_t i = 0; i < self->n_patterns; i++)
		free(self->patterns[i]);
	free(self->patterns);
	*self = (struct exclusions){ 0 };
}

/* What is put before a pattern: its home, or what makes it match at any name. NULL: it cannot be told. */
static const char *prefix_of(const char *pattern, const char *home)
{
	if (pattern[0] == '/')
		return "";
	if (pattern[0] == '~' && pattern[1] == '/')
		return home && home[0] == '/' ? home : NULL;
	return "*/";
}

int exclusions_add(struct exclusions *self, const char *pattern, const char *home)
{
	const char *prefix = prefix_of(pattern, home);
	size_t size = strlen(pattern);

	while (size > 0 && pattern[size - 1] == '/')
		size--; /* a directory is matched without it */
	if (size == 0 || !prefix)
		return -EINVAL;
	if (size + strlen(prefix) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (self->n_patterns >= EXCLUSIONS_MAX)
		return -E2BIG;
	char **patterns = reallocarray(self->patterns, self->n_patterns + 1, sizeof(char *));

	if (!patterns)
		return -ENOMEM;
	self->patterns = patterns;
	if (pattern[0] == '~' && prefix == home) {
		pattern++;
		size--;
	}
	if (asprintf(&patterns[self->n_patterns], "%s%.*s", prefix, (int)size, pattern) < 0)
		return -ENOMEM;
	self->n_patterns++;
	return 0;
}

bool exclusions_match(const struct exclusions *self, const char *path)
{
	for (size_t i = 0; self && i < self->n_patterns; i++)
		if (fnmatch(self->patterns[i], path, FNM_LEADING_DIR) == 0)
			return true;
	return false;
}
