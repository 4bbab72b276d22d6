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

int keyword_kind(const char *word, enum context where)
{
	const struct keyword *k = find(word);
	return k && k->where & where ? k->kind : T_WORD;
}

bool keyword_is_reserved(const char *word)
{
	const struct keyword *k = find(word);
	return k && k->where == IN_ALL;
}

bool keyword_needs_quotes(const char *word)
{
	const struct keyword *k = find(word);
	return k && k->where & (IN_BODY | IN_HEADER);
}
