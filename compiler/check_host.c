/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_host.c: one written host -> addresses, prefixes, ranges or tables of
 * one family each. A name is an interface, which stands for its addresses, one
 * member an address, as in pf; the DNS is never asked.
 */
#include "check_internal.h"

#include <ctype.h>
#include <string.h>

struct host_list {
	struct check_host *items;
	size_t count, capacity;
};

static struct check_host *host_push(struct check *c, struct check_host **items,
				    size_t *count, size_t *capacity)
{
	struct check_host *h;

	*items =
		arena_grow(c->arena, *items, *count, capacity, sizeof(**items));
	h = &(*items)[(*count)++];
	memset(h, 0, sizeof(*h));
	return h;
}

bool hosts_normalise(struct check *c, struct ast_host *h)
{
	unsigned bits = addr_bits(h->family);

	if (h->prefix_len > (int)bits) {
		diag_error(c->diag, h->span, "type",
			   "an %s prefix has at most %u bits",
			   h->family == FAMILY_IPV4 ? "IPv4" : "IPv6", bits);
		return false;
	}
	if (h->prefix_len == (int)bits)
		h->prefix_len = -1;
	if (h->prefix_len >= 0)
		h->first = addr_first(h->first, h->family,
				      (unsigned)h->prefix_len);
	return true;
}

/* The ast's prefix as numbers. */
static bool prefix_finish(struct check *c, struct check_host *out)
{
	struct ast_host *h = &out->ast;

	if (!hosts_normalise(c, h))
		return false;
	out->family = h->family;
	if (h->prefix_len == 0) {
		if (h->is_negated)
			diag_error(c->diag, h->span, "type",
				   "no address is outside of a /0");
		return !h->is_negated;
	}
	out->host = (struct policy_host){
		.kind = POLICY_HOST_RANGE,
		.is_negated = h->is_negated,
		.first = h->first,
		.last = h->prefix_len < 0 ? h->first
					  : addr_last(h->first, h->family,
						      (unsigned)h->prefix_len),
	};
	return true;
}

static bool range_finish(struct check_host *out)
{
	const struct ast_host *h = &out->ast;

	out->family = h->family;
	out->host = (struct policy_host){
		.kind = POLICY_HOST_RANGE,
		.is_negated = h->is_negated,
		.first = h->first,
		.last = h->last,
	};
	return true;
}

static bool table_finish(struct check *c, struct check_host *out)
{
	int index = tables_find(c, out->ast.name, out->ast.span);

	if (index < 0)
		return false;
	out->host = (struct policy_host){
		.kind = POLICY_HOST_TABLE,
		.is_negated = out->ast.is_negated,
		.table = (uint32_t)index,
	};
	return true;
}

static void unknown_name(struct check *c, const struct ast_host *h)
{
	size_t count;
	const char *const *names = host_iface_names(c->host, &count);
	const char *near = diag_nearest(h->name, names, count);

	if (isdigit((unsigned char)h->name[0]) || strchr(h->name, ':')) {
		diag_error(c->diag, h->span, "name", "\"%s\" is no address",
			   h->name);
		return;
	}
	diag_error(c->diag, h->span, "name",
		   "\"%s\" is no interface, and names are not looked up in "
		   "the DNS",
		   h->name);
	if (tables_has(c, h->name))
		diag_inline_hint(c->diag, "did you mean <%s>?", h->name);
	else if (near)
		diag_inline_hint(c->diag, "did you mean \"%s\"?", near);
	diag_hint(c->diag, "write an address, a <table> or an interface");
}

/* fe80::1%eth0: pf's rules do not keep the scope. */
static bool scoped_finish(struct check *c, const struct ast_host *h,
			  struct check_host *out)
{
	size_t len = strcspn(h->name, "%");

	out->ast = *h;
	out->ast.next = NULL;
	if (!h->name[len] || addr_parse(arena_strndup(c->arena, h->name, len),
					&out->ast.first, &out->ast.family) != 0)
		return false;
	out->ast.kind = AST_HOST_PREFIX;
	return prefix_finish(c, out);
}

bool hosts_of_name(struct check *c, const struct ast_host *h,
		   struct check_host **out, size_t *count, size_t *capacity)
{
	const struct host_iface *iface = host_iface(c->host, h->name);
	struct check_host scoped = {0};

	if (!iface) {
		if (scoped_finish(c, h, &scoped)) {
			*host_push(c, out, count, capacity) = scoped;
			return true;
		}
		unknown_name(c, h);
		return false;
	}
	if (iface->addr_count == 0) {
		diag_error(c->diag, h->span, "name",
			   "the interface \"%s\" has no address now", h->name);
		diag_hint(c->diag, "write the address, or \"on %s\"", h->name);
		return false;
	}
	for (size_t i = 0; i < iface->addr_count; i++) {
		struct check_host *item = host_push(c, out, count, capacity);

		item->ast = (struct ast_host){
			.span = h->span,
			.kind = AST_HOST_PREFIX,
			.is_negated = h->is_negated,
			.family = iface->addrs[i].family,
			.first = iface->addrs[i].addr,
			.prefix_len = h->prefix_len,
		};
		if (!prefix_finish(c, item))
			return false;
	}
	return true;
}

static bool host_resolve(struct check *c, const struct ast_host *h,
			 struct host_list *list)
{
	struct check_host *out;

	if (h->kind == AST_HOST_NAME)
		return hosts_of_name(c, h, &list->items, &list->count,
				     &list->capacity);
	out = host_push(c, &list->items, &list->count, &list->capacity);
	out->ast = *h;
	out->ast.next = NULL;
	switch (h->kind) {
	case AST_HOST_PREFIX:
		return prefix_finish(c, out);
	case AST_HOST_RANGE:
		return range_finish(out);
	case AST_HOST_TABLE:
		return table_finish(c, out);
	case AST_HOST_ANY:
	case AST_HOST_NAME:
		break;
	default:
		diag_error(c->diag, h->span, "unsupported",
			   "this address is not supported yet");
		return false;
	}
	if (h->is_negated)
		diag_error(c->diag, h->span, "type",
			   "\"! any\" is no address at all");
	return !h->is_negated;
}

static bool can_meet(const struct check_host *a, const struct check_host *b,
		     enum addr_family family)
{
	if (family && ((a->family && a->family != family) ||
		       (b->family && b->family != family)))
		return false;
	return !a->family || !b->family || a->family == b->family;
}

/* { !a !b } becomes two rules, each of which matches what the other does not.
 */
static void warn_negated(struct check *c, const struct host_list *list,
			 enum addr_family family)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct check_host *h = &list->items[i];

		if (!h->ast.is_negated)
			continue;
		for (size_t j = 0; j < list->count; j++) {
			if (i == j || !can_meet(h, &list->items[j], family))
				continue;
			diag_warning(c->diag, h->ast.span, WARN_NEGATED_LIST,
				     "a negated member of a list: the rules "
				     "that come of it together match nearly "
				     "everything");
			diag_hint(c->diag, "put the addresses into a table "
					   "<t> and write \"! <t>\"");
			return;
		}
	}
}

bool hosts_resolve(struct check *c, const struct ast_host *first,
		   enum addr_family family, struct check_host **out,
		   size_t *count)
{
	struct host_list list = {0};
	bool ok = true;

	for (const struct ast_host *h = first; h; h = h->next)
		ok &= host_resolve(c, h, &list);
	if (ok)
		warn_negated(c, &list, family);
	*out = list.items;
	*count = list.count;
	return ok;
}

bool hosts_fail_open(struct check *c, const struct check_host *hosts,
		     size_t count, bool is_negated, const char *what)
{
	for (size_t i = 0; i < count; i++) {
		const struct policy_host *h = &hosts[i].host;
		const struct policy_table *t;

		if (h->kind != POLICY_HOST_TABLE || h->is_negated != is_negated)
			continue;
		t = &c->policy->tables[h->table];
		if (t->entry_count)
			continue;
		diag_error(c->diag, hosts[i].ast.span, "fails-open",
			   "the table <%s> is empty, so %s", t->name, what);
		diag_hint(c->diag, "give the table an entry, or leave this "
				   "out");
		return true;
	}
	return false;
}
