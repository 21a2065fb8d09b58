/* Any bytes as a unit file: the drop-in that is made of it has nothing left to be wrapped. */
#include <stdint.h>
#include <string.h>

#include "unit.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = size > 0 ? strndup((const char *)data, size) : NULL;
	cleanup_free char *drop_in = NULL;
	cleanup_free char *again = NULL;
	cleanup_with(unit_release) struct unit unit = { 0 };
	cleanup_with(unit_release) struct unit wrapped = { 0 };

	if (!text || unit_add(&unit, text) < 0 || unit_drop_in(&unit, "/usr/bin/pbrun", NULL, &drop_in) < 0)
		return 0;
	MUST(unit_is_drop_in(drop_in));
	MUST(unit_add(&wrapped, drop_in) == 0 && wrapped.n_commands == unit.n_commands);
	MUST(unit_drop_in(&wrapped, "/usr/bin/pbrun", NULL, &again) == -ENODATA);
	return 0;
}
