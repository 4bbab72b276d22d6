/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c: replay [-m N] FILE... -> each file once through the target it is
 * linked with, and N times damaged, always in the same way; says how many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tests/agree/random.h"

#define FILE_MAX (1u << 20)

static size_t file_read(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "re");
	size_t len;

	fuzz_require(file != NULL, path);
	len = fread(bytes, 1, FILE_MAX, file);
	fclose(file);
	return len;
}

/* A copy of just this size, so that a byte behind it is found. */
static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *own = malloc(len ? len : 1);

	if (!own)
		abort();
	memcpy(own, bytes, len);
	LLVMFuzzerTestOneInput(own, len);
	free(own);
}

/* A byte changed, a bit turned, a piece moved, or the end cut off. */
static size_t damage(struct random *r, uint8_t *bytes, size_t len)
{
	uint32_t at = random_below(r, (uint32_t)len);
	uint32_t other = random_below(r, (uint32_t)len);
	uint32_t n;

	switch (random_below(r, 8)) {
	case 0:
		return at;
	case 1:
		n = (uint32_t)len - (at > other ? at : other);
		memmove(bytes + at, bytes + other, random_below(r, n + 1));
		return len;
	case 2:
	case 3:
		bytes[at] = (uint8_t)random_next(r);
		return len;
	default:
		bytes[at] ^= (uint8_t)(1u << random_below(r, 8));
		return len;
	}
}

static unsigned replay(const char *path, unsigned damaged)
{
	static uint8_t bytes[FILE_MAX], copy[FILE_MAX];
	size_t len = file_read(path, bytes);

	run(bytes, len);
	for (unsigned i = 0; i < damaged; i++) {
		struct random r = random_fork(len, i);
		size_t copy_len = len;

		memcpy(copy, bytes, len);
		for (unsigned n = 1 + i % 4; n && copy_len; n--)
			copy_len = damage(&r, copy, copy_len);
		run(copy, copy_len);
	}
	return 1 + damaged;
}

int main(int argc, char **argv)
{
	unsigned damaged = 0, count = 0;
	int first = 1;

	if (argc > 2 && !strcmp(argv[1], "-m")) {
		damaged = (unsigned)atoi(argv[2]);
		first = 3;
	}
	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = first; i < argc; i++) {
		/* Which one it was, should it crash. */
		fprintf(stderr, "%s\n", argv[i]);
		count += replay(argv[i], damaged);
	}
	printf("%u inputs\n", count);
	return count == 0;
}
