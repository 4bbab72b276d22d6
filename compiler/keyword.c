/* SPDX-License-Identifier: BSD-2-Clause */
/* keyword.c: a word and where it stands -> the kind of token it is. */
#include "front.h"

#include <stdlib.h>
#include <string.h>

#include "parse.tab.h"

struct keyword {
	const char *word;
	int kind;
	unsigned where; /* enum context, ored */
};

static const struct keyword keywords[] = {
#define NFR_KEYWORD(word, kind, where) {word, kind, where},
#include "keywords.def"
#undef NFR_KEYWORD
};

static int compare(const void *word, const void *keyword)
{
	return strcmp(word, ((const struct keyword *)keyword)->word);
}

static const struct keyword *find(const char *word)
{
	return bsearch(word, keywords, sizeof(keywords) / sizeof(*keywords),
		       sizeof(*keywords), compare);
}

static const char *const timeouts[] = {
#define NFR_TIMEOUT(sym, name, seconds) name,
#include "../runtime/timeouts.def"
#undef NFR_TIMEOUT
};

int keyword_timeout(const char *word)
{
	for (int i = 0; i < AST_TIMEOUT_COUNT; i++) {
		if (!strcmp(timeouts[i], word))
			return i;
	}
	return -1;
}

size_t keyword_timeout_names(const char **names, size_t max)
{
	size_t count = 0;
	while (count < AST_TIMEOUT_COUNT && count < max) {
		names[count] = timeouts[count];
		count++;
	}
	return count;
}

int keyword_kind(const char *word, unsigned where)
{
	const struct keyword *k = find(word);
	if (k && k->where & where)
		return k->kind;
	if (where & IN_STATE && keyword_timeout(word) >= 0)
		return T_TIMEOUT;
	return T_WORD;
}

bool keyword_is_reserved(const char *word)
{
	const struct keyword *k = find(word);
	return k && k->where == IN_ALL;
}

bool keyword_needs_quotes(const char *word)
{
	const struct keyword *k = find(word);
	return k && k->where & (IN_BODY | IN_HEADER | IN_TABLE | IN_ANTISPOOF |
				IN_TUNNEL);
}
