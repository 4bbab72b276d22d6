/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_convert.c: a pf.conf -> an nfr policy that means the same: pf's default
 * is said aloud, lists are expanded, and what only pf has is written otherwise.
 */
#include <stdio.h>
#include <string.h>

#include "nfload.h"

static bool has_default(const struct policy *p)
{
	for (const struct ast_node *n = p->printable; n; n = n->next)
		if (n->kind == AST_SET && n->set.option == AST_SET_DEFAULT)
			return true;
	return false;
}

/* pf takes tables that are nowhere declared. */
static void convert_tables(const struct policy *p, FILE *out)
{
	for (size_t i = 0; i < p->table_count; i++) {
		const struct policy_table *t = &p->tables[i];

		if (!t->is_dynamic && !t->is_declared)
			fprintf(out, "table <%s> persist\n", t->name);
	}
}

/* nfr skips loopback only; elsewhere a rule is what everyone can see. */
static void convert_skip(const struct policy *p, const struct ast_set *set,
			 FILE *out)
{
	for (const struct ast_iface *f = set->ifaces; f; f = f->next) {
		bool is_loopback = false;

		for (size_t i = 0; i < p->iface_count; i++)
			if (strcmp(p->ifaces[i].name, f->name) == 0)
				is_loopback = p->ifaces[i].is_loopback;
		fprintf(out,
			is_loopback ? "set skip on %s\n"
				    : "pass quick on %s no state\n",
			f->name);
	}
}

static void convert(const struct policy *p, FILE *out)
{
	if (!has_default(p))
		fputs("# pf passes what no rule matches.\n"
		      "set default pass\n",
		      out);
	convert_tables(p, out);
	for (const struct ast_node *n = p->printable; n; n = n->next)
		if (n->kind == AST_SET && n->set.option == AST_SET_SKIP)
			convert_skip(p, &n->set, out);
		else
			print_node(n, out);
}

int verb_convert(struct nfload *t)
{
	struct report_text text;
	struct input in;
	int status;

	t->compile.is_pf = true;
	status = input_read(t, INPUT_TEXT_ONLY, &in);
	if (status) {
		report_summary(t, true, "%s. Nothing was printed.", in.failure);
	} else {
		report_open(t, &text);
		convert(in.compilation->policy, text.out);
		report_close(t, &text);
	}
	input_free(&in);
	return status;
}
