/* SPDX-License-Identifier: BSD-2-Clause */
/* datapath_user.c: frames and a clock in, verdicts and events out. */
#include "datapath_user.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "env_user.h"

#define FRAGMENTS_MAX 4096
#define COUNTED_MAX 65536
#define TURNS_MAX 65536
#define STICKY_MAX 65536

struct datapath {
	struct env env;
	struct datapath_orders orders; /* of the last frame */
};

#include "verdict.h"

/* ---- policies and devices ---------------------------------------------- */

static int env_new_maps(struct env *env, size_t state_max)
{
	int ret = hashmap_new(state_max, sizeof(struct nfr_state_key),
			      sizeof(struct nfr_state), HASHMAP_REFUSES,
			      &env->states);

	if (!ret)
		ret = hashmap_new(state_max, sizeof(struct nfr_state_key),
				  sizeof(struct nfr_state_key), HASHMAP_REFUSES,
				  &env->aliases);
	if (!ret)
		ret = hashmap_new(FRAGMENTS_MAX,
				  sizeof(struct nfr_fragment_key),
				  sizeof(struct nfr_fragment), HASHMAP_EVICTS,
				  &env->fragments);
	if (!ret)
		ret = hashmap_new(COUNTED_MAX, sizeof(struct nfr_source_key),
				  sizeof(struct nfr_source), HASHMAP_REFUSES,
				  &env->counted);
	if (!ret)
		ret = hashmap_new(TURNS_MAX, sizeof(__u64), sizeof(__u32),
				  HASHMAP_EVICTS, &env->turns);
	if (!ret)
		ret = hashmap_new(STICKY_MAX, sizeof(struct pool_sticky_key),
				  sizeof(struct pool_sticky), HASHMAP_EVICTS,
				  &env->sticky);
	return ret;
}

int datapath_new(size_t state_max, struct datapath **out)
{
	struct datapath *dp;
	int ret;

	if (state_max == 0)
		return -EINVAL;
	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return -ENOMEM;
	dp->env.random = 2463534242u;
	ret = env_new_maps(&dp->env, state_max);
	if (ret)
		datapath_free(&dp);
	else
		*out = dp;
	return ret;
}

static void env_drop_image(struct env *env)
{
	tableset_free(&env->tables);
	poolset_free(&env->poolset);
	free(env->devices);
	free(env->rule_counts);
	free(env->rule_tables);
	free(env->table_counts);
}

void datapath_free(struct datapath **dp)
{
	if (!*dp)
		return;
	env_drop_image(&(*dp)->env);
	hashmap_free(&(*dp)->env.states);
	hashmap_free(&(*dp)->env.aliases);
	hashmap_free(&(*dp)->env.fragments);
	hashmap_free(&(*dp)->env.counted);
	hashmap_free(&(*dp)->env.turns);
	hashmap_free(&(*dp)->env.sticky);
	free(*dp);
	*dp = NULL;
}

static void device_bind(const struct image *image,
			const struct datapath_device *from, struct device *to)
{
	to->ifindex = from->ifindex;
	to->is_impostor = from->is_impostor;
	to->iface.link = (__u8)from->link;
	if (strcmp(from->name, "lo") == 0)
		to->iface.flags = NFR_IFACE_LOOPBACK;
	for (__u32 i = 0; i < image->iface_count; i++) {
		const struct image_iface *iface = &image->ifaces[i];

		if (strcmp(image_string(image, iface->name), from->name) != 0)
			continue;
		to->iface.ifid = (__u16)(i + 1);
		if (iface->flags & IMAGE_IFACE_TUNNEL)
			to->iface.flags |= NFR_IFACE_TUNNEL;
	}
}

struct devices {
	const struct datapath_device *first;
	size_t count;
};

static __u32 device_named(void *arg, const char *name)
{
	const struct devices *devices = arg;

	for (size_t i = 0; i < devices->count; i++)
		if (strcmp(devices->first[i].name, name) == 0)
			return devices->first[i].ifindex;
	return 0;
}

int datapath_switch(struct datapath *dp, const struct image *image,
		    const struct datapath_device *devices, size_t count_devices)
{
	struct devices named = {devices, count_devices};
	struct env *env = &dp->env, next = *env;
	int ret = -ENOMEM;

	if (env->config.generation == UINT32_MAX)
		return -E2BIG;
	next.image = image;
	config_of_image(image, env->config.generation + 1, DATAPATH_HZ,
			&next.config);
	next.actions = image->actions;
	next.action_count = image->action_count;
	next.tables = NULL;
	next.poolset = NULL;
	next.device_count = count_devices;
	next.devices = calloc(count_devices + 1, sizeof(*next.devices));
	next.rule_counts = calloc((size_t)image->rule_count + 1,
				  sizeof(*next.rule_counts));
	next.rule_tables = calloc((size_t)image->rule_count + 1,
				  sizeof(*next.rule_tables));
	next.table_counts = calloc((size_t)4 * image_slots(image),
				   sizeof(*next.table_counts));
	if (next.devices && next.rule_counts && next.rule_tables &&
	    next.table_counts)
		ret = tableset_new(image, &next.tables);
	if (!ret)
		ret = poolset_new(image, device_named, &named, NULL,
				  &next.poolset);
	if (ret) {
		env_drop_image(&next);
		return ret;
	}
	next.pools = next.poolset->pools;
	next.pool_count = next.poolset->pool_count;
	next.pool_addrs = next.poolset->addrs;
	next.pool_addr_count = next.poolset->addr_count;
	image_rule_tables(image, next.rule_tables);
	for (size_t i = 0; i < count_devices; i++)
		device_bind(image, &devices[i], &next.devices[i]);
	env_drop_image(env);
	*env = next;
	return 0;
}

void datapath_set_actions(struct datapath *dp,
			  const struct datapath_actions *actions)
{
	struct env *env = &dp->env;

	env->actions = actions->actions;
	env->action_count = actions->action_count;
	env->pools = actions->pools;
	env->pool_count = actions->pool_count;
	env->pool_addrs = actions->pool_addrs;
	env->pool_addr_count = actions->pool_addr_count;
	env->config.flags = actions->flags;
}

/* ---- frames ------------------------------------------------------------ */

struct nfr_result datapath_judge(struct datapath *dp,
				 const struct datapath_frame *from,
				 struct nfr_key *key, struct nfr_event *event)
{
	struct env *env = &dp->env;
	struct verdict verdict;
	struct packet_frame frame = {
		.start = from->bytes,
		.end = (const __u8 *)from->bytes + from->caplen,
		.len = (__u32)from->len,
		.ifindex = from->ifindex,
		.ingress = from->ingress,
		.dir = (__u8)from->dir,
	};

	assert(from->caplen <= from->len && from->len <= UINT32_MAX);
	env->now = from->now_ms;
	env->writable = from->writable;
	env->owner = from->owner;
	env->origin = from->origin;
	env->hops = from->hops;
	env->was_here = from->was_here;
	verdict_judge(env, &frame, &verdict);
	if (verdict.result.action & NFR_RESULT_REDIRECTED)
		dp->orders.hop = verdict.apply.hop;
	if (verdict.result.action & NFR_RESULT_COPIED)
		dp->orders.copy = verdict.apply.copy;
	if (key)
		*key = verdict.packet.key;
	if (event) {
		event->time_ns = env->now * (1000000000u / DATAPATH_HZ);
		verdict_describe(env_config(env), &frame, &verdict, event);
	}
	return verdict.result;
}

struct datapath_orders datapath_orders(const struct datapath *dp)
{
	return dp->orders;
}

void datapath_on_event(struct datapath *dp,
		       void (*hook)(void *arg, const struct nfr_event *),
		       void *arg)
{
	dp->env.hook = hook;
	dp->env.hook_arg = arg;
}

void datapath_trace_block(struct datapath *dp, bool on)
{
	dp->env.trace_block = on;
}

__u32 datapath_generation(const struct datapath *dp)
{
	return dp->env.config.generation;
}

struct nfr_count datapath_rule_count(const struct datapath *dp, __u32 rule)
{
	if (!dp->env.image || rule >= dp->env.image->rule_count)
		return (struct nfr_count){0, 0};
	return dp->env.rule_counts[rule];
}

struct nfr_count datapath_table_count(const struct datapath *dp, __u32 slot,
				      enum nfr_dir dir,
				      enum nfr_verdict verdict)
{
	if (!dp->env.image || slot >= image_slots(dp->env.image))
		return (struct nfr_count){0, 0};
	return dp->env.table_counts[NFR_TABLE_COUNT(slot, dir, verdict)];
}

struct nfr_count datapath_reason_count(const struct datapath *dp,
				       enum nfr_dir dir, enum nfr_reason reason)
{
	return dp->env.reasons[dir * NFR_REASON_COUNT + reason];
}

size_t datapath_state_count(const struct datapath *dp)
{
	return hashmap_count(dp->env.states);
}

const struct nfr_state *datapath_state(struct datapath *dp,
				       const struct nfr_state_key *key)
{
	return hashmap_find(dp->env.states, key);
}

struct visitor {
	void (*visit)(void *arg, const struct nfr_state_key *,
		      const struct nfr_state *);
	void *arg;
};

static void visit_state(void *arg, const void *key, void *state)
{
	const struct visitor *visitor = arg;

	visitor->visit(visitor->arg, key, state);
}

void datapath_each_state(struct datapath *dp,
			 void (*visit)(void *arg, const struct nfr_state_key *,
				       const struct nfr_state *),
			 void *arg)
{
	struct visitor visitor = {visit, arg};

	hashmap_each(dp->env.states, visit_state, &visitor);
}

static void forget(void *arg, const void *key, void *state)
{
	state_forget(arg, key, state);
}

static void forget_fragment(void *arg, const void *key, void *first)
{
	(void)first;
	env_fragment_delete(arg, key);
}

static void forget_counted(void *arg, const void *key, void *entry)
{
	(void)entry;
	env_counted_delete(arg, key);
}

void datapath_forget_states(struct datapath *dp)
{
	hashmap_each(dp->env.fragments, forget_fragment, &dp->env);
	hashmap_each(dp->env.states, forget, &dp->env);
	hashmap_each(dp->env.counted, forget_counted, &dp->env);
}
