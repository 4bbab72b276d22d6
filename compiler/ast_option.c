/* SPDX-License-Identifier: BSD-2-Clause */
/* ast_option.c: what stands behind a rule's addresses -> the rule. */
#include "construct.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 63 /* pf's PF_RULE_LABEL_SIZE and PF_TAG_NAME_SIZE - 1 */
#define RTABLE_MAX 255
#define PATH_MAX_LEN 255

static const char tcp_flags[] = "FSRPAUEW"; /* bit 0 first */

/* addr@if is for what packets are sent to. */
static void no_gateways(struct front *f, const struct ast_host *hosts)
{
	for (const struct ast_host *h = hosts; h; h = h->next) {
		bool is_gateway = h->iface || (h->kind == AST_HOST_NAME &&
					       strchr(h->name, '@'));
		if (is_gateway)
			diag_error(f->diag, h->span, "parse",
				   "an address with an interface behind \"@\" "
				   "is for route-to, reply-to and dup-to");
	}
}

struct ast_side side_new(struct front *f, struct list hosts, struct list ports)
{
	no_gateways(f, hosts.first);
	return (struct ast_side){
		.hosts = hosts.first,
		.ports = ports_check(f, ports, "port", 65535),
	};
}

struct options *options_new(struct front *f, struct list ifaces,
			    enum addr_family family, struct list protos,
			    struct sides sides)
{
	struct options *o = f->free_options;
	if (o) {
		f->free_options = o->next_free;
		*o = (struct options){0};
	} else {
		o = arena_new_of(f->keep, struct options);
	}
	o->rule.match.ifaces = ifaces.first;
	o->rule.match.family = family;
	o->rule.match.protos = protos.first;
	o->rule.match.from = sides.from;
	o->rule.match.to = sides.to;
	return o;
}

struct options *options_any(struct front *f)
{
	static const struct list none = {0};

	return options_new(f, none, FAMILY_ANY, none, (struct sides){0});
}

struct ast_rule options_take(struct front *f, struct options *o)
{
	o->next_free = f->free_options;
	f->free_options = o;
	return o->rule;
}

/* An option is given once. */
static void option_take(struct front *f, struct options *o,
			enum rule_option option, struct span at,
			const char *name)
{
	if (o->given[option].start) {
		diag_error(f->diag, at, "parse", "\"%s\" is given twice", name);
		diag_note(f->diag, o->given[option], "the first one is");
	}
	o->given[option] = at;
}

/* Of these a rule has one, as in pf. */
static void option_beside(struct front *f, struct options *o,
			  enum rule_option option, struct span at,
			  const char *name, const char *beside)
{
	diag_error(f->diag, at, "parse",
		   "\"%s\" can not be used together with \"%s\"", name, beside);
	diag_note(f->diag, o->given[option], "\"%s\" is", beside);
	o->given[option] = at;
}

static struct ast_effects *effects_of(struct front *f, struct options *o)
{
	if (!o->rule.effects)
		o->rule.effects = arena_new_of(f->arena, struct ast_effects);
	return o->rule.effects;
}

/* ---- what is matched ---- */

static uint8_t flags_parse(struct front *f, struct span span, const char *text)
{
	uint8_t bits = 0;
	for (const char *c = text; *c; c++) {
		const char *flag = strchr(tcp_flags, *c);
		if (flag) {
			bits |= (uint8_t)(1u << (flag - tcp_flags));
			continue;
		}
		diag_error(f->diag, span, "range",
			   "\"%c\" is not a TCP flag: F S R P A U E W", *c);
		return 0;
	}
	return bits;
}

struct options *option_flags(struct front *f, struct options *o, struct span at,
			     struct span span, const char *set,
			     const char *mask)
{
	struct ast_match *m = &o->rule.match;
	option_take(f, o, OPTION_FLAGS, at, "flags");
	unsigned before = diag_errors(f->diag);
	m->has_flags = true;
	m->flags_set = flags_parse(f, span, set);
	m->flags_mask = flags_parse(f, span, mask);
	m->flags_span = span_join(at, span);
	if (diag_errors(f->diag) == before && m->flags_set & ~m->flags_mask)
		diag_error(f->diag, span, "range",
			   "flags %s/%s never match: %s has a flag that %s "
			   "does not look at",
			   set, mask, set, mask);
	return o;
}

/* As in pf, the later list comes first. */
static void *list_before(struct list list, void *rest)
{
	return list_join(list, rest ? list_of(rest) : list_of(NULL)).first;
}

struct options *option_icmp(struct front *f, struct options *o, struct span at,
			    enum addr_family family, struct list icmps)
{
	struct ast_match *m = &o->rule.match;
	if (m->icmps && m->icmp_family != family)
		option_take(f, o, OPTION_ICMP, at,
			    family == FAMILY_IPV4 ? "icmp-type" : "icmp6-type");
	o->given[OPTION_ICMP] = at;
	m->icmps = list_before(icmps, m->icmps);
	m->icmp_family = family;
	m->icmp_span = at;
	return o;
}

struct options *option_users(struct front *f, struct options *o, struct span at,
			     struct list users)
{
	struct ast_match *m = &o->rule.match;
	ports_check(f, users, "user", UINT32_MAX);
	m->users = list_before(users, m->users);
	m->users_span = at;
	return o;
}

struct options *option_groups(struct front *f, struct options *o,
			      struct span at, struct list groups)
{
	struct ast_match *m = &o->rule.match;
	ports_check(f, groups, "group", UINT32_MAX);
	m->groups = list_before(groups, m->groups);
	m->groups_span = at;
	return o;
}

struct options *option_cgroups(struct front *f, struct options *o,
			       struct span at, struct list cgroups)
{
	option_take(f, o, OPTION_CGROUP, at, "cgroup");
	for (struct ast_word *w = cgroups.first; w; w = w->next)
		name_check(f, w->span, w->text, "cgroup path", PATH_MAX_LEN);
	o->rule.match.cgroups = cgroups.first;
	o->rule.match.cgroups_span = at;
	return o;
}

struct options *option_marks(struct front *f, struct options *o, struct span at,
			     struct list marks)
{
	option_take(f, o, OPTION_MARK, at, "mark");
	o->rule.match.marks = marks.first;
	o->rule.match.marks_span = at;
	return o;
}

struct options *option_received(struct front *f, struct options *o,
				struct span at, struct ast_iface *iface)
{
	option_take(f, o, OPTION_RECEIVED, at, "received-on");
	o->rule.match.received_on = iface;
	o->rule.match.received_span = at;
	return o;
}

struct options *option_tagged(struct front *f, struct options *o,
			      struct span at, struct span span, const char *tag,
			      bool is_not)
{
	option_take(f, o, OPTION_TAGGED, at, "tagged");
	name_check(f, span, tag, "tag", NAME_MAX_LEN);
	o->rule.match.tagged = tag;
	o->rule.match.tagged_span = span;
	o->rule.match.is_tagged_not = is_not;
	return o;
}

static const struct {
	const char *name;
	uint8_t value;
} tos_names[] = {
	{"lowdelay", 0x10}, {"throughput", 0x08},  {"reliability", 0x04},
	{"critical", 0xa0}, {"inetcontrol", 0xc0}, {"netcontrol", 0xe0},
	{"ef", 0xb8},	    {"af11", 0x28},	   {"af12", 0x30},
	{"af13", 0x38},	    {"af21", 0x48},	   {"af22", 0x50},
	{"af23", 0x58},	    {"af31", 0x68},	   {"af32", 0x70},
	{"af33", 0x78},	    {"af41", 0x88},	   {"af42", 0x90},
	{"af43", 0x98},	    {"cs0", 0x00},	   {"cs1", 0x20},
	{"cs2", 0x40},	    {"cs3", 0x60},	   {"cs4", 0x80},
	{"cs5", 0xa0},	    {"cs6", 0xc0},	   {"cs7", 0xe0},
	{"va", 0xb0},
};
#define TOS_COUNT (sizeof(tos_names) / sizeof(*tos_names))

uint8_t tos_number(struct front *f, struct span span, const char *text)
{
	const char *names[TOS_COUNT], *nearest;
	int64_t value;
	for (size_t i = 0; i < TOS_COUNT; i++) {
		names[i] = tos_names[i].name;
		if (!strcmp(names[i], text))
			return tos_names[i].value;
	}
	if (text_is_number(text, &value))
		return (uint8_t)text_number(f, span, text, "tos", 0, 255);
	diag_error(f->diag, span, "parse",
		   "\"%s\" is no type of service: a number from 0 to 255, "
		   "lowdelay, throughput, reliability, ef, af11, cs1 ...",
		   text);
	nearest = diag_nearest(text, names, TOS_COUNT);
	if (nearest)
		diag_inline_hint(f->diag, "did you mean \"%s\"?", nearest);
	return 0;
}

struct options *option_tos(struct front *f, struct options *o, struct span at,
			   struct span span, const char *text)
{
	option_take(f, o, OPTION_TOS, at, "tos");
	o->rule.match.has_tos = true;
	o->rule.match.tos = tos_number(f, span, text);
	o->rule.match.tos_span = at;
	return o;
}

struct options *option_prio(struct front *f, struct options *o, struct span at,
			    struct span span, const char *text)
{
	option_take(f, o, OPTION_PRIO, at, "prio");
	o->rule.match.has_prio = true;
	o->rule.match.prio = (uint8_t)text_number(f, span, text, "prio", 0, 7);
	o->rule.match.prio_span = at;
	return o;
}

struct options *option_fragment(struct front *f, struct options *o,
				struct span at)
{
	option_take(f, o, OPTION_FRAGMENT, at, "fragment");
	o->rule.match.is_fragment = true;
	o->rule.match.fragment_span = at;
	return o;
}

/* 0.5 or 50%; of 2^32 - 1, and never 0, which is "not written". */
struct options *option_probability(struct front *f, struct options *o,
				   struct span at, struct span span,
				   const char *text)
{
	char *end;
	bool is_number = strspn(text, "0123456789.") > 0;
	double value = is_number ? strtod(text, &end) : -1;
	option_take(f, o, OPTION_PROBABILITY, at, "probability");
	o->rule.probability = 1;
	o->rule.probability_span = at;
	if (is_number && *end == '%' && !end[1])
		value /= 100;
	else if (is_number && *end)
		is_number = false;
	if (!is_number || value < 0 || value > 1) {
		diag_error(f->diag, span, "range",
			   "\"%s\" is not a probability: from 0 to 1, or from "
			   "0%% to 100%%",
			   text);
		return o;
	}
	o->rule.probability = (uint32_t)(value * UINT32_MAX + 0.5);
	if (!o->rule.probability)
		o->rule.probability = 1;
	return o;
}

/* ---- what is done ---- */

void name_check(struct front *f, struct span span, const char *text,
		const char *what, size_t max)
{
	if (!*text)
		diag_error(f->diag, span, "parse", "the %s is empty", what);
	else if (strlen(text) > max)
		diag_error(f->diag, span, "range",
			   "%s is too long: %zu bytes, at most %zu", what,
			   strlen(text), max);
}

struct options *option_label(struct front *f, struct options *o, struct span at,
			     struct span span, const char *label)
{
	option_take(f, o, OPTION_LABEL, at, "label");
	name_check(f, span, label, "label", NAME_MAX_LEN);
	o->rule.label = label;
	o->rule.label_span = span;
	return o;
}

struct options *option_tag(struct front *f, struct options *o, struct span at,
			   struct span span, const char *tag)
{
	option_take(f, o, OPTION_TAG, at, "tag");
	name_check(f, span, tag, "tag", NAME_MAX_LEN);
	o->rule.tag = tag;
	o->rule.tag_span = span;
	return o;
}

struct options *option_state(struct front *f, struct options *o, struct span at,
			     enum ast_state state,
			     struct ast_state_options *options)
{
	option_take(f, o, OPTION_STATE, at, "state");
	o->rule.state = state;
	o->rule.state_span = at;
	o->rule.state_options = options;
	return o;
}

struct options *option_rtable(struct front *f, struct options *o,
			      struct span at, struct span span,
			      const char *text)
{
	option_take(f, o, OPTION_RTABLE, at, "rtable");
	o->rule.has_rtable = true;
	o->rule.rtable = (uint8_t)text_number(f, span, text, "routing table", 0,
					      RTABLE_MAX);
	o->rule.rtable_span = at;
	return o;
}

struct options *option_rate(struct front *f, struct options *o, struct span at,
			    struct span packets_span, const char *packets,
			    struct span seconds_span, const char *seconds)
{
	option_take(f, o, OPTION_RATE, at, "max-pkt-rate");
	o->rule.rate_packets = (uint32_t)text_number(
		f, packets_span, packets, "number of packets", 1, UINT32_MAX);
	o->rule.rate_seconds = (uint32_t)text_number(
		f, seconds_span, seconds, "number of seconds", 1, UINT32_MAX);
	o->rule.rate_span = at;
	return o;
}

struct options *option_once(struct front *f, struct options *o, struct span at)
{
	option_take(f, o, OPTION_ONCE, at, "once");
	o->rule.is_once = true;
	o->rule.once_span = at;
	return o;
}

struct options *option_allow_opts(struct front *f, struct options *o,
				  struct span at)
{
	option_take(f, o, OPTION_ALLOW_OPTS, at, "allow-opts");
	o->rule.allows_opts = true;
	o->rule.allow_opts_span = at;
	return o;
}

struct options *option_scrub(struct front *f, struct options *o, struct span at,
			     struct ast_scrub *scrub)
{
	option_take(f, o, OPTION_SCRUB, at, "scrub");
	scrub->span = span_join(at, scrub->span);
	effects_of(f, o)->scrub = scrub;
	return o;
}

/* "set prio 3 set tos 4" is "set (prio 3, tos 4)". */
static void changes_join(struct front *f, struct ast_changes *all,
			 const struct ast_changes *c)
{
	if ((all->has_prio && c->has_prio) || (all->has_tos && c->has_tos) ||
	    (all->has_delay && c->has_delay))
		diag_error(f->diag, c->span, "parse",
			   "this is set twice in one rule");
	if (c->has_prio) {
		all->has_prio = true;
		all->prio = c->prio;
		all->prio_lowdelay = c->prio_lowdelay;
	}
	if (c->has_tos) {
		all->has_tos = true;
		all->tos = c->tos;
	}
	if (c->has_delay) {
		all->has_delay = true;
		all->delay = c->delay;
	}
}

struct options *option_set(struct front *f, struct options *o, struct span at,
			   struct ast_changes *changes)
{
	struct ast_effects *e = effects_of(f, o);
	if (e->changes) {
		changes_join(f, e->changes, changes);
		return o;
	}
	changes->span = span_join(at, changes->span);
	e->changes = changes;
	return o;
}

struct options *option_pool(struct front *f, struct options *o, struct span at,
			    enum pool_word word, struct ast_pool *pool)
{
	static const struct {
		const char *name;
		enum rule_option option;
	} words[] = {
		[POOL_NAT] = {"nat-to", OPTION_NAT},
		[POOL_RDR] = {"rdr-to", OPTION_RDR},
		[POOL_BINAT] = {"binat-to", OPTION_NAT},
		[POOL_ROUTE] = {"route-to", OPTION_ROUTE},
		[POOL_REPLY] = {"reply-to", OPTION_ROUTE},
		[POOL_DUP] = {"dup-to", OPTION_ROUTE},
	};
	const char *beside = NULL;
	struct ast_effects *e = effects_of(f, o);
	struct ast_pool **places[] = {
		[POOL_NAT] = &e->nat,	     [POOL_RDR] = &e->rdr,
		[POOL_BINAT] = &e->binat,    [POOL_ROUTE] = &e->route_to,
		[POOL_REPLY] = &e->reply_to, [POOL_DUP] = &e->dup_to,
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (i != word && words[i].option == words[word].option &&
		    *places[i]) {
			beside = words[i].name;
			break;
		}
	if (beside)
		option_beside(f, o, words[word].option, at, words[word].name,
			      beside);
	else
		option_take(f, o, words[word].option, at, words[word].name);
	pool->span = span_join(at, pool->span);
	*places[word] = pool;
	return o;
}

struct options *option_af_to(struct front *f, struct options *o, struct span at,
			     struct span family_span, enum addr_family family,
			     struct ast_pool *from, struct ast_pool *to)
{
	struct ast_effects *e = effects_of(f, o);
	option_take(f, o, OPTION_AF_TO, at, "af-to");
	if (family == FAMILY_ANY)
		diag_error(f->diag, at, "parse",
			   "\"af-to\" says the new family: inet or inet6");
	e->af_to = family;
	e->af_to_span = span_join(at, family_span);
	e->af_from = from;
	e->af_dst = to;
	return o;
}

struct options *option_divert(struct front *f, struct options *o,
			      struct span at, enum ast_divert divert,
			      struct ast_host *host, struct span port_span,
			      const char *port)
{
	static const char *const words[] = {
		[AST_DIVERT_NONE] = "",
		[AST_DIVERT_TO] = "divert-to",
		[AST_DIVERT_REPLY] = "divert-reply",
		[AST_DIVERT_PACKET] = "divert-packet",
	};
	struct ast_effects *e = effects_of(f, o);
	option_take(f, o, OPTION_DIVERT, at, words[divert]);
	e->divert = divert;
	e->divert_span = at;
	e->divert_host = host;
	if (port)
		e->divert_port = name_new(f, port_span, port, "port", 65535);
	return o;
}
