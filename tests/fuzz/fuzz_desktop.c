/* Any bytes as a desktop entry: what is wrapped has nothing left to be wrapped, and is known as pbrun's. */
#include <stdint.h>
#include <string.h>

#include "desktop.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	cleanup_free char *wrapped = NULL;
	cleanup_free char *again = NULL;

	if (size == 0 || !text || desktop_wrap(text, "/usr/bin/pbrun", "/a\n\\b", &wrapped) < 0)
		return 0;
	MUST(!(desktop_traits(wrapped) & DESKTOP_EXEC));
	MUST((desktop_traits(wrapped) & DESKTOP_APPLICATION) == (desktop_traits(text) & DESKTOP_APPLICATION));
	MUST(desktop_wrap(wrapped, "/usr/bin/pbrun", "/a\n\\b", &again) < 0 || strcmp(wrapped, again) == 0);
	return 0;
}
