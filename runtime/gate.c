/* SPDX-License-Identifier: BSD-2-Clause */
/* gate.c: devices, and what nf_tables has -> the gate as it should be. */
#include "gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "links.h"
#include "netlink.h"

#define GATE_TRIES 4 /* others may make chains at the same time */

/* ---- read ----------------------------------------------------------------
 */

struct gate_reading {
	struct gate *gate;
	unsigned rules;
	bool has_chain;
};

static struct nlmsghdr *gate_question(char *buffer, uint16_t type,
				      uint16_t flags, uint16_t table)
{
	static uint32_t seq;
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *gen;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = ++seq;
	gen = mnl_nlmsg_put_extra_header(message, sizeof(*gen));
	gen->nfgen_family = NFPROTO_NETDEV;
	mnl_attr_put_strz(message, table, GATE_TABLE);
	return message;
}

static const void *gate_attr(const struct nlattr *nest, uint16_t type,
			     size_t len)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type &&
		    mnl_attr_get_payload_len(attr) >= len)
			return attr;
	}
	return NULL;
}

static uint64_t gate_number(const char *name)
{
	size_t len = sizeof(GATE_CHAIN) - 1;

	return strncmp(name, GATE_CHAIN, len) ? 0
					      : strtoull(name + len, NULL, 10);
}

static int gate_chain(const struct nlmsghdr *message, void *arg)
{
	struct gate_reading *reading = arg;
	bool accepts = false, is_marked[2];
	const struct nlattr *attr;
	struct gate_mark mark = {0};
	uint64_t number = 0;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		size_t len = mnl_attr_get_payload_len(attr);
		const char *text = mnl_attr_get_payload(attr);

		switch (mnl_attr_get_type(attr)) {
		case NFTA_CHAIN_TABLE:
			if (strcmp(text, GATE_TABLE))
				return MNL_CB_OK;
			break;
		case NFTA_CHAIN_NAME:
			number = gate_number(text);
			break;
		case NFTA_CHAIN_POLICY:
			accepts = len == 4 &&
				  ntohl(mnl_attr_get_u32(attr)) == NF_ACCEPT;
			break;
		case NFTA_CHAIN_USERDATA:
			if (len != sizeof(mark))
				break;
			memcpy(&mark, text, sizeof(mark));
			break;
		}
	}
	is_marked[0] = !memcmp(mark.name, gate_names[0], sizeof(mark.name));
	is_marked[1] = !memcmp(mark.name, gate_names[1], sizeof(mark.name));
	if (memcmp(mark.name, GATE_NAME, sizeof(GATE_NAME) - 1)) {
		reading->gate->inner = number;
		return MNL_CB_OK;
	}
	reading->has_chain = accepts && (is_marked[0] || is_marked[1]);
	reading->gate->is_ours = true;
	reading->gate->is_strict = is_marked[1];
	reading->gate->group = mark.group;
	reading->gate->number = number;
	return MNL_CB_OK;
}

static void gate_expression(struct gate_reading *reading,
			    const struct nlattr *expression)
{
	const struct nlattr *name = gate_attr(expression, NFTA_EXPR_NAME, 1);
	const struct nlattr *data = gate_attr(expression, NFTA_EXPR_DATA, 4);
	const struct nlattr *packets;
	uint64_t value;

	if (!name || !data || strcmp(mnl_attr_get_str(name), "counter"))
		return;
	packets = gate_attr(data, NFTA_COUNTER_PACKETS, sizeof(value));
	if (!packets)
		return;
	value = mnl_attr_get_u64(packets);
	reading->gate->dropped +=
		(uint64_t)ntohl((uint32_t)value) << 32 | ntohl(value >> 32);
}

static int gate_rule(const struct nlmsghdr *message, void *arg)
{
	struct gate_reading *reading = arg;
	const struct nlattr *attr, *expression;

	if (message->nlmsg_type !=
	    (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		return MNL_CB_OK;
	reading->rules++;
	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != NFTA_RULE_EXPRESSIONS)
			continue;
		mnl_attr_for_each_nested(expression, attr)
		{
			gate_expression(reading, expression);
		}
	}
	return MNL_CB_OK;
}

static int gate_key(struct gate *gate, const struct nlattr *element)
{
	const struct nlattr *key = gate_attr(element, NFTA_SET_ELEM_KEY, 4);
	const struct nlattr *value =
		key ? gate_attr(key, NFTA_DATA_VALUE, sizeof(struct gate_key))
		    : NULL;
	struct gate_key *grown;

	if (!value)
		return MNL_CB_OK;
	grown = reallocarray(gate->keys, gate->key_count + 1, sizeof(*grown));
	if (!grown)
		return MNL_CB_ERROR;
	gate->keys = grown;
	memcpy(&grown[gate->key_count++], mnl_attr_get_payload(value),
	       sizeof(*grown));
	return MNL_CB_OK;
}

static int gate_elements(const struct nlmsghdr *message, void *arg)
{
	struct gate_reading *reading = arg;
	const struct nlattr *attr, *element;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(element, attr)
		{
			if (gate_key(reading->gate, element) != MNL_CB_OK)
				return MNL_CB_ERROR;
		}
	}
	return MNL_CB_OK;
}

static int gate_table(const struct nlmsghdr *message, void *arg)
{
	struct gate_reading *reading = arg;

	(void)message;
	reading->gate->is_there = true;
	return MNL_CB_OK;
}

static int gate_read_table(struct mnl_socket *socket,
			   struct gate_reading *reading)
{
	char buffer[1024];
	struct nlmsghdr *message = gate_question(buffer, NFT_MSG_GETTABLE,
						 NLM_F_ACK, NFTA_TABLE_NAME);
	int ret = netlink_ask(socket, message, gate_table, reading);

	if (ret)
		return ret;
	message = gate_question(buffer, NFT_MSG_GETCHAIN, NLM_F_DUMP,
				NFTA_CHAIN_TABLE);
	ret = netlink_ask(socket, message, gate_chain, reading);
	if (ret)
		return ret;
	message = gate_question(buffer, NFT_MSG_GETRULE, NLM_F_DUMP,
				NFTA_RULE_TABLE);
	ret = netlink_ask(socket, message, gate_rule, reading);
	if (ret)
		return ret;
	message = gate_question(buffer, NFT_MSG_GETSETELEM, NLM_F_DUMP,
				NFTA_SET_ELEM_LIST_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, GATE_SET);
	return netlink_ask(socket, message, gate_elements, reading);
}

static int gate_read_by(struct mnl_socket *socket, struct gate *out)
{
	struct gate gate = {0};
	struct gate_reading reading = {.gate = &gate};
	int ret = gate_read_table(socket, &reading);

	if (ret && ret != -ENOENT) {
		gate_free(&gate);
		/* Kernels without nf_tables say so in either way. */
		return ret == -EINVAL ? -EOPNOTSUPP : ret;
	}
	gate.is_whole = !ret && reading.has_chain &&
			reading.rules == GATE_RULES(gate.is_strict);
	*out = gate;
	return 0;
}

int gate_read(struct gate *out)
{
	struct mnl_socket *socket = netlink_open(NETLINK_NETFILTER);
	int ret;

	if (!socket)
		return -errno;
	ret = gate_read_by(socket, out);
	mnl_socket_close(socket);
	return ret;
}

void gate_free(struct gate *gate)
{
	free(gate->keys);
	*gate = (struct gate){0};
}

/* ---- devices -------------------------------------------------------------
 */

static int gate_set_group(struct mnl_socket *socket, uint32_t ifindex,
			  uint32_t group)
{
	char buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = RTM_SETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = 1;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_index = (int)ifindex;
	mnl_attr_put_u32(message, IFLA_GROUP, group);
	return netlink_ask(socket, message, NULL, NULL);
}

static bool gate_has_edge(const struct engine_device *device)
{
	return device->is_skipped || device->flags & IFF_LOOPBACK ||
	       device->hook[NFR_DIR_OUT].mode != ENGINE_MODE_NONE;
}

static bool gate_is_group(uint32_t group)
{
	return (group & ~GATE_GROUP_DRAWN) == GATE_GROUP;
}

static bool gate_knows(const struct gate *gate,
		       const struct engine_device *device)
{
	if (device->group == gate->group)
		return true;
	for (size_t i = 0; i < gate->key_count; i++) {
		if (gate->keys[i].ifindex == device->ifindex &&
		    gate->keys[i].group == device->group)
			return true;
	}
	return false;
}

static bool gate_has_members(const struct engine_devices *devices,
			     uint32_t group)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->items[i].group == group)
			return true;
	}
	return false;
}

/* A group that no device is in yet. */
static int gate_draw(const struct engine_devices *devices, uint32_t *group)
{
	uint16_t drawn;

	do {
		if (getrandom(&drawn, sizeof(drawn), 0) != sizeof(drawn))
			return -errno;
		*group = GATE_GROUP | drawn;
	} while (gate_has_members(devices, *group));
	return 0;
}

/*
 * Into the gate's group, or out of it; or, in another's, among the keys. Who
 * can not be put there is not known.
 */
static void gate_want_device(struct mnl_socket *socket,
			     const struct engine_device *device,
			     struct gate *want)
{
	struct gate_key key = {device->ifindex, device->group};
	bool is_ours = gate_is_group(device->group);

	if (!gate_has_edge(device)) {
		if (is_ours)
			gate_set_group(socket, key.ifindex, 0);
		return;
	}
	if (device->group == want->group)
		return;
	if (device->group && !is_ours)
		want->keys[want->key_count++] = key;
	else
		gate_set_group(socket, key.ifindex, want->group);
}

/* What went away meanwhile is not known, and needs not be. */
static int gate_want(const struct engine_devices *devices, struct gate *want)
{
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	int ret = want->group ? 0 : gate_draw(devices, &want->group);

	if (!socket)
		return -errno;
	want->keys = calloc(devices->count + 1, sizeof(*want->keys));
	if (!ret && !want->keys)
		ret = -ENOMEM;
	for (size_t i = 0; i < devices->count && !ret; i++)
		gate_want_device(socket, &devices->items[i], want);
	mnl_socket_close(socket);
	return ret;
}

/* Until the kernel gave the name that was guessed. */
static int gate_settle(struct mnl_socket *socket, struct gate *have,
		       struct gate *want)
{
	int ret = 0;

	want->number = have->is_whole ? have->number : 1;
	for (unsigned try = 0; try < GATE_TRIES && !ret; try++) {
		ret = gate_write(socket, have, want);
		if (ret || (have->is_whole && have->number == want->number))
			return ret;
		gate_free(have);
		ret = gate_read_by(socket, have);
		if (!ret && have->inner == have->number)
			return 0;
		want->number = have->inner + 1;
	}
	return ret;
}

int gate_sync(const struct engine_devices *devices, bool is_strict, bool *news)
{
	struct mnl_socket *socket = netlink_open(NETLINK_NETFILTER);
	struct gate have = {0}, want = {.is_strict = is_strict};
	bool was_whole = false;
	int ret;

	*news = false;
	if (!socket)
		return -errno;
	ret = gate_read_by(socket, &have);
	if (!ret && have.is_there && !have.is_ours)
		ret = -EEXIST;
	was_whole = have.is_whole;
	want.group = have.group;
	if (!ret)
		ret = gate_want(devices, &want);
	if (!ret)
		ret = gate_settle(socket, &have, &want);
	if (!ret)
		*news = !was_whole;
	/* A kernel that does not know the attribute. */
	if (ret == -EINVAL && !was_whole)
		ret = -EOPNOTSUPP;
	mnl_socket_close(socket);
	gate_free(&have);
	gate_free(&want);
	return ret;
}

int gate_remove(void)
{
	struct mnl_socket *socket = netlink_open(NETLINK_NETFILTER);
	struct engine_devices devices = {0};
	struct gate have = {0};
	int ret;

	if (!socket)
		return -errno;
	ret = gate_read_by(socket, &have);
	if (ret == -EOPNOTSUPP)
		ret = 0;
	if (!ret && have.is_ours)
		ret = gate_write_none(socket);
	mnl_socket_close(socket);
	gate_free(&have);
	socket = ret || links_list(&devices) ? NULL
					     : netlink_open(NETLINK_ROUTE);
	for (size_t i = 0; i < devices.count && socket; i++) {
		if (gate_is_group(devices.items[i].group))
			gate_set_group(socket, devices.items[i].ifindex, 0);
	}
	if (socket)
		mnl_socket_close(socket);
	engine_devices_free(&devices);
	return ret;
}

/* ---- status --------------------------------------------------------------
 */

static void gate_describe(const struct gate *gate,
			  const struct engine_devices *devices,
			  struct engine_path *out)
{
	unsigned strangers = 0;
	size_t len;

	for (size_t i = 0; i < devices->count; i++)
		strangers += gate_has_edge(&devices->items[i]) &&
			     !gate_knows(gate, &devices->items[i]);
	if (strangers)
		snprintf(out->why, sizeof(out->why),
			 "%u device(s) changed their group, and send packets "
			 "with a route only",
			 strangers);
	len = strlen(out->why);
	if (gate->dropped)
		snprintf(out->why + len, sizeof(out->why) - len,
			 "%s%llu frame(s) blocked", len ? "; " : "",
			 (unsigned long long)gate->dropped);
}

size_t gate_look(const struct engine_devices *devices, struct engine_path *out)
{
	struct gate gate = {0};
	int ret = gate_read(&gate);

	*out = (struct engine_path){.name = GATE_PATH, .mode = "none"};
	if (!ret && gate.is_whole) {
		out->mode = "nftables";
		out->is_guarded = true;
		gate_describe(&gate, devices, out);
	} else {
		snprintf(out->why, sizeof(out->why), "%s",
			 ret && ret != -EOPNOTSUPP ? strerror(-ret)
						   : "no gate");
	}
	gate_free(&gate);
	return 1;
}
