/* Any bytes as rules and a command line: what stands before the first NUL byte are rules, then words. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "profile.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())
#define MAX_WORDS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 2);
	cleanup_free char *profile = NULL;
	char *argv[MAX_WORDS + 1] = { NULL };
	size_t n = 0;

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	for (size_t at = strlen(text) + 1; at <= size && n < MAX_WORDS; at += strlen(text + at) + 1)
		argv[n++] = text + at;
	(void)profile_find_fault(text);
	if (n > 0 && profile_of_command(argv, "/a/b", text, &profile) == 0) {
		MUST(profile && strlen(profile) < PATH_MAX);
		(void)profile_owns(profile, "/a/b/c");
	}
	return 0;
}
