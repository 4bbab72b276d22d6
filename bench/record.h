/* SPDX-License-Identifier: BSD-2-Clause */
/* record.h: a file of nfbench's JSON lines -> measurements. */
#ifndef NFR_RECORD_H
#define NFR_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RECORD_ERROR_MAX 512

/* The strings are json's. */
struct record {
	const char *set, *family, *engine, *hook, *trace, *kernel, *cpu;
	unsigned rules;
	double ns, p25, p75, floor_ns, ratio, added_ns;
	json_t *json;
	const char *path; /* the caller's */
	size_t line;
};

struct records {
	struct record *items;
	size_t count;
};

/*
 * Adds those of a file, at least one; no two are of the same case. 0, or -errno
 * with error set: "FILE:LINE: what". Freed by records_free() in any case.
 */
int records_read(const char *path, struct records *,
		 char error[RECORD_ERROR_MAX]);
void records_free(struct records *);

/* Of the same set, rules, family, engine, hook and trace; or NULL. */
const struct record *records_find(const struct records *,
				  const struct record *);

#endif
