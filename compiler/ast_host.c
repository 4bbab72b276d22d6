/* SPDX-License-Identifier: BSD-2-Clause */
/* ast_host.c: words with spans -> hosts: what stands behind from and to. */
#include "construct.h"

#include <string.h>

#define TABLE_NAME_MAX 31  /* pf's PF_TABLE_NAME_SIZE - 1 */
#define ROUTE_LABEL_MAX 31 /* pf's RTLABEL_LEN - 1 */

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

/* fe80::1%eth0 */
static struct ast_host *host_scoped(struct front *f, struct span span,
				    const char *text)
{
	const char *percent = strchr(text, '%');
	struct ast_host *host = host_new(f, span, AST_HOST_PREFIX);
	char *address = arena_strndup(f->arena, text, (size_t)(percent - text));
	if (addr_parse(address, &host->first, &host->family) ||
	    host->family != FAMILY_IPV6 || !percent[1])
		return host_invalid(f, span, text);
	host->last = host->first;
	host->scope = percent + 1;
	return host;
}

/* The modifier that text is, or 0. */
static unsigned modifier_of(const char *text)
{
	static const struct {
		const char *text;
		unsigned modifier;
	} known[] = {{"network", AST_MOD_NETWORK},
		     {"broadcast", AST_MOD_BROADCAST},
		     {"peer", AST_MOD_PEER},
		     {"lan", AST_MOD_LAN},
		     {"0", AST_MOD_NO_ALIAS}};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!strcmp(known[i].text, text))
			return known[i].modifier;
	}
	return 0;
}

static void modifiers_check(struct front *f, struct span span,
			    const struct ast_host *host)
{
	unsigned which = host->modifiers & (unsigned)~AST_MOD_NO_ALIAS;
	if (which & (which - 1))
		diag_error(f->diag, span, "type",
			   "an interface's name has one of :network, "
			   ":lan, :broadcast and :peer");
}

/* eth0:network:0 */
static struct ast_host *host_name(struct front *f, struct span span,
				  enum ast_host_kind kind, const char *text)
{
	struct ast_host *host = host_new(f, span, kind);
	const char *colon = strchr(text, ':');
	host->name = text;
	/* addr@if is taken apart where it may stand. */
	if (!colon || strchr(text, '@'))
		return host;
	host->name = arena_strndup(f->arena, text, (size_t)(colon - text));
	while (colon) {
		const char *next = strchr(colon + 1, ':');
		size_t len =
			next ? (size_t)(next - colon - 1) : strlen(colon + 1);
		char *word = arena_strndup(f->arena, colon + 1, len);
		unsigned modifier = modifier_of(word);
		host->modifiers |= modifier;
		if (!modifier) {
			diag_error(f->diag, span, "parse",
				   "\":%s\" says nothing of an interface: "
				   ":network, :lan, :broadcast, :peer or "
				   ":0",
				   word);
			break;
		}
		colon = next;
	}
	modifiers_check(f, span, host);
	return host;
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
	if (strchr(text, '%'))
		return host_scoped(f, span, text);
	return host_name(f, span, AST_HOST_NAME, text);
}

/* pf's short form: 10/8 and 192.168/16 stand for 10.0.0.0/8 and so on. */
static const char *short_complete(struct front *f, const char *text)
{
	int dots = 0;
	for (const char *c = text; *c; c++)
		dots += *c == '.';
	if (strspn(text, "0123456789.") != strlen(text) || dots > 2)
		return text;
	return arena_printf(f->arena, "%s%s", text, &".0.0.0"[2 * dots]);
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
	else if (host->modifiers &
		 (AST_MOD_NETWORK | AST_MOD_LAN | AST_MOD_BROADCAST))
		diag_error(f->diag, span, "type",
			   ":network, :lan and :broadcast have a prefix length "
			   "of their own");
}

struct ast_host *host_length(struct front *f, struct ast_host *host,
			     struct span len_span, const char *len_text)
{
	const char *at = strchr(len_text, '@');
	int64_t len;
	if (host->kind == AST_HOST_ANY)
		return host;
	if (at && at[1]) {
		host->iface = at + 1;
		len_text = arena_strndup(f->arena, len_text,
					 (size_t)(at - len_text));
	}
	if (!text_is_number(len_text, &len))
		len = -1;
	prefix_check(f, host, len_span, len_text, len);
	if (host->kind == AST_HOST_RANGE) {
		diag_error(f->diag, span_join(host->span, len_span), "parse",
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

struct ast_host *host_prefix(struct front *f, struct span span,
			     const char *text, struct span len_span,
			     const char *len_text)
{
	struct ast_host *host = host_word(f, span, short_complete(f, text));
	return host_length(f, host, len_span, len_text);
}

/* pf's rule, as "(1.2.3.4)" is a macro used for another. */
struct ast_host *host_dynamic(struct front *f, struct span span,
			      struct span name_span, const char *name)
{
	bool is_name = (*name >= 'a' && *name <= 'z') ||
		       (*name >= 'A' && *name <= 'Z') || *name == '_';
	if (is_name) {
		struct ast_host *host =
			host_name(f, name_span, AST_HOST_DYNAMIC, name);
		host->span = span;
		return host;
	}
	diag_error(f->diag, name_span, "parse",
		   "\"%s\" is no interface's name: it must start with a "
		   "letter",
		   name);
	return host_any(f, span);
}

struct ast_host *host_special(struct front *f, struct span span,
			      enum ast_host_kind kind, const char *name)
{
	struct ast_host *host = host_new(f, span, kind);
	host->name = name;
	if (kind == AST_HOST_ROUTE)
		name_check(f, span, name, "route label", ROUTE_LABEL_MAX);
	else if (kind == AST_HOST_DNS)
		name_check(f, span, name, "host name", 253);
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
