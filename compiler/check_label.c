/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_label.c: the macros in a label -> what the expanded rule says there, as
 * in pf.conf(5): $if, $srcaddr, $dstaddr, $srcport, $dstport, $proto, $nr. What
 * is none of these stays as it is.
 */
#include "check_internal.h"

#include <string.h>

static void value_host(const struct ast_host *h, FILE *out)
{
	if (h)
		print_host(h, out);
	else
		fputs("any", out);
}

static void value_port(const struct ast_port *p, FILE *out)
{
	static const struct {
		const char *before, *between;
	} words[] = {
		[AST_PORT_EQ] = {"", NULL},
		[AST_PORT_NE] = {"!=", NULL},
		[AST_PORT_LT] = {"<", NULL},
		[AST_PORT_LE] = {"<=", NULL},
		[AST_PORT_GT] = {">", NULL},
		[AST_PORT_GE] = {">=", NULL},
		[AST_PORT_INSIDE] = {"", "><"},
		[AST_PORT_OUTSIDE] = {"", "<>"},
		[AST_PORT_INCLUSIVE] = {"", ":"},
	};

	if (!p)
		return;
	fprintf(out, "%s%d", words[p->op].before, (int)p->first.value);
	if (words[p->op].between)
		fprintf(out, "%s%d", words[p->op].between, (int)p->last.value);
}

/* pf asks for the name of protocol 0 where a rule has none. */
static void value_proto(const struct ast_proto *p, bool is_pf, FILE *out)
{
	if (!p)
		fputs(is_pf ? "ip" : "any", out);
	else if (p->name.text)
		fputs(p->name.text, out);
	else
		fprintf(out, "%d", (int)p->name.value);
}

/* Prints the value of the macro that text starts with; its length, or 0. */
static size_t macro_print(const char *text, const struct ast_match *m,
			  uint32_t nr, bool is_pf, FILE *out)
{
	static const char *const names[] = {"$if",	"$srcaddr", "$dstaddr",
					    "$srcport", "$dstport", "$proto",
					    "$nr"};
	size_t i, count = sizeof(names) / sizeof(*names);

	for (i = 0; i < count; i++)
		if (strncmp(text, names[i], strlen(names[i])) == 0)
			break;
	switch (i) {
	case 0:
		fputs(m->ifaces ? m->ifaces->name : "any", out);
		break;
	case 1:
		value_host(m->from.hosts, out);
		break;
	case 2:
		value_host(m->to.hosts, out);
		break;
	case 3:
		value_port(m->from.ports, out);
		break;
	case 4:
		value_port(m->to.ports, out);
		break;
	case 5:
		value_proto(m->protos, is_pf, out);
		break;
	case 6:
		fprintf(out, "%u", nr);
		break;
	default:
		return 0;
	}
	return strlen(names[i]);
}

const char *label_expand(struct check *c, const char *label,
			 const struct ast_match *m, uint32_t nr)
{
	size_t len;

	if (!label || !strchr(label, '$'))
		return label;
	rewind(c->out);
	for (const char *p = label; *p; p += len) {
		len = *p == '$' ? macro_print(p, m, nr, c->is_pf, c->out) : 0;
		if (len == 0) {
			fputc(*p, c->out);
			len = 1;
		}
	}
	fflush(c->out);
	return arena_strndup(c->scratch, c->out_bytes, (size_t)ftell(c->out));
}
