/* SPDX-License-Identifier: BSD-2-Clause */
/* fixture.c: calls -> a policy and its image. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "fixture: %s\n", what);
	abort();
}

void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->arena = arena_new();
	f->sources = sources_new(f->arena);
	f->policy.rules = f->rules;
	f->policy.guard = f->guard;
	f->policy.tables = f->tables;
	f->policy.ifaces = f->ifaces;
}

void fixture_free(struct fixture *f)
{
	free(f->bytes);
	arena_free(&f->arena);
}

static void rule_init(struct fixture *f, struct policy_rule *rule, bool is_pass,
		      const char *name, size_t number)
{
	*rule = (struct policy_rule){
		.match = policy_match_any(),
		.is_pass = is_pass,
		.label = "",
		.id = number + 1,
		.text = arena_printf(f->arena, "%s %s %zu",
				     is_pass ? "pass" : "block", name, number),
	};
}

struct policy_rule *fixture_rule(struct fixture *f, bool is_pass)
{
	size_t i = f->policy.rule_count++;

	require(i < FIXTURE_MAX, "too many rules");
	rule_init(f, &f->rules[i], is_pass, "rule", i);
	return &f->rules[i];
}

struct policy_rule *fixture_guard(struct fixture *f, bool is_pass)
{
	size_t i = f->policy.guard_count++;

	require(i < FIXTURE_MAX, "too many guard rules");
	rule_init(f, &f->guard[i], is_pass, "guard", i);
	return &f->guard[i];
}

static struct addr parse_addr(const char *text, enum addr_family *family)
{
	struct addr addr;

	require(addr_parse(text, &addr, family) == 0, text);
	return addr;
}

uint32_t fixture_table(struct fixture *f, const char *name, const char *text)
{
	struct policy_table *table = &f->tables[f->policy.table_count];
	char *words = arena_strdup(f->arena, text), *save = NULL;

	table->name = name;
	table->entries = arena_alloc(f->arena, 32 * sizeof(*table->entries));
	for (char *w = strtok_r(words, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		struct policy_table_entry *e =
			&table->entries[table->entry_count++];
		char *slash = strchr(w, '/');

		require(slash && table->entry_count <= 32, w);
		*slash = '\0';
		e->is_negated = *w == '!';
		e->addr = parse_addr(w + e->is_negated, &e->family);
		e->prefix_len = (uint8_t)atoi(slash + 1);
	}
	return (uint32_t)f->policy.table_count++;
}

uint16_t fixture_iface(struct fixture *f, const char *name)
{
	f->ifaces[f->policy.iface_count].name = name;
	return (uint16_t)++f->policy.iface_count;
}

struct policy_host fixture_range(const char *first, const char *last)
{
	enum addr_family family;

	return (struct policy_host){.kind = POLICY_HOST_RANGE,
				    .first = parse_addr(first, &family),
				    .last = parse_addr(last, &family)};
}

void fixture_image(struct fixture *f, bool default_is_pass, struct image *out)
{
	struct policy_rule *rule = &f->rules[f->policy.rule_count];
	char error[IMAGE_ERROR_MAX] = "";

	rule_init(f, rule, default_is_pass, "default", f->policy.rule_count++);
	rule->match.families = 7;
	rule->is_default = true;
	require(lower_policy(f->arena, &f->policy, &f->code) == 0, "lower");
	require(image_write(&f->policy, &f->code, f->sources, &f->bytes,
			    &f->len) == 0,
		"write");
	image_open(f->bytes, f->len, out, error);
	require(!*error, error);
}
