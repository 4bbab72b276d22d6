/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_names.c: one written interface, protocol, port or icmp type -> its
 * numbers, or an error with a suggestion.
 */
#include "check_internal.h"

#include <net/if.h>
#include <string.h>

#define PORT_MAX 65535
#define ICMP_NAMES_MAX 32

bool names_is_loopback(const struct check *c, const char *name)
{
	const struct host_iface *iface = host_iface(c->host, name);

	return iface && iface->is_loopback;
}

uint16_t names_ifid(struct check *c, const char *name, struct span span)
{
	struct policy *p = c->policy;

	for (size_t i = 0; i < p->iface_count; i++)
		if (strcmp(p->ifaces[i].name, name) == 0)
			return (uint16_t)(i + 1);
	if (p->iface_count == NFR_IFACE_MAX) {
		diag_error(c->diag, span, "limit",
			   "a policy names at most %u interfaces",
			   NFR_IFACE_MAX);
		return 0;
	}
	p->ifaces = arena_grow(c->arena, p->ifaces, p->iface_count,
			       &c->iface_capacity, sizeof(*p->ifaces));
	p->ifaces[p->iface_count] = (struct policy_iface){
		.name = arena_strdup(c->arena, name),
		.is_loopback = names_is_loopback(c, name),
	};
	return (uint16_t)++p->iface_count;
}

bool names_is_tunnel(const struct check *c, const char *name)
{
	return c->tunnel && c->tunnel->tunnel.device &&
	       strcmp(c->tunnel->tunnel.device->name, name) == 0;
}

static void unknown_iface(struct check *c, const char *name, struct span span)
{
	size_t count;
	const char *const *names = host_iface_names(c->host, &count);
	const char *near = diag_nearest(name, names, count);

	if (strcmp(name, "egress") == 0) {
		diag_error(c->diag, span, "egress",
			   c->is_block
				   ? "\"egress\" follows the default route, so "
				     "this stops blocking when it moves"
				   : "\"egress\" is whatever has the default "
				     "route, and that may be the tunnel");
		diag_hint(c->diag, "name the uplink, or use "
				   "\"tunnel ... over any\"");
		return;
	}
	diag_warning(c->diag, span, WARN_UNKNOWN_INTERFACE,
		     "unknown interface \"%s\"", name);
	if (near)
		diag_inline_hint(c->diag, "did you mean \"%s\"?", near);
	diag_hint(c->diag, "-Wno-unknown-interface is for an interface that "
			   "appears later");
}

bool names_iface_exists(struct check *c, const char *name, struct span span)
{
	if (strlen(name) >= IF_NAMESIZE) {
		diag_error(c->diag, span, "name",
			   "an interface's name has at most %d letters",
			   IF_NAMESIZE - 1);
		return false;
	}
	if (host_iface(c->host, name) || names_is_tunnel(c, name))
		return true;
	if (!c->is_pf)
		unknown_iface(c, name, span);
	check_differs(c, span,
		      "nfr refuses an interface that this host does not have");
	return true;
}

/*
 * pf.conf(5): "any" is every interface but loopback ones. A Linux namespace has
 * one of these.
 */
static bool any_finish(struct check *c, struct check_iface *out)
{
	size_t count, found = 0;
	const char *const *names = host_iface_names(c->host, &count);
	const char *loopback = "lo";

	for (size_t i = 0; i < count; i++)
		if (names_is_loopback(c, names[i])) {
			loopback = names[i];
			found++;
		}
	if (found > 1) {
		diag_error(c->diag, out->ast.span, "limit",
			   "\"any\" is not loopback, and this host has %zu "
			   "loopback interfaces",
			   found);
		diag_hint(c->diag, "name the interfaces");
		return false;
	}
	out->is_word_any = true;
	out->ifid = names_ifid(c, loopback, out->ast.span);
	if (out->ifid)
		c->policy->ifaces[out->ifid - 1].is_loopback = true;
	return out->ifid != 0;
}

bool names_iface(struct check *c, const struct ast_iface *written,
		 struct check_iface *out)
{
	*out = (struct check_iface){.ast = *written};
	out->ast.next = NULL;
	if (written->is_rdomain) {
		feature_note(c, FEATURE_RDOMAIN, written->span);
		out->is_any = true;
		return true;
	}
	if (strcmp(written->name, "any") == 0) {
		if (written->is_negated)
			diag_error(c->diag, written->span, "type",
				   "\"! any\" is no interface at all");
		return !written->is_negated && any_finish(c, out);
	}
	if (!names_iface_exists(c, written->name, written->span))
		return false;
	out->ifid = names_ifid(c, written->name, written->span);
	return out->ifid != 0;
}

/* ---- users and groups --------------------------------------------------- */

static bool id_number(struct check *c, struct ast_name *name, bool is_group,
		      enum ast_port_op op)
{
	const char *what = is_group ? "group" : "user";
	const char *const *names;
	const char *near;
	size_t count;

	if (!name->text)
		return true;
	if (strcmp(name->text, "unknown") == 0) {
		if (op == AST_PORT_EQ || op == AST_PORT_NE)
			return true;
		diag_error(c->diag, name->span, "type",
			   "\"unknown\" goes with = and != only");
		return false;
	}
	name->value = is_group ? host_group(c->host, name->text)
			       : host_user(c->host, name->text);
	if (name->value >= 0) {
		name->text = NULL;
		return true;
	}
	names = host_user_names(c->host, c->scratch, is_group, &count);
	near = diag_nearest(name->text, names, count);
	diag_error(c->diag, name->span, "name", "unknown %s \"%s\"", what,
		   name->text);
	if (near)
		diag_inline_hint(c->diag, "did you mean \"%s\"?", near);
	return false;
}

bool names_id(struct check *c, const struct ast_port *written, bool is_group,
	      struct check_id *out)
{
	out->ast = *written;
	out->ast.next = NULL;
	return id_number(c, &out->ast.first, is_group, written->op) &&
	       (written->op < AST_PORT_INSIDE ||
		id_number(c, &out->ast.last, is_group, written->op));
}

/* ---- protocols and ports ------------------------------------------------ */

bool names_proto(struct check *c, const struct ast_name *written,
		 struct check_proto *out)
{
	int64_t number =
		written->text ? host_proto(written->text) : written->value;
	static const char *const common[] = {"tcp",  "udp", "icmp", "icmp6",
					     "igmp", "gre", "esp",  "sctp"};
	const char *near;

	if (number < 0 || number > 255) {
		if (!written->text) {
			diag_error(c->diag, written->span, "type",
				   "a protocol is a number from 0 to 255");
			return false;
		}
		diag_error(c->diag, written->span, "name",
			   "unknown protocol \"%s\"", written->text);
		near = diag_nearest(written->text, common,
				    sizeof(common) / sizeof(*common));
		if (near)
			diag_inline_hint(c->diag, "did you mean \"%s\"?", near);
		return false;
	}
	*out = (struct check_proto){.number = (int)number};
	out->ast.name = (struct ast_name){
		.span = written->span,
		.text = host_proto_name((unsigned)number),
		.value = number,
	};
	return true;
}

int names_port_number(struct check *c, const struct ast_name *written,
		      const char *proto)
{
	const char *const *names;
	const char *near;
	size_t count;
	int number;

	if (!written->text) {
		if (written->value >= 0 && written->value <= PORT_MAX)
			return (int)written->value;
		diag_error(c->diag, written->span, "type",
			   "a port is a number from 0 to %d", PORT_MAX);
		return -1;
	}
	number = host_service(c->host, written->text, proto);
	if (number < 0) /* as in pf: ssh is 22, also for udp */
		number = host_service(c->host, written->text, NULL);
	if (number >= 0)
		return number;
	names = host_service_names(c->host, c->arena, &count);
	near = diag_nearest(written->text, names, count);
	diag_error(c->diag, written->span, "name", "unknown service \"%s\"",
		   written->text);
	if (near)
		diag_inline_hint(c->diag, "did you mean \"%s\"?", near);
	diag_hint(c->diag, "service names come from /etc/services; a number "
			   "works everywhere");
	return -1;
}

void names_range(enum ast_port_op op, int64_t a, int64_t b, int64_t max,
		 int64_t *first, int64_t *last)
{
	*first = *last = a;
	switch (op) {
	case AST_PORT_EQ:
	case AST_PORT_NE:
		break;
	case AST_PORT_LT:
	case AST_PORT_LE:
		*first = 0;
		*last = op == AST_PORT_LT ? a - 1 : a;
		break;
	case AST_PORT_GT:
	case AST_PORT_GE:
		*first = op == AST_PORT_GT ? a + 1 : a;
		*last = max;
		break;
	case AST_PORT_INSIDE:
		*first = a + 1;
		*last = b - 1;
		break;
	case AST_PORT_OUTSIDE:
	case AST_PORT_INCLUSIVE:
		*last = b;
		break;
	}
}

static bool port_is_binary(enum ast_port_op op)
{
	return op == AST_PORT_INSIDE || op == AST_PORT_OUTSIDE ||
	       op == AST_PORT_INCLUSIVE;
}

bool names_port(struct check *c, const struct ast_port *written,
		const char *proto, struct check_port *out)
{
	bool is_negated =
		written->op == AST_PORT_NE || written->op == AST_PORT_OUTSIDE;
	int a = names_port_number(c, &written->first, proto);
	int64_t first, last;
	int b = a;

	if (port_is_binary(written->op))
		b = names_port_number(c, &written->last, proto);
	if (a < 0 || b < 0)
		return false;
	if (a > b && !c->is_pf) {
		diag_error(c->diag, written->span, "type",
			   "this range of ports is backwards");
		diag_inline_hint(c->diag, "%d is greater than %d", a, b);
		return false;
	}
	names_range(written->op, a, b, PORT_MAX, &first, &last);
	if (first > last || (is_negated && first == 0 && last == PORT_MAX)) {
		if (!c->is_pf) {
			diag_error(c->diag, written->span, "type",
				   "no port is in this range");
			return false;
		}
		/* pf takes it, and nothing matches: or all but nothing. */
		is_negated = first <= last || !is_negated;
		first = 0;
		last = PORT_MAX;
	}
	*out = (struct check_port){.ast = *written};
	out->ast.next = NULL;
	out->ast.first = (struct ast_name){written->first.span, NULL, a};
	out->ast.last = (struct ast_name){written->last.span, NULL, b};
	out->port = (struct policy_port){
		.is_negated = is_negated,
		.first = (uint16_t)first,
		.last = (uint16_t)last,
	};
	return true;
}

static int icmp_type(struct check *c, const struct ast_name *written,
		     enum addr_family family)
{
	const char *names[ICMP_NAMES_MAX];
	int number =
		written->text ? icmp_type_number(family, written->text) : -1;
	const char *near;

	if (!written->text && written->value >= 0 && written->value <= 255)
		return (int)written->value;
	if (number >= 0)
		return number;
	if (!written->text) {
		diag_error(c->diag, written->span, "type",
			   "an icmp type is a number from 0 to 255");
		return -1;
	}
	diag_error(c->diag, written->span, "name", "unknown %s type \"%s\"",
		   family == FAMILY_IPV6 ? "icmp6" : "icmp", written->text);
	near = diag_nearest(written->text, names,
			    icmp_type_names(family, names, ICMP_NAMES_MAX));
	if (near)
		diag_inline_hint(c->diag, "did you mean \"%s\"?", near);
	return -1;
}

static int icmp_code(struct check *c, const struct ast_name *written,
		     enum addr_family family, unsigned type)
{
	int number = written->text
			     ? icmp_code_number(family, type, written->text)
			     : -1;

	if (!written->text && written->value >= 0 && written->value <= 255)
		return (int)written->value;
	if (number >= 0)
		return number;
	if (written->text)
		diag_error(c->diag, written->span, "name",
			   "\"%s\" is no code of this icmp type",
			   written->text);
	else
		diag_error(c->diag, written->span, "type",
			   "an icmp code is a number from 0 to 255");
	return -1;
}

bool names_icmp(struct check *c, const struct ast_icmp *written,
		enum addr_family family, struct check_icmp *out)
{
	int type = icmp_type(c, &written->type, family);
	int code = -1;

	if (type < 0)
		return false;
	if (written->has_code) {
		code = icmp_code(c, &written->code, family, (unsigned)type);
		if (code < 0)
			return false;
	}
	*out = (struct check_icmp){.ast = *written};
	out->ast.next = NULL;
	out->type = (int16_t)type;
	out->code = (int16_t)code;
	out->ast.type.text = icmp_type_name(family, (unsigned)type);
	out->ast.type.value = type;
	if (written->has_code) {
		out->ast.code.text =
			icmp_code_name(family, (unsigned)type, (unsigned)code);
		out->ast.code.value = code;
	}
	return true;
}
