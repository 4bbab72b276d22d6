/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cgroup_class.c: paths of cgroups -> numbers, so that one and all below it are
 * a range. Paths have no "/" at an end; the root is "".
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

bool cgroup_has(const char *group, const char *path)
{
	size_t len = strlen(group);

	return len == 0 || (strncmp(group, path, len) == 0 &&
			    (path[len] == 0 || path[len] == '/'));
}

/* As bytes, but "/" before any other: what is below a path follows it. */
static int path_compare(const void *a, const void *b)
{
	const char *p = *(const char *const *)a, *q = *(const char *const *)b;

	while (*p && *p == *q) {
		p++;
		q++;
	}
	if (!*p || !*q || *p == *q)
		return (*p != 0) - (*q != 0);
	if (*p == '/' || *q == '/')
		return *p == '/' ? -1 : 1;
	return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
}

size_t cgroups_sort(const char **paths, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(paths, count, sizeof(*paths), path_compare);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(paths[kept - 1], paths[i]) != 0)
			paths[kept++] = paths[i];
	return kept;
}

struct policy_class cgroup_class(const char *const *paths, size_t count,
				 const char *path)
{
	struct policy_class class = {.first = 1, .last = 0};

	for (size_t i = 0; i < count; i++) {
		if (!cgroup_has(path, paths[i]))
			continue;
		if (class.last == 0)
			class.first = (uint32_t)i + 1;
		class.last = (uint32_t)i + 1;
	}
	return class;
}

uint32_t cgroup_number(const char *const *paths, size_t count, const char *path)
{
	uint32_t number = 0;

	for (size_t i = 0; path && i < count; i++)
		if (cgroup_has(paths[i], path))
			number = (uint32_t)i + 1;
	return number;
}
