/* fuzz_config.c - any bytes as a configuration file. */
#include <string.h>

#include "config.h"

#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	unsigned int line;
	size_t n_lines = 1;

	config_init(&config);
	MUST(config_parse(&config, (const char *)data, size, size & 1 ? "/home/u" : NULL, &line) == 0);
	for (size_t i = 0; i < size; i++)
		n_lines += data[i] == '\n';
	MUST(line <= n_lines && config.excluded.n_patterns <= n_lines);
	for (size_t i = 0; i < config.excluded.n_patterns; i++) {
		char first = config.excluded.patterns[i][0];

		MUST(first == '/' || first == '*');
	}
	(void)exclusions_match(&config.excluded, "/home/u/Private/a.iso");
	config_release(&config);
	return 0;
}
