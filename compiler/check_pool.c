/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_pool.c: the written addresses behind nat-to, rdr-to, route-to ... ->
 * what one expanded rule uses: one address, or one table of them. As in pf, a
 * rule without a family takes that of its pool.
 */
#include "check_internal.h"

#include <ctype.h>
#include <md5.h>
#include <string.h>

#define PORT_MAX 65535
#define HASH_KEY_HEX 32

static bool is_routing(enum check_pool_kind kind)
{
	return kind == POOL_ROUTE || kind == POOL_REPLY || kind == POOL_DUP;
}

/* ---- written pools -> resolved pools --------------------------------------
 */

static bool ports_resolve(struct check *c, struct check_pool *out)
{
	const struct ast_pool *p = out->ast;

	if (p->port_kind == AST_POOL_PORT_NONE)
		return true;
	out->port_first = out->port_last =
		names_port_number(c, &p->port_first, "tcp");
	if (p->port_kind == AST_POOL_PORT_RANGE)
		out->port_last = names_port_number(c, &p->port_last, "tcp");
	return out->port_first >= 0 && out->port_last >= 0;
}

static bool pool_is_sound(struct check *c, const struct check_pool *p,
			  enum check_pool_kind kind)
{
	const char *wrong = NULL;

	if (p->ast->is_static_port && kind != POOL_NAT)
		wrong = "\"static-port\" is only for nat-to";
	for (size_t i = 0; i < p->hosts.count; i++) {
		const struct ast_host *h = &p->hosts.items[i].ast;

		if (h->kind == AST_HOST_ANY || h->kind == AST_HOST_NO_ROUTE ||
		    h->kind == AST_HOST_URPF_FAILED ||
		    h->kind == AST_HOST_ROUTE)
			wrong = "this is no address to send packets to";
		else if (h->is_negated)
			wrong = "a pool has no negated members";
		else if (h->iface && !is_routing(kind))
			wrong = "\"@interface\" is only for routing";
		else if (h->kind == AST_HOST_TABLE && kind == POOL_BINAT)
			wrong = "a table can not be where binat-to leads";
	}
	if (wrong)
		diag_error(c->diag, p->ast->span, "type", "%s", wrong);
	return !wrong;
}

/*
 * What of an interface's addresses is link-local leads nowhere but to its link:
 * behind from, it goes out of a pool that packets are translated to.
 */
static void drop_link_local(struct check_hosts *hosts, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < hosts->count; i++) {
		const struct ast_host *h = &hosts->items[i].ast;

		if (h->family != FAMILY_IPV6 || !addr_is_link_local6(&h->first))
			hosts->items[kept++] = hosts->items[i];
	}
	hosts->count = kept;
}

static bool pool_resolve(struct check *c, const struct ast_pool *written,
			 enum check_pool_kind kind, struct check_pool *out)
{
	bool ok = true;

	out->ast = written;
	if (!written)
		return true;
	for (const struct ast_host *h = written->hosts; h; h = h->next) {
		size_t before = out->hosts.count;

		ok &= host_resolve(c, h, &out->hosts);
		if (h->kind == AST_HOST_NAME && !c->is_pf && !is_routing(kind))
			drop_link_local(&out->hosts, before);
	}
	return ok & ports_resolve(c, out) && pool_is_sound(c, out, kind);
}

bool pools_resolve(struct check *c, const struct ast_effects *e,
		   struct check_pools *out)
{
	bool ok = true;

	memset(out, 0, sizeof(*out));
	out->ast = e;
	if (!e)
		return true;
	ok &= pool_resolve(c, e->nat, POOL_NAT, &out->of[POOL_NAT]);
	ok &= pool_resolve(c, e->rdr, POOL_RDR, &out->of[POOL_RDR]);
	ok &= pool_resolve(c, e->binat, POOL_BINAT, &out->of[POOL_BINAT]);
	ok &= pool_resolve(c, e->route_to, POOL_ROUTE, &out->of[POOL_ROUTE]);
	ok &= pool_resolve(c, e->reply_to, POOL_REPLY, &out->of[POOL_REPLY]);
	ok &= pool_resolve(c, e->dup_to, POOL_DUP, &out->of[POOL_DUP]);
	ok &= pool_resolve(c, e->af_from, POOL_AF_FROM, &out->of[POOL_AF_FROM]);
	ok &= pool_resolve(c, e->af_dst, POOL_AF_DST, &out->of[POOL_AF_DST]);
	return ok;
}

/* ---- resolved pools -> one rule's ------------------------------------------
 */

/* Several addresses in one: what a type of pool chooses from. */
static bool is_multiple(const struct ast_host *h)
{
	size_t len;

	if (h->kind == AST_HOST_TABLE)
		return true;
	if (h->kind != AST_HOST_DYNAMIC)
		return false;
	len = strlen(h->name);
	return !(h->modifiers & AST_MOD_NO_ALIAS) || len == 0 ||
	       !isdigit((unsigned char)h->name[len - 1]); /* a group */
}

/* pf prints keys as numbers: the MD5 of a word, unless it is one. */
static const char *hash_key(struct check *c, const char *key)
{
	char hex[MD5_DIGEST_STRING_LENGTH];

	if (!key)
		return NULL;
	if (strncmp(key, "0x", 2) == 0 && strlen(key) == HASH_KEY_HEX + 2) {
		char *lower = arena_strndup(c->scratch, key, strlen(key));

		for (char *p = lower; *p; p++)
			*p |= *p >= 'A' && *p <= 'F' ? 0x20 : 0;
		return lower;
	}
	MD5Data((const uint8_t *)key, strlen(key), hex);
	return arena_printf(c->scratch, "0x%s", hex);
}

static void ports_finish(struct check *c, const struct check_pool *p,
			 const struct check_port *dport, struct ast_pool *out)
{
	int last = p->port_last;

	if (out->port_kind == AST_POOL_PORT_OPEN && dport)
		last += dport->port.last - dport->port.first;
	if (last > PORT_MAX) {
		diag_error(c->diag, out->port_first.span, "type",
			   "these ports end behind %d", PORT_MAX);
		last = PORT_MAX;
	}
	if (out->port_kind == AST_POOL_PORT_NONE)
		return;
	out->port_first =
		(struct ast_name){out->port_first.span, NULL, p->port_first};
	out->port_last = (struct ast_name){out->port_last.span, NULL, last};
	out->port_kind =
		last == p->port_first ? AST_POOL_PORT_ONE : AST_POOL_PORT_RANGE;
}

static bool type_finish(struct check *c, struct ast_pool *out, bool is_many)
{
	if (!is_many)
		return true;
	if (out->type == AST_POOL_PLAIN)
		out->type = AST_POOL_ROUND_ROBIN;
	if (out->type != AST_POOL_BITMASK)
		return true;
	diag_error(c->diag, out->span, "type",
		   "\"bitmask\" takes one prefix, no table or interface");
	return false;
}

/* The members of p that a rule of family may use, in a list. */
static struct ast_host *members_of(struct check *c, const struct check_pool *p,
				   enum addr_family family, size_t *count)
{
	struct ast_host *first = NULL, **tail = &first;

	*count = 0;
	for (size_t i = 0; i < p->hosts.count; i++) {
		const struct check_host *h = &p->hosts.items[i];

		if (family && h->family && h->family != family)
			continue;
		*tail = arena_new_of(c->scratch, struct ast_host);
		**tail = h->ast;
		(*tail)->next = NULL;
		tail = &(*tail)->next;
		++*count;
	}
	return first;
}

static bool all_are_addresses(const struct ast_host *h)
{
	for (; h; h = h->next)
		if (h->kind != AST_HOST_PREFIX)
			return false;
	return true;
}

static bool has_routes(const struct ast_host *h)
{
	for (; h; h = h->next)
		if (h->iface || h->weight)
			return true;
	return false;
}

static enum addr_family members_family(const struct ast_host *first)
{
	for (const struct ast_host *h = first; h; h = h->next)
		if (h->kind != AST_HOST_PREFIX && h->kind != AST_HOST_RANGE)
			return FAMILY_ANY;
		else if (h->family != first->family)
			return FAMILY_ANY;
	return first->family;
}

static bool many_finish(struct check *c, struct ast_pool *out)
{
	struct ast_host *table;

	if (!all_are_addresses(out->hosts)) {
		diag_error(c->diag, out->span, "type",
			   "a pool has several addresses, or one table or "
			   "interface");
		return false;
	}
	if (has_routes(out->hosts))
		return true; /* a table would lose them */
	table = arena_new_of(c->scratch, struct ast_host);
	table->kind = AST_HOST_TABLE;
	table->span = out->span;
	table->prefix_len = -1;
	table->name = tables_automatic(c, out->hosts);
	out->hosts = table;
	return true;
}

static struct ast_pool *pool_collapse(struct check *c,
				      const struct check_pool *p,
				      enum check_pool_kind kind,
				      enum addr_family want,
				      enum addr_family *family)
{
	struct ast_pool *out;
	size_t count;

	if (!p->ast)
		return NULL;
	out = arena_new_of(c->scratch, struct ast_pool);
	*out = *p->ast;
	out->hosts = members_of(c, p, want, &count);
	if (count == 0) {
		diag_error(c->diag, p->ast->span, "type",
			   "no address here is of the rule's family");
		return NULL;
	}
	if (family && !*family)
		*family = members_family(out->hosts);
	if (count > 1 && !many_finish(c, out))
		return NULL;
	out->hash_key = hash_key(c, out->hash_key);
	return type_finish(c, out, count > 1 || is_multiple(out->hosts)) ||
			       kind == POOL_BINAT
		       ? out
		       : NULL;
}

bool pools_collapse(struct check *c, const struct check_pools *pools,
		    const struct check_port *dport, enum addr_family *family,
		    struct ast_effects *out)
{
	struct ast_pool *made[POOL_COUNT];

	memset(out, 0, sizeof(*out));
	if (!pools->ast)
		return true;
	*out = *pools->ast;
	for (int i = 0; i < POOL_COUNT; i++) {
		const struct check_pool *p = &pools->of[i];
		bool is_af = i == POOL_AF_FROM || i == POOL_AF_DST;

		made[i] = pool_collapse(c, p, (enum check_pool_kind)i,
					is_af	     ? out->af_to
					: out->af_to ? FAMILY_ANY
						     : *family,
					is_af || out->af_to ? NULL : family);
		if (p->ast && !made[i])
			return false;
		if (p->ast)
			ports_finish(c, p, dport, made[i]);
	}
	out->nat = made[POOL_NAT];
	out->rdr = made[POOL_RDR];
	out->binat = made[POOL_BINAT];
	out->route_to = made[POOL_ROUTE];
	out->reply_to = made[POOL_REPLY];
	out->dup_to = made[POOL_DUP];
	out->af_from = made[POOL_AF_FROM];
	out->af_dst = made[POOL_AF_DST];
	return true;
}
