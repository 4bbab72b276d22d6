/* SPDX-License-Identifier: BSD-2-Clause */
/* option.c: argv, by a table -> options, operands, or what is wrong with them.
 */
#include "option.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/diag.h"

#define LONG_FIRST 256 /* getopt's value of the first long option */
#define OPTION_DAY_S 86400u

static int option_fail(struct option_parser *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int option_fail(struct option_parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error, sizeof(p->error), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void option_begin(struct option_parser *p, const struct option_table *table,
		  int argc, char **argv)
{
	char *at = p->letters;

	assert(table->spec_count <= OPTION_MAX);
	assert(table->verb_count <= OPTION_VERB_MAX);
	memset(p, 0, sizeof(*p));
	p->table = table;
	p->argc = argc;
	p->argv = argv;
	p->operands = argv;
	/* Operands in place, whatever POSIXLY_CORRECT says; ':' if one lacks.
	 */
	*at++ = '-';
	*at++ = ':';
	for (size_t i = 0; i < table->spec_count; i++) {
		if (!table->specs[i].letter)
			continue;
		*at++ = table->specs[i].letter;
		if (table->specs[i].argument != OPTION_NONE)
			*at++ = ':';
		if (table->specs[i].argument == OPTION_SPAN)
			*at++ = ':';
	}
	opterr = 0;
	optind = 0;
}

static const struct option_spec *spec_of(const struct option_table *table,
					 int value)
{
	if (value >= LONG_FIRST)
		return &table->specs[value - LONG_FIRST];
	for (size_t i = 0; i < table->spec_count; i++)
		if (value && table->specs[i].letter == value)
			return &table->specs[i];
	return NULL;
}

static void fill_long(const struct option_table *table, struct option *out)
{
	for (size_t i = 0; i < table->spec_count; i++) {
		out[i].name = table->specs[i].name;
		out[i].has_arg = table->specs[i].argument == OPTION_SPAN
					 ? optional_argument
				 : table->specs[i].argument == OPTION_NONE
					 ? no_argument
					 : required_argument;
		out[i].val = LONG_FIRST + (int)i;
	}
}

/* Neither known nor the beginning of just one. */
static int fail_long(struct option_parser *p, const char *word)
{
	const struct option_table *table = p->table;
	const char *names[OPTION_MAX];
	const char *found[2] = {NULL, NULL};
	size_t name_len;
	char name[32];

	word += strspn(word, "-");
	name_len = strcspn(word, "=");
	snprintf(name, sizeof(name), "%.*s", (int)name_len, word);
	for (size_t i = 0; i < table->spec_count; i++) {
		names[i] = table->specs[i].name;
		if (!strncmp(names[i], name, strlen(name)) && !found[1])
			found[!!found[0]] = names[i];
	}
	if (found[1])
		return option_fail(p, "--%s is ambiguous: --%s or --%s", name,
				   found[0], found[1]);
	found[0] = diag_nearest(name, names, table->spec_count);
	if (found[0])
		return option_fail(p, "no option --%.*s; did you mean --%s?",
				   (int)name_len, word, found[0]);
	return option_fail(p, "no option --%.*s", (int)name_len, word);
}

static int fail_unknown(struct option_parser *p)
{
	const struct option_spec *spec = spec_of(p->table, optopt);

	if (spec)
		return option_fail(p, "--%s takes no argument", spec->name);
	if (optopt)
		return option_fail(p, "no option -%c", optopt);
	return fail_long(p, p->argv[optind - 1]);
}

int option_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	int index = 0;

	for (const char *at = words; *at; index++) {
		size_t at_len = strcspn(at, " ");

		if (at_len == len && !memcmp(at, word, len))
			return index;
		at += at_len + (at[at_len] == ' ');
	}
	return -1;
}

static int check_word(struct option_parser *p, const struct option_spec *spec,
		      const char *arg)
{
	char copy[128], *rest = copy, *word;
	const char *words[16], *near;
	size_t count = 0;

	if (option_word(spec->words, arg) >= 0)
		return 1;
	snprintf(copy, sizeof(copy), "%s", spec->words);
	while ((word = strsep(&rest, " ")) && count < 16)
		words[count++] = word;
	near = diag_nearest(arg, words, count);
	if (near)
		return option_fail(p,
				   "--%s takes one of \"%s\", not \"%s\"; did "
				   "you mean \"%s\"?",
				   spec->name, spec->words, arg, near);
	return option_fail(p, "--%s takes one of \"%s\", not \"%s\"",
			   spec->name, spec->words, arg);
}

int option_span(const char *text, uint32_t *ms)
{
	uint64_t seconds;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	seconds = strtoull(text, &end, 10);
	if (errno || seconds > OPTION_DAY_S || (*end && end[1]))
		return -EINVAL;
	if (*end == 'm')
		seconds *= 60;
	else if (*end == 'h')
		seconds *= 3600;
	else if (*end && *end != 's')
		return -EINVAL;
	if (seconds < 1 || seconds > OPTION_DAY_S)
		return -EINVAL;
	*ms = (uint32_t)seconds * 1000;
	return 0;
}

static int check_argument(struct option_parser *p,
			  const struct option_spec *spec, const char *arg)
{
	uint32_t ms;
	char *end;

	if (spec->argument == OPTION_NONE ||
	    (spec->argument == OPTION_SPAN && !arg))
		return 1;
	if (!*arg)
		return option_fail(p, "--%s: empty argument", spec->name);
	if (spec->argument == OPTION_SPAN && option_span(arg, &ms))
		return option_fail(p,
				   "--%s takes a time as 30s, 5m or 1h, up to "
				   "a day, not \"%s\"",
				   spec->name, arg);
	if (spec->argument == OPTION_WORD)
		return check_word(p, spec, arg);
	if (spec->argument == OPTION_NUMBER) {
		errno = 0;
		if (*arg < '0' || *arg > '9' || !strtoul(arg, &end, 10) ||
		    *end || errno)
			return option_fail(p,
					   "--%s takes a number from 1, not "
					   "\"%s\"",
					   spec->name, arg);
	}
	return 1;
}

int option_next(struct option_parser *p, const struct option_spec **spec,
		const char **arg)
{
	struct option longs[OPTION_MAX + 1] = {0};
	int value;

	fill_long(p->table, longs);
	/* 1 is an operand; overwriting argv behind optind is safe. */
	while ((value = getopt_long(p->argc, p->argv, p->letters, longs,
				    NULL)) == 1)
		p->operands[p->operand_count++] = optarg;
	if (value == -1) {
		while (optind < p->argc)
			p->operands[p->operand_count++] = p->argv[optind++];
		return 0;
	}
	if (value == '?')
		return fail_unknown(p);
	if (value == ':') {
		*spec = spec_of(p->table, optopt);
		return option_fail(p, "--%s needs %s", (*spec)->name,
				   (*spec)->arg_name);
	}
	*spec = spec_of(p->table, value);
	*arg = (*spec)->argument == OPTION_NONE ? NULL : optarg;
	p->seen |= UINT64_C(1) << (*spec - p->table->specs);
	return check_argument(p, *spec, *arg);
}

int option_verb(struct option_parser *p, const char *name)
{
	const struct option_table *table = p->table;
	const char *names[OPTION_VERB_MAX], *near;

	for (size_t i = 0; i < table->verb_count; i++) {
		names[i] = table->verbs[i].name;
		if (!strcmp(names[i], name))
			return (int)i;
	}
	near = diag_nearest(name, names, table->verb_count);
	if (near)
		option_fail(p, "no verb \"%s\"; did you mean \"%s\"?", name,
			    near);
	else
		option_fail(p, "no verb \"%s\"", name);
	return -1;
}

int option_check_verb(struct option_parser *p, int verb)
{
	const struct option_table *table = p->table;

	for (size_t i = 0; i < table->spec_count; i++) {
		const struct option_spec *spec = &table->specs[i];

		if (!(p->seen >> i & 1) || !spec->verbs ||
		    spec->verbs >> verb & 1)
			continue;
		return option_fail(p, "--%s is not an option of \"%s %s\"",
				   spec->name, table->tool,
				   table->verbs[verb].name);
	}
	return 0;
}
