/* SPDX-License-Identifier: BSD-2-Clause */
/* ast.c: words with spans -> names, numbers, ports and lists of them. */
#include "construct.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 12
#define IFACE_NAME_MAX 15 /* IFNAMSIZ - 1 */

/* ---- lists: the next pointer is the first member of every item ---- */

static void next_set(void *item, void *next)
{
	memcpy(item, &next, sizeof(next));
}

struct list list_of(void *item)
{
	return (struct list){item, item};
}

struct list list_append(struct list list, void *item)
{
	return list_join(list, list_of(item));
}

struct list list_join(struct list a, struct list b)
{
	if (!a.first)
		return b;
	if (!b.first)
		return a;
	next_set(a.last, b.first);
	a.last = b.last;
	return a;
}

struct list list_add_node(struct list list, struct span span,
			  struct ast_node *node)
{
	node->span = span;
	return list_append(list, node);
}

/* ---- items ---- */

struct item item_new(int kind, struct span at)
{
	return (struct item){.kind = kind, .at = at};
}

struct item item_number(int kind, struct span at, int number)
{
	return (struct item){.kind = kind, .at = at, .number = number};
}

struct item item_text(int kind, struct span at, struct span span,
		      const char *text)
{
	return (struct item){
		.kind = kind, .at = at, .span = span, .text = text};
}

struct item item_pair(int kind, struct span at, struct span span,
		      const char *text, struct span span2, const char *text2)
{
	struct item item = item_text(kind, at, span, text);
	item.span2 = span2;
	item.text2 = text2;
	return item;
}

/* ---- names and numbers ---- */

bool text_is_number(const char *text, int64_t *value)
{
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = is_hex ? text + 2 : text;
	size_t len = strspn(digits,
			    is_hex ? "0123456789abcdefABCDEF" : "0123456789");
	if (len == 0 || digits[len])
		return false;
	errno = 0;
	*value = strtoll(digits, NULL, is_hex ? 16 : 10);
	return true;
}

int64_t text_number(struct front *f, struct span span, const char *text,
		    const char *what, int64_t min, int64_t max)
{
	int64_t value;
	if (!text_is_number(text, &value)) {
		diag_error(f->diag, span, "parse",
			   "\"%s\" is not a number from %lld to %lld", text,
			   (long long)min, (long long)max);
		return min;
	}
	if (value >= min && value <= max)
		return value;
	diag_error(f->diag, span, "range",
		   "%s %s is out of range: %lld to %lld", what, text,
		   (long long)min, (long long)max);
	return min;
}

struct ast_name name_new(struct front *f, struct span span, const char *text,
			 const char *what, int64_t max)
{
	struct ast_name name = {.span = span, .text = text};
	int64_t value;
	if (text_is_number(text, &value)) {
		name.text = NULL;
		name.value = value;
		if (value > max) {
			diag_error(f->diag, span, "range",
				   "%s %s is out of range: 0 to %lld", what,
				   text, (long long)max);
			name.value = max;
		}
	} else if (!*text) {
		diag_error(f->diag, span, "parse", "the %s is empty", what);
	}
	return name;
}

int word_choose(struct front *f, struct span span, const char *text,
		const char *what, const char *const *words, size_t count)
{
	const char *list = "", *nearest;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(words[i], text))
			return (int)i;
	}
	/* More than a reader would read are not listed. */
	for (size_t i = 0; i < count && count <= LIST_MAX; i++)
		list = arena_printf(f->arena, "%s%s%s", list,
				    i == 0	     ? ": "
				    : i == count - 1 ? " or "
						     : ", ",
				    words[i]);
	nearest = diag_nearest(text, words, count);
	diag_error(f->diag, span, "parse", "\"%s\" is not %s%s", text, what,
		   list);
	if (nearest)
		diag_inline_hint(f->diag, "did you mean \"%s\"?", nearest);
	return -1;
}

struct span part_span(struct span span, const char *word, size_t from,
		      size_t to)
{
	if (span.end - span.start != strlen(word))
		return span;
	return (struct span){span.start + (uint32_t)from,
			     span.start + (uint32_t)to};
}

struct ast_word *word_new(struct front *f, struct span span, const char *text)
{
	struct ast_word *word = arena_new_of(f->arena, struct ast_word);
	word->span = span;
	word->text = text;
	return word;
}

struct ast_iface *iface_new(struct front *f, struct span span, const char *name)
{
	struct ast_iface *iface = arena_new_of(f->arena, struct ast_iface);
	iface->span = span;
	iface->name = name;
	if (!*name)
		diag_error(f->diag, span, "parse",
			   "the interface name is empty");
	else if (strlen(name) > IFACE_NAME_MAX)
		diag_error(f->diag, span, "range",
			   "interface name is too long: at most %d bytes",
			   IFACE_NAME_MAX);
	return iface;
}

struct ast_iface *iface_negate(struct ast_iface *iface, struct span span)
{
	iface->is_negated = true;
	iface->span = span_join(span, iface->span);
	return iface;
}

struct ast_iface *iface_dynamic(struct ast_iface *iface, struct span span)
{
	iface->is_dynamic = true;
	iface->span = span;
	return iface;
}

struct ast_iface *iface_rdomain(struct front *f, struct span span,
				struct span number_span, const char *number,
				bool is_negated)
{
	struct ast_iface *iface = arena_new_of(f->arena, struct ast_iface);
	iface->span = span;
	iface->is_rdomain = true;
	iface->is_negated = is_negated;
	iface->rdomain = (uint16_t)text_number(f, number_span, number,
					       "routing domain", 0, 255);
	return iface;
}

struct ast_mark *mark_new(struct front *f, struct span span, const char *value,
			  struct span mask_span, const char *mask)
{
	struct ast_mark *mark = arena_new_of(f->arena, struct ast_mark);
	mark->span = span_join(span, mask_span);
	mark->value =
		(uint32_t)text_number(f, span, value, "mark", 0, UINT32_MAX);
	mark->mask = UINT32_MAX;
	if (mask)
		mark->mask = (uint32_t)text_number(f, mask_span, mask, "mask",
						   1, UINT32_MAX);
	if (mark->value & ~mark->mask)
		diag_error(f->diag, mark->span, "range",
			   "this mark never matches: it has bits that the "
			   "mask leaves out");
	return mark;
}

struct ast_proto *proto_new(struct front *f, struct span span, const char *text)
{
	struct ast_proto *proto = arena_new_of(f->arena, struct ast_proto);
	proto->name = name_new(f, span, text, "protocol", 255);
	return proto;
}

struct ast_icmp *icmp_new(struct front *f, struct span span, const char *type)
{
	struct ast_icmp *icmp = arena_new_of(f->arena, struct ast_icmp);
	icmp->span = span;
	icmp->type = name_new(f, span, type, "ICMP type", 255);
	return icmp;
}

struct ast_icmp *icmp_with_code(struct front *f, struct ast_icmp *icmp,
				struct span span, const char *code)
{
	icmp->span = span_join(icmp->span, span);
	icmp->code = name_new(f, span, code, "ICMP code", 255);
	icmp->has_code = true;
	return icmp;
}

/* ---- ports, users and groups ---- */

struct ast_port *port_unary(struct front *f, struct span span,
			    enum ast_port_op op, struct span word_span,
			    const char *text)
{
	struct ast_port *port = arena_new_of(f->arena, struct ast_port);
	port->span = span;
	port->op = op;
	port->first = (struct ast_name){.span = word_span, .text = text};
	return port;
}

struct ast_port *port_binary(struct front *f, struct span span,
			     enum ast_port_op op, struct span first_span,
			     const char *first, struct span last_span,
			     const char *last)
{
	struct ast_port *port = port_unary(f, span, op, first_span, first);
	port->last = (struct ast_name){.span = last_span, .text = last};
	return port;
}

/* A port, or 1:10, which is one word. */
struct ast_port *port_word(struct front *f, struct span span, const char *text)
{
	const char *colon = strchr(text, ':');
	if (!colon)
		return port_unary(f, span, AST_PORT_EQ, span, text);
	size_t at = (size_t)(colon - text), len = strlen(text);
	return port_binary(f, span, AST_PORT_INCLUSIVE,
			   part_span(span, text, 0, at),
			   arena_strndup(f->arena, text, at),
			   part_span(span, text, at + 1, len), colon + 1);
}

struct ast_port *ports_check(struct front *f, struct list ports,
			     const char *what, int64_t max)
{
	for (struct ast_port *p = ports.first; p; p = p->next) {
		p->first = name_new(f, p->first.span, p->first.text, what, max);
		if (p->op >= AST_PORT_INSIDE)
			p->last = name_new(f, p->last.span, p->last.text, what,
					   max);
	}
	return ports.first;
}
