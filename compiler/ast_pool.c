/* SPDX-License-Identifier: BSD-2-Clause */
/* ast_pool.c: words with spans -> pools: what addresses and routes change to.
 */
#include "construct.h"

#include <string.h>

#define PORT_MAX 65535
#define WEIGHT_MAX 65535
#define HASH_KEY_DIGITS 32 /* behind 0x */

struct ast_host *host_gateway(struct front *f, struct ast_host *host)
{
	const char *at =
		host->kind == AST_HOST_NAME ? strchr(host->name, '@') : NULL;
	if (!at)
		return host;
	size_t len = (size_t)(at - host->name);
	if (!len || !at[1]) {
		diag_error(f->diag, host->span, "parse",
			   "\"%s\" lacks an address before \"@\" or an "
			   "interface behind it",
			   host->name);
		return host_any(f, host->span);
	}
	struct ast_host *address = host_word(
		f, host->span, arena_strndup(f->arena, host->name, len));
	address->iface = at + 1;
	return address;
}

struct ast_host *host_via(struct front *f, struct span span,
			  struct span iface_span, const char *iface,
			  struct ast_host *host)
{
	/* Says when the name can not be one. */
	iface_new(f, iface_span, iface);
	host->span = span;
	host->iface = iface;
	return host;
}

struct ast_host *host_weight(struct front *f, struct ast_host *host,
			     struct span span, const char *weight)
{
	host->weight =
		(uint16_t)text_number(f, span, weight, "weight", 1, WEIGHT_MAX);
	return host;
}

struct ast_pool *pool_new(struct front *f, struct span span, struct list hosts)
{
	struct ast_pool *pool = arena_new_of(f->arena, struct ast_pool);
	pool->span = span;
	pool->hosts = hosts.first;
	return pool;
}

/* 500, 1000:2000, or 8000:* */
struct ast_pool *pool_port(struct front *f, struct ast_pool *pool,
			   struct span span, const char *text)
{
	const char *colon = strchr(text, ':');
	if (!colon) {
		pool->port_kind = AST_POOL_PORT_ONE;
		pool->port_first = name_new(f, span, text, "port", PORT_MAX);
		return pool;
	}
	size_t at = (size_t)(colon - text);
	pool->port_first =
		name_new(f, part_span(span, text, 0, at),
			 arena_strndup(f->arena, text, at), "port", PORT_MAX);
	pool->port_kind = AST_POOL_PORT_OPEN;
	if (!strcmp(colon + 1, "*"))
		return pool;
	pool->port_kind = AST_POOL_PORT_RANGE;
	pool->port_last =
		name_new(f, part_span(span, text, at + 1, strlen(text)),
			 colon + 1, "port", PORT_MAX);
	return pool;
}

struct ast_pool *pool_type(struct front *f, struct ast_pool *pool,
			   struct span span, enum ast_pool_type type)
{
	if (pool->type != AST_POOL_PLAIN)
		diag_error(f->diag, span, "parse",
			   "a pool has one way to choose an address");
	pool->type = type;
	return pool;
}

struct ast_pool *pool_hash(struct front *f, struct ast_pool *pool,
			   struct span at, struct span span, const char *key)
{
	const char *digits = "0123456789abcdefABCDEF";
	bool is_hex = !strncmp(key, "0x", 2);
	if (is_hex && (strlen(key) != 2 + HASH_KEY_DIGITS ||
		       strspn(key + 2, digits) != HASH_KEY_DIGITS))
		diag_error(f->diag, span, "parse",
			   "a hash key is 0x and %d hexadecimal digits, or "
			   "any other word",
			   HASH_KEY_DIGITS);
	pool->hash_key = key;
	pool->hash_key_span = span;
	return pool_type(f, pool, at, AST_POOL_SOURCE_HASH);
}

struct ast_pool *pool_sticky(struct front *f, struct ast_pool *pool,
			     struct span span)
{
	if (pool->is_sticky)
		diag_error(f->diag, span, "parse",
			   "\"sticky-address\" is given twice");
	pool->is_sticky = true;
	return pool;
}

struct ast_pool *pool_static(struct front *f, struct ast_pool *pool,
			     struct span span)
{
	if (pool->is_static_port)
		diag_error(f->diag, span, "parse",
			   "\"static-port\" is given twice");
	if (pool->port_kind != AST_POOL_PORT_NONE)
		diag_error(f->diag, span, "parse",
			   "\"static-port\" keeps the port, but the pool says "
			   "another");
	pool->is_static_port = true;
	return pool;
}
