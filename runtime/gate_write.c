/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate_write.c: a gate as it should be -> one transaction of nf_tables.
 *
 * The rules, as nft(8) would say them:
 *	oifgroup != GROUP jump {
 *		oiftype != ether rtclassid != 0xffffffff accept
 *		oif . oifgroup @known accept
 *		counter drop
 *	}
 *
 * Nearly all packets are on a device of the group, and end with the first
 * comparison: the base chain's policy accepts, as a verdict of a rule would
 * take as long again. Reading rtclassid fails without a route. nft(8) that does
 * not know hooks of every device leaves the base chain out, and then asks for
 * the chain of its rules again and again, for ever. So that chain has the name
 * that the kernel gives to the other one: it counts those, and gate_sync()
 * looks whether the guess was right.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate.h"

#define GATE_DEVICE_PREFIX 2 /* NFTA_DEVICE_PREFIX of Linux 6.18 */
#define GATE_KEYS_MAX 500u   /* of one message: its lists have 16 bit lengths */
#define GATE_ROOM 4096u	     /* for all but the keys */
/* nft(8)'s names of the types, so that it can list them. */
#define GATE_TYPE_IFINDEX 20u
#define GATE_TYPE_GROUP 35u
#define GATE_TYPE_BITS 6
/* Chains, within a transaction. */
#define GATE_BASE 1u
#define GATE_INNER 2u
#define GATE_CHAIN_NAME 40

const char gate_names[2][12] = {GATE_NAME "2", GATE_NAME "2s"};

struct gate_batch {
	char *bytes;
	size_t len;
	uint32_t seq; /* of the last message */
};

static struct nlmsghdr *batch_begin(struct gate_batch *batch, uint16_t type,
				    uint16_t flags, uint8_t family, uint16_t id)
{
	struct nlmsghdr *message =
		mnl_nlmsg_put_header(batch->bytes + batch->len);
	struct nfgenmsg *gen;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = ++batch->seq;
	gen = mnl_nlmsg_put_extra_header(message, sizeof(*gen));
	gen->nfgen_family = family;
	gen->version = NFNETLINK_V0;
	gen->res_id = htons(id);
	return message;
}

static void batch_end(struct gate_batch *batch, const struct nlmsghdr *message)
{
	batch->len += MNL_ALIGN(message->nlmsg_len);
}

static void batch_mark(struct gate_batch *batch, uint16_t type)
{
	batch_end(batch,
		  batch_begin(batch, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static struct nlmsghdr *batch_table(struct gate_batch *batch, uint16_t type,
				    uint16_t flags, uint16_t attr)
{
	struct nlmsghdr *message =
		batch_begin(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
			    flags | NLM_F_ACK, NFPROTO_NETDEV, 0);

	mnl_attr_put_strz(message, attr, GATE_TABLE);
	return message;
}

/* ---- what it is made of ---------------------------------------------------
 */

static void put_table(struct gate_batch *batch)
{
	batch_end(batch, batch_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE,
				     NFTA_TABLE_NAME));
}

static void put_no_table(struct gate_batch *batch)
{
	batch_end(batch,
		  batch_table(batch, NFT_MSG_DELTABLE, 0, NFTA_TABLE_NAME));
}

static void put_chain(struct gate_batch *batch, const struct gate *want)
{
	struct gate_mark mark = {.group = want->group};
	struct nlmsghdr *message = batch_table(batch, NFT_MSG_NEWCHAIN,
					       NLM_F_CREATE, NFTA_CHAIN_TABLE);
	struct nlattr *hook, *devices;
	char name[GATE_CHAIN_NAME];

	snprintf(name, sizeof(name), GATE_CHAIN "%llu",
		 (unsigned long long)want->number);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
	mnl_attr_put_u32(message, NFTA_CHAIN_ID, htonl(GATE_BASE));
	hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_EGRESS));
	mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl((uint32_t)INT_MIN));
	devices = mnl_attr_nest_start(message, NFTA_HOOK_DEVS);
	mnl_attr_put_strz(message, GATE_DEVICE_PREFIX, "");
	mnl_attr_nest_end(message, devices);
	mnl_attr_nest_end(message, hook);
	mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
	memcpy(mark.name, gate_names[want->is_strict], sizeof(mark.name));
	mnl_attr_put(message, NFTA_CHAIN_USERDATA, sizeof(mark), &mark);
	batch_end(batch, message);
}

/* The kernel names it: GATE_CHAIN, and the next number of its own. */
static void put_inner(struct gate_batch *batch)
{
	struct nlmsghdr *message = batch_table(batch, NFT_MSG_NEWCHAIN,
					       NLM_F_CREATE, NFTA_CHAIN_TABLE);

	mnl_attr_put_u32(message, NFTA_CHAIN_ID, htonl(GATE_INNER));
	mnl_attr_put_u32(message, NFTA_CHAIN_FLAGS, htonl(NFT_CHAIN_BINDING));
	batch_end(batch, message);
}

static void put_set(struct gate_batch *batch)
{
	struct nlmsghdr *message = batch_table(batch, NFT_MSG_NEWSET,
					       NLM_F_CREATE, NFTA_SET_TABLE);

	mnl_attr_put_strz(message, NFTA_SET_NAME, GATE_SET);
	mnl_attr_put_u32(message, NFTA_SET_ID, htonl(1));
	mnl_attr_put_u32(
		message, NFTA_SET_KEY_TYPE,
		htonl(GATE_TYPE_IFINDEX << GATE_TYPE_BITS | GATE_TYPE_GROUP));
	mnl_attr_put_u32(message, NFTA_SET_KEY_LEN,
			 htonl(sizeof(struct gate_key)));
	batch_end(batch, message);
}

static void put_keys(struct gate_batch *batch, uint16_t type, uint16_t flags,
		     const struct gate_key *keys, size_t count)
{
	struct nlmsghdr *message =
		batch_table(batch, type, flags, NFTA_SET_ELEM_LIST_TABLE);
	struct nlattr *list, *element, *key;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, GATE_SET);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < count; i++) {
		element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
		key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
		mnl_attr_put(message, NFTA_DATA_VALUE, sizeof(keys[i]),
			     &keys[i]);
		mnl_attr_nest_end(message, key);
		mnl_attr_nest_end(message, element);
	}
	mnl_attr_nest_end(message, list);
	batch_end(batch, message);
}

/* ---- rules
 * ---------------------------------------------------------------- */

struct gate_rule {
	struct nlmsghdr *message;
	struct nlattr *expressions, *expression, *data;
};

static void expr_begin(struct gate_rule *rule, const char *name)
{
	rule->expression = mnl_attr_nest_start(rule->message, NFTA_LIST_ELEM);
	mnl_attr_put_strz(rule->message, NFTA_EXPR_NAME, name);
	rule->data = mnl_attr_nest_start(rule->message, NFTA_EXPR_DATA);
}

static void expr_end(struct gate_rule *rule)
{
	mnl_attr_nest_end(rule->message, rule->data);
	mnl_attr_nest_end(rule->message, rule->expression);
}

static void expr_meta(struct gate_rule *rule, uint32_t key, uint32_t reg)
{
	expr_begin(rule, "meta");
	mnl_attr_put_u32(rule->message, NFTA_META_KEY, htonl(key));
	mnl_attr_put_u32(rule->message, NFTA_META_DREG, htonl(reg));
	expr_end(rule);
}

static void expr_known(struct gate_rule *rule)
{
	expr_meta(rule, NFT_META_OIF, NFT_REG32_00);
	expr_meta(rule, NFT_META_OIFGROUP, NFT_REG32_01);
	expr_begin(rule, "lookup");
	mnl_attr_put_strz(rule->message, NFTA_LOOKUP_SET, GATE_SET);
	mnl_attr_put_u32(rule->message, NFTA_LOOKUP_SET_ID, htonl(1));
	mnl_attr_put_u32(rule->message, NFTA_LOOKUP_SREG, htonl(NFT_REG32_00));
	expr_end(rule);
}

/* value: in the order of the host, as the kernel has it. */
static void expr_compare(struct gate_rule *rule, uint32_t key, uint32_t op,
			 const void *value, size_t len)
{
	struct nlattr *data;

	expr_meta(rule, key, NFT_REG32_00);
	expr_begin(rule, "cmp");
	mnl_attr_put_u32(rule->message, NFTA_CMP_SREG, htonl(NFT_REG32_00));
	mnl_attr_put_u32(rule->message, NFTA_CMP_OP, htonl(op));
	data = mnl_attr_nest_start(rule->message, NFTA_CMP_DATA);
	mnl_attr_put(rule->message, NFTA_DATA_VALUE, len, value);
	mnl_attr_nest_end(rule->message, data);
	expr_end(rule);
}

/*
 * A comparison that holds, but for a realm that nobody has: nft(8) does not
 * list a value without one, and of a word the kernel compares "!=" in place.
 */
static void expr_routed(struct gate_rule *rule)
{
	const uint32_t nobody = UINT32_MAX;

	expr_compare(rule, NFT_META_RTCLASSID, NFT_CMP_NEQ, &nobody,
		     sizeof(nobody));
}

static void expr_verdict(struct gate_rule *rule, int verdict)
{
	struct nlattr *data, *nest;

	expr_begin(rule, "immediate");
	mnl_attr_put_u32(rule->message, NFTA_IMMEDIATE_DREG,
			 htonl(NFT_REG_VERDICT));
	data = mnl_attr_nest_start(rule->message, NFTA_IMMEDIATE_DATA);
	nest = mnl_attr_nest_start(rule->message, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(rule->message, NFTA_VERDICT_CODE,
			 htonl((uint32_t)verdict));
	if (verdict == NFT_JUMP)
		mnl_attr_put_u32(rule->message, NFTA_VERDICT_CHAIN_ID,
				 htonl(GATE_INNER));
	mnl_attr_nest_end(rule->message, nest);
	mnl_attr_nest_end(rule->message, data);
	expr_end(rule);
}

static void expr_counter(struct gate_rule *rule)
{
	expr_begin(rule, "counter");
	expr_end(rule);
}

static struct gate_rule rule_begin(struct gate_batch *batch, uint32_t chain)
{
	struct gate_rule rule = {
		.message = batch_table(batch, NFT_MSG_NEWRULE,
				       NLM_F_CREATE | NLM_F_APPEND,
				       NFTA_RULE_TABLE),
	};

	mnl_attr_put_u32(rule.message, NFTA_RULE_CHAIN_ID, htonl(chain));
	rule.expressions =
		mnl_attr_nest_start(rule.message, NFTA_RULE_EXPRESSIONS);
	return rule;
}

static void rule_end(struct gate_batch *batch, struct gate_rule *rule)
{
	mnl_attr_nest_end(rule->message, rule->expressions);
	batch_end(batch, rule->message);
}

static void put_rules(struct gate_batch *batch, const struct gate *want)
{
	const uint16_t ether = ARPHRD_ETHER;
	struct gate_rule rule;

	if (!want->is_strict) {
		rule = rule_begin(batch, GATE_INNER);
		expr_compare(&rule, NFT_META_OIFTYPE, NFT_CMP_NEQ, &ether,
			     sizeof(ether));
		expr_routed(&rule);
		expr_verdict(&rule, NF_ACCEPT);
		rule_end(batch, &rule);
	}
	rule = rule_begin(batch, GATE_INNER);
	expr_known(&rule);
	expr_verdict(&rule, NF_ACCEPT);
	rule_end(batch, &rule);
	rule = rule_begin(batch, GATE_INNER);
	expr_counter(&rule);
	expr_verdict(&rule, NF_DROP);
	rule_end(batch, &rule);
	rule = rule_begin(batch, GATE_BASE);
	expr_compare(&rule, NFT_META_OIFGROUP, NFT_CMP_NEQ, &want->group,
		     sizeof(want->group));
	expr_verdict(&rule, NFT_JUMP);
	rule_end(batch, &rule);
}

/* ---- transactions -------------------------------------------------------- */

/* The first error ends it; else the answer to the last message that asks. */
static int batch_wait(struct mnl_socket *socket, uint32_t last)
{
	char buffer[8192];

	for (;;) {
		ssize_t len =
			mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		struct nlmsghdr *message = (struct nlmsghdr *)buffer;
		int left = (int)len;

		if (len < 0)
			return -errno;
		for (; mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left)) {
			const struct nlmsgerr *reply =
				mnl_nlmsg_get_payload(message);

			if (message->nlmsg_type != NLMSG_ERROR)
				continue;
			if (reply->error || message->nlmsg_seq == last)
				return reply->error;
		}
	}
}

static int batch_send(struct mnl_socket *socket, struct gate_batch *batch)
{
	uint32_t last = batch->seq;
	int size = (int)batch->len * 2;

	batch_mark(batch, NFNL_MSG_BATCH_END);
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &size,
		   sizeof(size));
	if (mnl_socket_sendto(socket, batch->bytes, batch->len) < 0)
		return -errno;
	return batch_wait(socket, last);
}

static bool keys_hold(const struct gate *gate, const struct gate_key *key)
{
	for (size_t i = 0; i < gate->key_count; i++) {
		if (!memcmp(&gate->keys[i], key, sizeof(*key)))
			return true;
	}
	return false;
}

/* The keys of one that the other has not; how many messages that took. */
static size_t put_difference(struct gate_batch *batch, uint16_t type,
			     uint16_t flags, const struct gate *one,
			     const struct gate *other)
{
	struct gate_key some[GATE_KEYS_MAX];
	size_t count = 0, messages = 0;

	for (size_t i = 0; i <= one->key_count; i++) {
		bool is_over = i == one->key_count;

		if (!is_over && !keys_hold(other, &one->keys[i]))
			some[count++] = one->keys[i];
		if (count == GATE_KEYS_MAX || (is_over && count)) {
			put_keys(batch, type, flags, some, count);
			messages++;
			count = 0;
		}
	}
	return messages;
}

int gate_write(struct mnl_socket *socket, const struct gate *old,
	       const struct gate *want)
{
	static const struct gate nothing;
	struct gate_batch batch = {0};
	size_t changes = 1;
	int ret = 0;

	batch.bytes =
		calloc(1, GATE_ROOM + 64 * (old->key_count + want->key_count));
	if (!batch.bytes)
		return -ENOMEM;
	batch_mark(&batch, NFNL_MSG_BATCH_BEGIN);
	if (old->is_whole && old->is_strict == want->is_strict &&
	    old->group == want->group && old->number == want->number) {
		changes = put_difference(&batch, NFT_MSG_DELSETELEM, 0, old,
					 want);
		changes += put_difference(&batch, NFT_MSG_NEWSETELEM,
					  NLM_F_CREATE, want, old);
	} else {
		if (old->is_there)
			put_no_table(&batch);
		put_table(&batch);
		put_chain(&batch, want);
		put_inner(&batch);
		put_set(&batch);
		put_difference(&batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, want,
			       &nothing);
		put_rules(&batch, want);
	}
	if (changes)
		ret = batch_send(socket, &batch);
	free(batch.bytes);
	return ret;
}

int gate_write_none(struct mnl_socket *socket)
{
	char bytes[1024] = "";
	struct gate_batch batch = {.bytes = bytes};

	batch_mark(&batch, NFNL_MSG_BATCH_BEGIN);
	put_no_table(&batch);
	return batch_send(socket, &batch);
}
