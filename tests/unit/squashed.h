/* squashed.h - an image of a few files, made by mksquashfs(1) in the scratch directory. */
#ifndef PBRUN_TEST_SQUASHED_H
#define PBRUN_TEST_SQUASHED_H

#include "support.h"

enum { SQUASHED_BLOCK = 131072 };

/* Sizes tell them apart. */
static const size_t squashed_sizes[] = { 5 * SQUASHED_BLOCK, 3 * SQUASHED_BLOCK + 777, 100,
					 2 * SQUASHED_BLOCK + 5 };
enum { SQUASHED_RANDOM, SQUASHED_WITH_TAIL, SQUASHED_SMALL, SQUASHED_WITH_HOLE, N_SQUASHED };
static uint8_t *squashed_contents[N_SQUASHED];

static inline bool squashed_is_possible(void)
{
	return system("mksquashfs -version >/dev/null 2>&1") == 0;
}

static inline void squashed_make(const char *options)
{
	char command[256];
	unsigned int state = 1;

	ck_assert_int_eq(mkdir("files", 0755), 0);
	for (size_t i = 0; i < N_SQUASHED; i++) {
		char name[32];
		uint8_t *content = calloc(1, squashed_sizes[i]);

		ck_assert_ptr_nonnull(content);
		for (size_t k = 0; k < squashed_sizes[i]; k++)
			content[k] = i == SQUASHED_RANDOM ? (uint8_t)(rand_r(&state) >> 8)
							  : (uint8_t)(k / 3 % 251);
		if (i == SQUASHED_WITH_HOLE)
			memset(content, 0, SQUASHED_BLOCK);
		snprintf(name, sizeof(name), "files/%zu", i);
		write_file(name, content, squashed_sizes[i], 0644);
		squashed_contents[i] = content;
	}
	snprintf(command, sizeof(command),
		 "mksquashfs files image -b 131072 -quiet -no-progress %s >/dev/null", options);
	ck_assert_int_eq(system(command), 0);
}

static inline void squashed_release(void)
{
	for (size_t i = 0; i < N_SQUASHED; i++) {
		free(squashed_contents[i]);
		squashed_contents[i] = NULL;
	}
}

#endif
