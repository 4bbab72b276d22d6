/* SPDX-License-Identifier: BSD-2-Clause */
/* steer_rules.c: rtnetlink -> routing rules, and back. */
#include "steer_rules.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "abi.h"
#include "netlink.h"

/* A datagram to a resolver from a socket that is not connected is told by its
 * port, as its mark is older than it. */
static const struct steer_own {
	uint32_t mark, mask, table;
	uint16_t udp_port; /* 0: any packet */
} steer_own[] = {
	{NFR_MARK_OWNED, UINT32_MAX, STEER_INSIDE, 53},
	{NFR_MARK_OUTSIDE, ~(NFR_MARK_OUTSIDE ^ NFR_MARK_OWNED), STEER_OUTSIDE,
	 0},
	{NFR_MARK_INSIDE, UINT32_MAX, STEER_INSIDE, 0},
};
#define STEER_OWN (sizeof(steer_own) / sizeof(steer_own[0]))
static const uint8_t steer_families[] = {AF_INET, AF_INET6};

void steer_rules_free(struct steer_rules *rules)
{
	free(rules->items);
	*rules = (struct steer_rules){0};
}

/* ---- what is there ------------------------------------------------------- */

struct rule_facts {
	uint32_t mark, mask, table, priority;
	uint16_t udp_port; /* the only one that it takes */
	bool is_narrow;	   /* by something else than a mark */
};

static void rule_ports(const struct nlattr *attr, struct rule_facts *facts)
{
	const struct fib_rule_port_range *range = mnl_attr_get_payload(attr);

	facts->is_narrow = true;
	if (mnl_attr_get_payload_len(attr) >= sizeof(*range) &&
	    range->start == range->end)
		facts->udp_port = range->start;
}

static void rule_fact(const struct nlattr *attr, struct rule_facts *facts)
{
	switch (mnl_attr_get_type(attr)) {
	case FRA_FWMARK:
		facts->mark = mnl_attr_get_u32(attr);
		break;
	case FRA_FWMASK:
		facts->mask = mnl_attr_get_u32(attr);
		break;
	case FRA_TABLE:
		facts->table = mnl_attr_get_u32(attr);
		break;
	case FRA_PRIORITY:
		facts->priority = mnl_attr_get_u32(attr);
		break;
	case FRA_DPORT_RANGE:
		rule_ports(attr, facts);
		break;
	case FRA_IIFNAME:
	case FRA_OIFNAME:
	case FRA_UID_RANGE:
	case FRA_IP_PROTO:
	case FRA_SPORT_RANGE:
	case FRA_TUN_ID:
		facts->is_narrow = true;
		break;
	default:
		break;
	}
}

static int rule_own(const struct rule_facts *facts)
{
	for (unsigned i = 0; i < STEER_OWN; i++)
		if (facts->mark == steer_own[i].mark &&
		    facts->mask == steer_own[i].mask &&
		    facts->table == steer_own[i].table &&
		    facts->udp_port == steer_own[i].udp_port)
			return (int)i;
	return -1;
}

/* wg-quick's are "not fwmark", and main without its default route. */
static bool rule_is_general(const struct fib_rule_hdr *rule,
			    const struct rule_facts *facts)
{
	bool is_narrow =
		facts->is_narrow || rule->dst_len || rule->src_len || rule->tos;
	bool is_marked = (NFR_MARK_OUTSIDE & facts->mask) == facts->mark;

	if (rule->action != FR_ACT_TO_TBL)
		return false;
	if (rule->flags & FIB_RULE_INVERT)
		return is_narrow || !is_marked;
	return !is_narrow && is_marked;
}

static int rules_message(const struct nlmsghdr *message, void *arg)
{
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(message);
	struct rule_facts facts = {.table = rule->table};
	struct steer_rules *rules = arg;
	struct steer_rule *grown;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWRULE)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*rule))
	{
		rule_fact(attr, &facts);
	}
	grown = reallocarray(rules->items, rules->count + 1, sizeof(*grown));
	if (!grown)
		return MNL_CB_ERROR;
	rules->items = grown;
	grown[rules->count++] = (struct steer_rule){
		.family = rule->family,
		.own = rule_own(&facts),
		.is_general = rule_is_general(rule, &facts),
		.priority = facts.priority,
		.table = facts.table,
	};
	return MNL_CB_OK;
}

int steer_rules_read(struct mnl_socket *socket, struct steer_rules *rules)
{
	for (unsigned f = 0; f < 2; f++) {
		char buffer[64] __attribute__((aligned(8)));
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct fib_rule_hdr *rule =
			mnl_nlmsg_put_extra_header(message, sizeof(*rule));
		int ret;

		message->nlmsg_type = RTM_GETRULE;
		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		message->nlmsg_seq = 1 + f;
		rule->family = steer_families[f];
		ret = netlink_ask(socket, message, rules_message, rules);
		if (ret && f == 0)
			return ret; /* without IPv6 there is one */
	}
	return 0;
}

size_t steer_rules_own(const struct steer_rules *rules)
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count; i++)
		count += rules->items[i].own >= 0;
	return count;
}

/* ---- where ours belong --------------------------------------------------- */

struct place {
	const struct steer_rules *rules;
	bool (*leads)(const void *arg, uint32_t table);
	const void *arg;
	uint8_t family;
};

/* Every family that the kernel has has rules. */
static bool place_has_family(const struct place *p)
{
	for (size_t i = 0; i < p->rules->count; i++)
		if (p->rules->items[i].family == p->family)
			return true;
	return false;
}

/* Has it to come after ours, or stand where one of ours would? */
static bool place_is_in_the_way(const struct place *p,
				const struct steer_rule *rule, uint32_t first)
{
	if (rule->family != p->family || rule->own >= 0 ||
	    rule->priority >= first + STEER_OWN)
		return false;
	return rule->priority >= first || (rule->priority && rule->is_general &&
					   p->leads(p->arg, rule->table));
}

/* The preference of the first of ours; 0: there is none left. */
static uint32_t place_first(const struct place *p)
{
	uint32_t first = STEER_PLACE;
	size_t i = 0;

	while (i < p->rules->count) {
		const struct steer_rule *rule = &p->rules->items[i++];

		if (!place_is_in_the_way(p, rule, first))
			continue;
		if (rule->priority <= STEER_OWN)
			return 0;
		first = rule->priority - STEER_OWN;
		i = 0;
	}
	return first;
}

static bool place_has(const struct place *p, int own, uint32_t priority)
{
	for (size_t i = 0; i < p->rules->count; i++) {
		const struct steer_rule *rule = &p->rules->items[i];

		if (rule->family == p->family && rule->own == own &&
		    rule->priority == priority)
			return true;
	}
	return false;
}

bool steer_rules_are_placed(const struct steer_rules *now,
			    bool (*leads)(const void *arg, uint32_t table),
			    const void *arg)
{
	for (unsigned f = 0; f < 2; f++) {
		const struct place p = {now, leads, arg, steer_families[f]};
		uint32_t first = place_first(&p);

		for (unsigned i = 0; i < STEER_OWN && place_has_family(&p); i++)
			if (!first || !place_has(&p, (int)i, first + i))
				return false;
	}
	return true;
}

/* ---- changes ------------------------------------------------------------- */

static int rule_ask(struct mnl_socket *socket, uint16_t type, uint16_t flags,
		    const struct steer_rule *of)
{
	const struct steer_own *own = &steer_own[of->own];
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *rule =
		mnl_nlmsg_put_extra_header(message, sizeof(*rule));

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->nlmsg_seq = 1;
	rule->family = of->family;
	rule->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(message, FRA_PRIORITY, of->priority);
	mnl_attr_put_u32(message, FRA_FWMARK, own->mark);
	mnl_attr_put_u32(message, FRA_FWMASK, own->mask);
	mnl_attr_put_u32(message, FRA_TABLE, own->table);
	if (own->udp_port) {
		const struct fib_rule_port_range port = {own->udp_port,
							 own->udp_port};

		mnl_attr_put_u8(message, FRA_IP_PROTO, IPPROTO_UDP);
		mnl_attr_put(message, FRA_DPORT_RANGE, sizeof(port), &port);
	}
	return netlink_ask(socket, message, NULL, NULL);
}

/* How many were missing, or -errno. */
static int place_fill(const struct place *p, struct mnl_socket *socket,
		      uint32_t first)
{
	int count = 0;

	for (unsigned i = 0; i < STEER_OWN; i++) {
		const struct steer_rule rule = {.family = p->family,
						.own = (int)i,
						.priority = first + i};
		int ret;

		if (place_has(p, (int)i, first + i))
			continue;
		ret = rule_ask(socket, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL,
			       &rule);
		if (ret && ret != -EEXIST)
			return ret;
		count += !ret;
	}
	return count;
}

/* Of ours, those elsewhere; first 0: all. */
static int place_clear(const struct place *p, struct mnl_socket *socket,
		       uint32_t first)
{
	int count = 0;

	for (size_t i = 0; i < p->rules->count; i++) {
		const struct steer_rule *rule = &p->rules->items[i];
		int ret;

		if (rule->family != p->family || rule->own < 0 ||
		    (first && rule->priority == first + (uint32_t)rule->own))
			continue;
		ret = rule_ask(socket, RTM_DELRULE, 0, rule);
		if (ret && ret != -ENOENT)
			return ret;
		count += !ret;
	}
	return count;
}

/* New ones first, so that there is no moment without. */
int steer_rules_put(struct mnl_socket *socket, const struct steer_rules *now,
		    bool (*leads)(const void *arg, uint32_t table),
		    const void *arg)
{
	int count = 0;

	for (unsigned f = 0; f < 2; f++) {
		const struct place p = {now, leads, arg, steer_families[f]};
		uint32_t first = place_first(&p);
		int put, cleared;

		if (!place_has_family(&p))
			continue;
		if (!first)
			return -ENOSPC;
		put = place_fill(&p, socket, first);
		if (put < 0)
			return put;
		cleared = place_clear(&p, socket, first);
		if (cleared < 0)
			return cleared;
		count += put + cleared;
	}
	return count;
}

int steer_rules_remove(struct mnl_socket *socket, const struct steer_rules *now)
{
	int failed = 0;

	for (unsigned f = 0; f < 2; f++) {
		const struct place p = {.rules = now,
					.family = steer_families[f]};
		int ret = place_clear(&p, socket, 0);

		if (ret < 0)
			failed = ret;
	}
	return failed;
}
