/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_host.c: one written host -> addresses, prefixes, ranges or tables of
 * one family each. A name is an interface, which stands for its addresses, one
 * member an address, as in pf; the DNS is never asked.
 */
#include "check_internal.h"

#include <ctype.h>
#include <string.h>

static struct check_host *host_push(struct check *c, struct check_hosts *list)
{
	struct check_host *h;

	list->items = arena_grow(c->scratch, list->items, list->count,
				 &list->capacity, sizeof(*list->items));
	h = &list->items[list->count++];
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
	out->scope = h->scope; /* pf's rules say it by "on" */
	h->scope = NULL;
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

static bool table_finish(struct check_host *out, int index)
{
	if (index < 0)
		return false;
	out->host = (struct policy_host){
		.kind = POLICY_HOST_TABLE,
		.is_negated = out->ast.is_negated,
		.table = (uint32_t)index,
	};
	return true;
}

/* ---- names ----------------------------------------------------------------
 */

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

/* fe80::1%eth0, where the parser left it as a name. */
static bool scoped_finish(struct check *c, const struct ast_host *h,
			  struct check_host *out)
{
	size_t len = strcspn(h->name, "%");

	out->ast = *h;
	out->ast.next = NULL;
	if (!h->name[len] || addr_parse(arena_strndup(c->scratch, h->name, len),
					&out->ast.first, &out->ast.family) != 0)
		return false;
	out->ast.kind = AST_HOST_PREFIX;
	out->ast.scope = h->name + len + 1;
	return prefix_finish(c, out);
}

static bool is_link_local(const struct host_addr *a)
{
	return a->family == FAMILY_IPV6 && addr_is_link_local6(&a->addr);
}

static bool is_zero(const struct addr *a)
{
	return !(a->w[0] | a->w[1] | a->w[2] | a->w[3]);
}

/* pf's choice among an interface's addresses, by modifiers. */
static bool addr_of_iface(const struct host_addr *a, unsigned modifiers,
			  bool seen[3], struct ast_host *out)
{
	bool was_seen = seen[a->family];

	if ((modifiers & AST_MOD_BROADCAST) &&
	    (a->family != FAMILY_IPV4 || is_zero(&a->broadcast)))
		return false;
	if ((modifiers & AST_MOD_PEER) && is_zero(&a->peer))
		return false;
	if (is_link_local(a) &&
	    (modifiers & (AST_MOD_NETWORK | AST_MOD_NO_ALIAS)))
		return false;
	if (modifiers & (AST_MOD_PORTAL | AST_MOD_PORTAL_DNS))
		return false;
	/* What a server may have made up is not cut, but nothing. */
	if ((modifiers & AST_MOD_LAN) &&
	    !addr_is_private(&a->addr, a->family, a->prefix_len))
		return false;
	seen[a->family] = true;
	if ((modifiers & AST_MOD_NO_ALIAS) && was_seen)
		return false;
	out->family = a->family;
	out->first = modifiers & AST_MOD_BROADCAST ? a->broadcast
		     : modifiers & AST_MOD_PEER	   ? a->peer
						   : a->addr;
	if ((modifiers & (AST_MOD_NETWORK | AST_MOD_LAN)) &&
	    out->prefix_len < 0)
		out->prefix_len = a->prefix_len;
	return true;
}

size_t hosts_of_iface(const struct host_iface *iface, unsigned modifiers,
		      int prefix_len, struct ast_host *out, size_t max)
{
	bool seen[3] = {false};
	size_t count = 0;

	for (size_t i = 0; i < iface->addr_count && count < max; i++) {
		out[count] = (struct ast_host){
			.kind = AST_HOST_PREFIX,
			.prefix_len = prefix_len,
			.scope = is_link_local(&iface->addrs[i]) ? iface->name
								 : NULL,
		};
		count += addr_of_iface(&iface->addrs[i], modifiers, seen,
				       &out[count]);
	}
	return count;
}

static bool addrs_push(struct check *c, const struct ast_host *written,
		       const struct ast_host *found, size_t count,
		       struct check_hosts *list)
{
	bool ok = true;

	for (size_t i = 0; i < count; i++) {
		struct check_host *item = host_push(c, list);

		item->ast = found[i];
		item->ast.span = written->span;
		item->ast.is_negated = written->is_negated;
		item->ast.iface = written->iface;
		item->ast.weight = written->weight;
		ok &= prefix_finish(c, item);
	}
	return ok;
}

static bool iface_push(struct check *c, const struct ast_host *h,
		       const struct host_iface *iface, struct check_hosts *list)
{
	struct ast_host *found = arena_alloc(
		c->scratch, (iface->addr_count + 1) * sizeof(*found));
	size_t count = hosts_of_iface(iface, h->modifiers, h->prefix_len, found,
				      iface->addr_count);
	size_t before = list->count;
	bool ok = addrs_push(c, h, found, count, list);

	for (size_t i = before; i < list->count; i++)
		list->items[i].iface = h;
	return ok;
}

/* A name of /etc/hosts, where pf would ask the DNS. */
static bool lookup_push(struct check *c, const struct ast_host *h,
			struct check_hosts *list)
{
	struct host_addr *addrs;
	size_t count = host_lookup(c->host, c->scratch, h->name, &addrs);
	struct ast_host found;

	for (size_t i = 0; i < count; i++) {
		found = (struct ast_host){
			.kind = AST_HOST_PREFIX,
			.family = addrs[i].family,
			.first = addrs[i].addr,
			.prefix_len = h->prefix_len,
		};
		if (!addrs_push(c, h, &found, 1, list))
			return false;
	}
	return count > 0;
}

static bool self_push(struct check *c, const struct ast_host *h,
		      struct check_hosts *list)
{
	size_t count;
	const char *const *names = host_iface_names(c->host, &count);
	bool ok = true;

	for (size_t i = 0; i < count; i++)
		ok &= iface_push(c, h, host_iface(c->host, names[i]), list);
	return ok;
}

bool hosts_of_name(struct check *c, const struct ast_host *h,
		   struct check_hosts *list)
{
	const struct host_iface *iface = host_iface(c->host, h->name);
	struct check_host scoped = {0};
	size_t before = list->count;

	if (strcmp(h->name, "self") == 0)
		return self_push(c, h, list);
	if (!iface) {
		if (scoped_finish(c, h, &scoped)) {
			*host_push(c, list) = scoped;
			return true;
		}
		if (c->is_pf && !h->modifiers && lookup_push(c, h, list)) {
			check_differs(c, h->span,
				      "a name of a host; nfr takes it only as "
				      "dns \"name\"");
			return true;
		}
		unknown_name(c, h);
		return false;
	}
	if (!iface_push(c, h, iface, list))
		return false;
	if (list->count > before)
		return true;
	diag_error(c->diag, h->span, "name", "the interface \"%s\" has no %s",
		   h->name, h->modifiers ? "such address" : "address now");
	diag_hint(c->diag, "\"(%s)\" is what it has at run time", h->name);
	return false;
}

static bool dns_push(struct check *c, const struct ast_host *h,
		     struct check_hosts *list)
{
	if (lookup_push(c, h, list))
		return true;
	diag_error(c->diag, h->span, "name",
		   "\"%s\" is not in /etc/hosts, and the DNS is not asked",
		   h->name);
	diag_hint(c->diag, "a policy must mean the same whoever answers; "
			   "write the addresses into a table's file");
	return false;
}

/* ---- one host ---------------------------------------------------------------
 */

static bool dynamic_finish(struct check *c, struct check_host *out)
{
	const struct ast_host *h = &out->ast;

	if (!isalpha((unsigned char)h->name[0]) && h->name[0] != '_') {
		diag_error(c->diag, h->span, "name",
			   "\"(%s)\" is no interface's name", h->name);
		diag_hint(c->diag, "parentheses are for interfaces; an address "
				   "stands without");
		return false;
	}
	if (strcmp(h->name, "self") != 0 &&
	    !names_iface_exists(c, h->name, h->span))
		return false;
	return table_finish(out, tables_dynamic(c, h));
}

static bool special_finish(struct check *c, struct check_host *out,
			   enum feature feature, enum policy_host_kind kind)
{
	feature_note(c, feature, out->ast.span);
	out->host = (struct policy_host){
		.kind = kind,
		.is_negated = out->ast.is_negated,
		.label = kind == POLICY_HOST_ROUTE
				 ? arena_strdup(c->arena, out->ast.name)
				 : NULL,
	};
	out->is_special = true;
	return true;
}

bool host_resolve(struct check *c, const struct ast_host *h,
		  struct check_hosts *list)
{
	struct check_host *out;
	bool is_self = h->kind == AST_HOST_NAME && !c->is_pf &&
		       strcmp(h->name, "self") == 0;

	if (h->kind == AST_HOST_NAME && !is_self)
		return hosts_of_name(c, h, list);
	if (h->kind == AST_HOST_DNS)
		return dns_push(c, h, list);
	out = host_push(c, list);
	out->ast = *h;
	out->ast.next = NULL;
	switch (h->kind) {
	case AST_HOST_PREFIX:
		return prefix_finish(c, out);
	case AST_HOST_RANGE:
		return range_finish(out);
	case AST_HOST_TABLE:
		return table_finish(out, tables_find(c, h->name, h->span));
	case AST_HOST_NAME:
		return table_finish(out, tables_dynamic(c, h));
	case AST_HOST_DYNAMIC:
		return dynamic_finish(c, out);
	case AST_HOST_NO_ROUTE:
		return special_finish(c, out, FEATURE_NO_ROUTE,
				      POLICY_HOST_NO_ROUTE);
	case AST_HOST_URPF_FAILED:
		return special_finish(c, out, FEATURE_URPF_FAILED,
				      POLICY_HOST_URPF_FAILED);
	case AST_HOST_ROUTE:
		return special_finish(c, out, FEATURE_ROUTE, POLICY_HOST_ROUTE);
	case AST_HOST_ANY:
	case AST_HOST_DNS:
	case AST_HOST_FILE:
		break;
	}
	if (h->is_negated)
		diag_error(c->diag, h->span, "type",
			   "\"! any\" is no address at all");
	return !h->is_negated;
}

/* ---- lists ------------------------------------------------------------------
 */

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
static void warn_negated(struct check *c, const struct check_hosts *list,
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
	struct check_hosts list = {0};
	bool ok = true;

	for (const struct ast_host *h = first; h; h = h->next) {
		if (h->iface) {
			diag_error(c->diag, h->span, "type",
				   "\"@%s\" is only for where packets are "
				   "routed to",
				   h->iface);
			ok = false;
		}
		ok &= host_resolve(c, h, &list);
	}
	if (ok && !c->is_pf)
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
		if (c->is_pf && (t->entry_count == 0 || t->is_dynamic))
			check_differs(c, hosts[i].ast.span,
				      "while this is empty it opens the rule "
				      "to every address; nfr refuses it");
		if (c->is_pf)
			continue;
		if (t->is_dynamic && is_negated) {
			diag_error(c->diag, hosts[i].ast.span, "fails-open",
				   "while \"%s\" has no address, %s", t->name,
				   what);
			diag_hint(c->diag,
				  "write what it may reach, not what it may "
				  "not; or block \"%s\" before",
				  t->name);
			return true;
		}
		if (t->is_dynamic || t->entry_count)
			continue;
		diag_error(c->diag, hosts[i].ast.span, "fails-open",
			   "the table <%s> is empty, so %s", t->name, what);
		diag_hint(c->diag, "give the table an entry, or leave this "
				   "out");
		return true;
	}
	return false;
}
