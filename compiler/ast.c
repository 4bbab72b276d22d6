/* SPDX-License-Identifier: BSD-2-Clause */
/* ast.c: words with spans -> names, hosts, ports and lists of them. */
#include "front.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IFACE_NAME_MAX 15 /* IFNAMSIZ - 1 */
#define TABLE_NAME_MAX 31 /* pf's PF_TABLE_NAME_SIZE - 1 */

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

/* ---- names and numbers ---- */

/* Decimal or 0x, as pf; false when it is a name. Huge ones are INT64_MAX. */
static bool is_number(const char *text, int64_t *value)
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

/* what: "port". A number must be from 0 to max, a name may not be empty. */
static struct ast_name name_new(struct front *f, struct span span,
				const char *text, const char *what, int max)
{
	struct ast_name name = {.span = span, .text = text};
	int64_t value;
	if (is_number(text, &value)) {
		name.text = NULL;
		name.value = value;
		if (value > max) {
			diag_error(f->diag, span, "range",
				   "%s %s is out of range: 0 to %d", what, text,
				   max);
			name.value = max;
		}
	} else if (!*text) {
		diag_error(f->diag, span, "parse", "the %s is empty", what);
	}
	return name;
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

/* ---- hosts ---- */

static struct ast_host *host_new(struct front *f, struct span span,
				 enum ast_host_kind kind)
{
	struct ast_host *host = arena_new_of(f->arena, struct ast_host);
	host->span = span;
	host->kind = kind;
	host->prefix_len = -1;
	return host;
}

struct ast_host *host_any(struct front *f, struct span span)
{
	return host_new(f, span, AST_HOST_ANY);
}

/* Nothing but what an address is made of, so it is not a name. */
static bool is_like_address(const char *text)
{
	const char *colon = strchr(text, ':');
	bool has_digit_first = strchr("0123456789:", text[0]);
	if (strspn(text, "0123456789.") == strlen(text))
		return true;
	if (colon && strchr(colon + 1, ':'))
		return strspn(text, "0123456789abcdefABCDEF:.") == strlen(text);
	return colon && has_digit_first;
}

static struct ast_host *host_invalid(struct front *f, struct span span,
				     const char *text)
{
	bool is_ipv6 = strchr(text, ':') && !strchr(text, '.');
	if (!*text)
		diag_error(f->diag, span, "parse", "the address is empty");
	else if (!is_like_address(text))
		diag_error(f->diag, span, "parse", "\"%s\" is not an address",
			   text);
	else
		diag_error(f->diag, span, "parse",
			   "\"%s\" is not a valid %s address", text,
			   is_ipv6 ? "IPv6" : "IPv4");
	return host_any(f, span);
}

/* The part of a word from..to, or all of it when it came from a macro. */
static struct span part_span(struct span span, const char *word, size_t from,
			     size_t to)
{
	if (span.end - span.start != strlen(word))
		return span;
	return (struct span){span.start + (uint32_t)from,
			     span.start + (uint32_t)to};
}

/* "10.0.0.1-10.0.0.9" is one word, yet a range. */
static const char *range_dash(struct front *f, const char *text)
{
	const char *dash = strchr(text, '-');
	struct addr addr;
	enum addr_family family;
	if (!dash || addr_parse(dash + 1, &addr, &family))
		return NULL;
	char *first = arena_strndup(f->arena, text, (size_t)(dash - text));
	return addr_parse(first, &addr, &family) ? NULL : dash;
}

struct ast_host *host_word(struct front *f, struct span span, const char *text)
{
	struct addr addr;
	enum addr_family family;
	const char *dash;
	if (!addr_parse(text, &addr, &family)) {
		struct ast_host *host = host_new(f, span, AST_HOST_PREFIX);
		host->first = host->last = addr;
		host->family = family;
		return host;
	}
	if ((dash = range_dash(f, text))) {
		size_t at = (size_t)(dash - text), len = strlen(text);
		return host_range(f, part_span(span, text, 0, at),
				  arena_strndup(f->arena, text, at),
				  part_span(span, text, at + 1, len), dash + 1);
	}
	if (!*text || is_like_address(text))
		return host_invalid(f, span, text);
	if (strchr(text, '%')) {
		diag_error(f->diag, span, "unsupported",
			   "an address with a scope is not supported yet");
		return host_any(f, span);
	}
	struct ast_host *host = host_new(f, span, AST_HOST_NAME);
	host->name = text;
	return host;
}

/* pf's short form: 10/8 and 192.168/16 stand for 10.0.0.0/8 and so on. */
static const char *short_complete(struct front *f, const char *text)
{
	int dots = 0;
	for (const char *c = text; *c; c++)
		dots += *c == '.';
	if (strspn(text, "0123456789.") != strlen(text) || dots > 2)
		return text;
	return arena_printf(f->arena, "%s%s", text,
			    &".0.0.0"[2 * dots]);
}

static void prefix_check(struct front *f, const struct ast_host *host,
			 struct span span, const char *text, int64_t len)
{
	int max = host->kind == AST_HOST_PREFIX ? (int)addr_bits(host->family)
						: 128;
	if (len < 0)
		diag_error(f->diag, span, "parse",
			   "\"%s\" is not a prefix length: 0 to %d", text, max);
	else if (len > max)
		diag_error(f->diag, span, "range",
			   "prefix length %s is out of range: 0 to %d", text,
			   max);
}

struct ast_host *host_prefix(struct front *f, struct span span,
			     const char *text, struct span len_span,
			     const char *len_text)
{
	struct ast_host *host = host_word(f, span, short_complete(f, text));
	int64_t len;
	if (host->kind == AST_HOST_ANY)
		return host;
	if (!is_number(len_text, &len))
		len = -1;
	prefix_check(f, host, len_span, len_text, len);
	if (host->kind == AST_HOST_RANGE) {
		diag_error(f->diag, span, "parse",
			   "a range can not have a prefix length");
		return host;
	}
	bool is_valid = len >= 0 && len <= 128;
	host->prefix_len = is_valid ? (int)len : -1;
	if (host->kind == AST_HOST_PREFIX && is_valid &&
	    len <= addr_bits(host->family)) {
		host->first =
			addr_first(host->first, host->family, (unsigned)len);
		host->last = addr_last(host->last, host->family, (unsigned)len);
	}
	return host;
}

struct ast_host *host_range(struct front *f, struct span span,
			    const char *first, struct span last_span,
			    const char *last)
{
	struct ast_host *host =
		host_new(f, span_join(span, last_span), AST_HOST_RANGE);
	enum addr_family last_family;
	if (addr_parse(first, &host->first, &host->family))
		return host_invalid(f, span, first);
	if (addr_parse(last, &host->last, &last_family))
		return host_invalid(f, last_span, last);
	if (host->family != last_family)
		diag_error(f->diag, host->span, "type",
			   "the ends of a range are of two families");
	else if (addr_compare(&host->first, &host->last) > 0)
		diag_error(f->diag, host->span, "range",
			   "the range is empty: it ends before it starts");
	return host;
}

struct ast_host *host_table(struct front *f, struct span span, const char *name)
{
	struct ast_host *host = host_new(f, span, AST_HOST_TABLE);
	host->name = name;
	if (strlen(name) > TABLE_NAME_MAX)
		diag_error(f->diag, span, "range",
			   "table name is too long: at most %d bytes",
			   TABLE_NAME_MAX);
	return host;
}

struct ast_host *host_negate(struct ast_host *host, struct span span)
{
	host->is_negated = true;
	host->span = span_join(span, host->span);
	return host;
}

/* ---- ports ---- */

struct ast_port *port_unary(struct front *f, struct span span,
			    enum ast_port_op op, struct span word_span,
			    const char *text)
{
	struct ast_port *port = arena_new_of(f->arena, struct ast_port);
	port->span = span;
	port->op = op;
	port->first = name_new(f, word_span, text, "port", 65535);
	return port;
}

struct ast_port *port_binary(struct front *f, struct span span,
			     enum ast_port_op op, struct span first_span,
			     const char *first, struct span last_span,
			     const char *last)
{
	struct ast_port *port = port_unary(f, span, op, first_span, first);
	port->last = name_new(f, last_span, last, "port", 65535);
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
