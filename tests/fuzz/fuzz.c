/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.c: a fixed host and a policy's text -> what targets start from; and the
 * file system out of reach.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/check.h"
#include "compiler/parse.h"

/* Linked in place of sources_read(): includes and table files are not there. */
int __wrap_sources_read(struct sources *, const char *path, struct span from,
			const struct source_file **out);
int __wrap_sources_read(struct sources *sources, const char *path,
			struct span from, const struct source_file **out)
{
	(void)sources;
	(void)path;
	(void)from;
	(void)out;
	return -ENOENT;
}

void fuzz_require(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

const struct host *fuzz_host(void)
{
	static struct arena *arena; /* no leak, as it is looked at again */
	static struct host *host;
	const char *error = "";

	if (arena)
		return host;
	arena = arena_new();
	if (host_profile(arena, "tests/fuzz/host.json", &host, &error) != 0)
		fuzz_require(false, error);
	return host;
}

void fuzz_compile(const char *text, struct image *out)
{
	struct arena *arena = arena_new();
	struct sources *sources = sources_new(arena);
	struct diag *diag = diag_new(arena, sources);
	char error[IMAGE_ERROR_MAX] = "";
	struct policy *policy;
	struct code code;
	struct ast ast;
	size_t len = 0;
	__u8 *bytes = NULL;

	parse_file(arena, sources, diag,
		   sources_add(sources, "fuzz", text, strlen(text)), NULL, 0,
		   &ast);
	policy = check_policy(arena, sources, diag, fuzz_host(), &ast);
	diag_print(diag, stderr, false);
	fuzz_require(diag_errors(diag) == 0, "the policy");
	fuzz_require(lower_policy(arena, policy, &code) == 0, "lower");
	fuzz_require(image_write(policy, &code, sources, &bytes, &len) == 0,
		     "image");
	arena_free(&arena);
	fuzz_require(image_open(bytes, len, out, error) == 0, error);
}
